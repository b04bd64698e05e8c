import numpy as np
import pytest
import torch

from civos_siaf.benchmark.robot import ScribbleRobot
from civos_siaf.data.clip_items import ClipItems
from civos_siaf.data.frame_choice import FrameCounts
from civos_siaf.data.interaction_items import InteractionItems, wanted
from civos_siaf.data.samples import Clip
from civos_siaf.data.users.marks import NOT_MARKED, MarkUser
from civos_siaf.training.seeds import item_rng

STEPS = 100
FIELDS = {"images", "labels", "num_objects", "marks", "previous", "on_policy"}


class Squares:
    """Videos of 1 to 5 squares at random places, each frame on its own."""

    def __len__(self):
        return 9

    def clip(self, index, rng, *, frames, gap):
        labels = np.zeros((frames, 64, 96), np.uint8)
        for frame in labels:
            for number in range(1 + index % 5):
                y, x, side = rng.integers(0, 50), rng.integers(0, 80), rng.integers(6, 40)
                frame[y : y + side, x : x + side] = number + 1
        images = rng.integers(0, 256, size=(*labels.shape, 3), dtype=np.uint8)
        return Clip(str(index), images, labels)


def items(frames=3, **options):
    return InteractionItems(
        ClipItems(Squares(), frames=frames, max_objects=10, min_pixels=60, visible="any", merge=0.5),
        user=MarkUser(robot=ScribbleRobot(), click_share=0.3),
        steps=STEPS,
        **options,
    )


def draw(data, count=20, step=60):
    return [data.item(i, item_rng(0, i), step=step) for i in range(count)]


def test_items_have_what_the_task_needs():
    for item in draw(items()):
        assert set(item) == FIELDS
        n = int(item["num_objects"])
        assert 0 <= n <= 10
        for name, least in (("labels", 0), ("marks", -1), ("previous", -1)):
            value = item[name]
            assert (value.shape, value.dtype) == ((3, 64, 96), torch.int64)
            known = value[value != 255]
            assert least <= int(known.min()) <= int(known.max()) <= n
        found = torch.cat([item["marks"].unique(), item["previous"].unique()])
        assert set(range(1, n + 1)) <= set(found.tolist())


def test_an_item_depends_on_its_number_and_step_alone():
    data = items()
    draw(data, 3)
    again, fresh = data.item(7, item_rng(0, 7), step=60), items().item(7, item_rng(0, 7), step=60)
    assert all(torch.equal(again[name], fresh[name]) for name in FIELDS)


def test_previous_masks_are_unknown_wrong_or_the_networks_own():
    late, early = draw(items(), 60), draw(items(), 60, step=19)
    empty = [bool((item["previous"] == NOT_MARKED).all()) for item in late]
    own = [bool(item["on_policy"]) for item in late]
    assert all(e for e, o in zip(empty, own, strict=True) if o)
    # 0.3 empty, and of the others half on policy.
    assert 0.2 < np.mean(own) < 0.5
    assert 0.5 < np.mean(empty) < 0.8
    assert not any(item["on_policy"] for item in early)
    assert 0.15 < np.mean([(item["previous"] == NOT_MARKED).all().item() for item in early]) < 0.45
    assert not any(item["on_policy"] for item in draw(items(on_policy=0.0), 10))


def test_all_items_of_a_step_have_as_many_frames():
    data = items(frames=FrameCounts())
    lengths = [{len(item["images"]) for item in draw(data, 3, step=step)} for step in range(12)]
    assert all(len(found) == 1 for found in lengths)
    assert set.union(*lengths) == {1, 2, 3}
    drawn = [FrameCounts()(step) for step in range(3000)]
    assert np.bincount(drawn)[1:] / 3000 == pytest.approx([0.4, 0.3, 0.3], abs=0.03)
    assert {FrameCounts(counts=[1], weights=[1.0])(step) for step in range(50)} == {1}


def test_objects_that_nothing_tells_of_are_background():
    labels = np.array([[[0, 1, 2, 3, 255]]], np.uint8)
    marks, previous = np.full((1, 1, 5), NOT_MARKED), np.full((1, 1, 5), NOT_MARKED)
    marks[0, 0, 1], previous[0, 0, 3] = 3, 1
    known = wanted(labels, marks, previous)
    assert known.num_objects == 2
    assert known.labels.tolist() == [[[0, 1, 0, 2, 255]]]
    assert known.marks.tolist() == [[[-1, 2, -1, -1, -1]]]
    assert known.previous.tolist() == [[[-1, -1, -1, 1, -1]]]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: items(empty=1.5), "1.5"),
        (lambda: FrameCounts(counts=[1, 2], weights=[1.0]), "a weight for each"),
        (lambda: FrameCounts(counts=[0], weights=[1.0]), "1 or more"),
        (
            lambda: InteractionItems(ClipItems(Squares(), max_objects=11), user=MarkUser(), steps=1),
            "10 at most, got 11",
        ),
    ],
)
def test_wrong_settings_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
