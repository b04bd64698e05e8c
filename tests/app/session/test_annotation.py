"""What is shown at a moment stays what it was, whatever is done afterwards."""

import gc
import random
import shutil
from contextlib import suppress

import numpy as np
import pytest

from civos_siaf.app.document.actions import ActionError, AddClick, AddObject, Propagate, Undo
from civos_siaf.app.storage.mask_files import MissingMasksError
from tests.app.annotating import two_rounds
from tests.app.fakes import Telltale
from tests.app.scripted import choose


def maps(annotation):
    return np.stack([annotation.labels(frame) for frame in range(5)])


def versions(annotator):
    folder = annotator.project.folder / "masks"
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


def leave_the_last_round(annotator):
    """Undo the last round and take another way: no redo leads back to it."""
    annotator.apply(Undo())
    annotator.apply(AddObject("another"))


def test_later_actions_do_not_change_an_annotation(start):
    annotator = start()
    two_rounds(annotator)
    last = annotator.state.content.base
    annotation = annotator.annotation()
    before = maps(annotation)
    assert before.any(axis=(1, 2)).all()
    leave_the_last_round(annotator)
    np.testing.assert_array_equal(maps(annotation), before)
    assert last in versions(annotator)
    annotation.close()
    assert last not in versions(annotator)
    with pytest.raises(ValueError, match="closed"):
        annotation.labels(0)


def test_two_annotations_keep_what_they_share_until_both_are_closed(start):
    annotator = start()
    two_rounds(annotator)
    last = annotator.state.content.base
    with annotator.annotation() as first:
        with annotator.annotation() as second:
            leave_the_last_round(annotator)
            second.close()  # once more at the end of the block: no harm
        assert last in versions(annotator)
        assert maps(first).any()
    assert last not in versions(annotator)


def test_an_annotation_that_nobody_holds_keeps_nothing(start):
    annotator = start()
    two_rounds(annotator)
    last = annotator.state.content.base
    annotation = annotator.annotation()
    leave_the_last_round(annotator)
    del annotation
    gc.collect()
    assert last not in versions(annotator)


def test_opening_again_deletes_what_was_only_held(start):
    annotator = start()
    two_rounds(annotator)
    last = annotator.state.content.base
    annotation = annotator.annotation()
    leave_the_last_round(annotator)
    annotator.close()
    assert last in versions(annotator)
    annotator = start()
    assert last not in versions(annotator)
    annotation.close()


def test_masks_that_are_swept_while_an_annotation_is_begun(start, monkeypatch):
    annotator = start()
    two_rounds(annotator)
    pin = annotator._masks.pin

    def too_late(versions):
        monkeypatch.undo()
        leave_the_last_round(annotator)
        pin(versions)

    monkeypatch.setattr(annotator._masks, "pin", too_late)
    with annotator.annotation() as annotation, annotator.annotation() as now:
        assert len(annotation.objects) == 3
        np.testing.assert_array_equal(maps(annotation), maps(now))


def test_what_is_still_shown_stays_when_an_annotation_is_closed(start):
    annotator = start()
    two_rounds(annotator)
    before = versions(annotator)
    annotator.annotation().close()
    assert versions(annotator) == before


def test_nothing_that_a_batch_may_lose_is_deleted_when_an_annotation_is_closed(start):
    annotator = start()
    two_rounds(annotator)
    last = annotator.state.content.base
    annotation = annotator.annotation()
    with annotator.batch():
        leave_the_last_round(annotator)
        annotation.close()
        assert last in versions(annotator)
    assert last not in versions(annotator)


@pytest.mark.parametrize("seed", range(8))
def test_annotations_of_any_moment_stay_as_they_were(start, seed):
    annotator, rng, kept = start(Telltale()), random.Random(seed), []
    for _ in range(60):
        with suppress(ActionError):
            annotator.apply(choose(rng))
        if rng.random() < 0.3:
            annotation = annotator.annotation()
            kept.append((annotation, maps(annotation)))
        if kept and rng.random() < 0.15:
            kept.pop(rng.randrange(len(kept)))[0].close()
    assert kept
    for annotation, before in kept:
        np.testing.assert_array_equal(maps(annotation), before)
        annotation.close()
    assert versions(annotator) == annotator._timeline.versions()


def test_masks_that_are_missing_are_told_and_not_shown_as_background(start):
    annotator = start()
    two_rounds(annotator)
    base = annotator.state.content.base
    folder = annotator.project.folder / "masks" / base
    (folder / "00001.png").unlink()
    annotation = annotator.annotation()
    assert annotation.labels(0).any()
    for labels in (annotation.labels, annotator.labels):
        with pytest.raises(MissingMasksError, match=rf"frame 1 .*{base}"):
            labels(1)
    shutil.rmtree(folder)
    with pytest.raises(MissingMasksError):
        annotation.labels(0)
    assert annotator.labels(0, version=base) is None  # somebody asks for a version that may be gone


def test_frames_of_which_nothing_is_known_are_background(start):
    annotator = start()
    annotator.apply(AddObject())
    annotator.apply(AddClick(2, 1, 10, 4))
    with annotator.annotation() as annotation:
        assert [bool(annotation.labels(frame).any()) for frame in range(5)] == [
            False,
            False,
            True,
            False,
            False,
        ]
    assert annotator.labels(0) is None
    annotator.apply(Propagate())
