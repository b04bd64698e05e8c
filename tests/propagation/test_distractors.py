"""What a correction took away is known in the propagation, and background outside of it."""

import numpy as np
import torch

from civos_siaf.networks.padding import Padding
from civos_siaf.propagation.distractors import removed_parts
from civos_siaf.propagation.mask_store import MaskStore


def labels(*boxes, size=(60, 80)):
    out = np.zeros(size, np.uint8)
    for label, top, left, height, width in boxes:
        out[top : top + height, left : left + width] = label
    return out


EVERYWHERE = [(row, column) for row in range(60) for column in range(80)]
THING, TWIN = (1, 5, 5, 20, 20), (1, 5, 45, 20, 18)


def test_a_part_that_was_cleared_counts():
    removed = removed_parts(labels(THING, TWIN), labels(THING), [(10, 50), (50, 10)])
    assert (removed == (labels(TWIN) > 0)).all()


def test_what_nobody_pointed_at_may_be_a_mistake():
    assert removed_parts(labels(THING, TWIN), labels(THING), [(10, 10), (50, 70)]) is None


def test_crumbs_and_rims_do_not_count():
    assert removed_parts(labels(THING, (1, 40, 40, 4, 4)), labels(THING), EVERYWHERE) is None
    assert removed_parts(labels((1, 5, 5, 24, 24)), labels((1, 7, 7, 20, 20)), EVERYWHERE) is None
    assert removed_parts(labels(THING), labels(THING), EVERYWHERE) is None


def test_an_object_that_was_lost_is_no_distractor():
    assert removed_parts(labels(THING), labels((1, 5, 5, 4, 4)), EVERYWHERE) is None
    assert removed_parts(labels(THING), labels(), EVERYWHERE) is None


def test_what_became_another_object_does_not_count():
    assert removed_parts(labels(THING, TWIN), labels(THING, (2, *TWIN[1:])), EVERYWHERE) is None


def test_channels_of_distractors_are_background_outside():
    store = MaskStore(2, 1, Padding.to_multiple(4, 4, 4))
    before = store.snapshot()
    store.add_distractor()
    store.add_objects()
    assert store.channels == (1, 0, 2)
    assert store.num_objects == 2
    prob = torch.zeros(4, 4, 4)
    prob[0, 0], prob[1, 1], prob[2, 2], prob[3, 3] = 1, 1, 1, 1  # background, object 1, distractor, object 2
    store.write(1, prob)
    assert store.labels(1)[:, 0].tolist() == [0, 1, 0, 2]
    assert store.video()[1, :, 0].tolist() == [0, 1, 0, 2]
    shown = store.prob(1)
    assert shown.shape == (3, 4, 4)
    assert shown[:, :, 0].T.tolist() == [[1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 0, 1]]
    assert store.channel_prob(1).shape == (4, 4, 4)
    store.show(1, shown.flip(1))
    assert store.labels(1)[:, 0].tolist() == [2, 0, 1, 0]
    store.restore(before)
    assert store.num_objects == 1
    assert store.prob(0).shape == (2, 4, 4)
