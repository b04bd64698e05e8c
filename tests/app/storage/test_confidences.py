"""How sure a method is of its frames: from the session to the suggestion, and what it survives."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from civos_siaf.app.document.actions import AddClick, AddObject, Propagate, Redo, Undo
from civos_siaf.app.session.annotator import Annotator
from civos_siaf.app.storage.mask_files import MaskFiles
from civos_siaf.app.storage.project import Project
from civos_siaf.app.storage.round_files import CONFIDENCES, RoundConfidences
from civos_siaf.methods import CiVOS
from tests.app.annotating import Watched, same, two_rounds
from tests.app.fakes import Telltale
from tests.methods.test_sessions import Circles
from tests.propagation.toys import ToyFusion, ToyPropagation, video


class Telling(Telltale):
    """Tells these confidences, whatever it is asked; its masks are those of the prompts."""

    def __init__(self, *sure, **traits):
        super().__init__(streams=True, sure=True, **traits)
        self.sure = list(sure)

    def open(self, frames, *, num_objects):
        session = super().open(frames, num_objects=num_objects)
        session._sure = lambda frame: (self.sure[frame],)
        return session


def test_the_frame_of_which_it_is_least_sure_is_suggested(start):
    annotator = start(Telling(1.0, 0.9, 0.8, 0.3, 0.6))
    annotator.apply(AddObject())
    annotator.apply(AddClick(0, 1, 10, 4))
    state = annotator.apply(Propagate())
    assert state.scores == (0, 0.1, 0.2, 0.7, 0.4)
    assert state.suggested == 3
    assert annotator.apply(AddClick(3, 1, 10, 4)).suggested != 3


def test_what_is_out_of_range_is_no_harm(start):
    annotator = start(Telling(7.0, -3.0, float("nan"), None, np.float32(0.5)))
    annotator.apply(AddObject())
    annotator.apply(AddClick(0, 1, 10, 4))
    scores = annotator.apply(Propagate()).scores
    assert (scores[0], scores[1], scores[4]) == (0, 1, 0.5)
    assert all(0 <= score <= 1 for score in scores)
    told = (annotator.project.folder / "masks" / annotator.state.content.base / CONFIDENCES).read_text()
    assert json.loads(told) == [1, 0, None, None, 0.5]


def test_undo_redo_and_reopening_bring_back_scores_and_suggestion(start):
    annotator = start(Telltale(streams=True, sure=True))
    two_rounds(annotator)
    last = annotator.state
    annotator.apply(Undo())
    annotator.apply(Undo())
    first = annotator.state
    assert first.scores != last.scores
    annotator.close()
    annotator = start(method := Telltale(streams=True, sure=True))
    assert (annotator.state.scores, annotator.state.suggested) == (first.scores, first.suggested)
    annotator.apply(Redo())
    state = annotator.apply(Redo())
    assert (state.scores, state.suggested) == (last.scores, last.suggested)
    assert method.calls == []


def test_after_a_kill_in_mid_round_the_round_gives_the_same(start):
    annotator = start(Telltale(streams=True, sure=True))
    two_rounds(annotator)
    annotator.apply(AddClick(1, 1, 5, 5))
    before, copy = annotator.state.scores, annotator.project.folder.parent / "killed"

    def snapshot(what, done):
        if (what, done) == ("propagating", 3):
            shutil.copytree(annotator.project.folder, copy)

    finished = annotator.apply(Propagate(), Watched(snapshot)).scores
    annotator.close()
    annotator = start(Telltale(streams=True, sure=True), name="killed")
    assert annotator.state.scores == before != finished
    assert annotator.apply(Propagate()).scores == finished


@pytest.fixture
def rounds(tmp_path):
    """A round that told of all four frames but the last, and another that is under way."""
    masks = MaskFiles(tmp_path, (4, 5))
    writer = masks.writer("r1")
    for frame in range(4):
        writer.put(frame, np.full((4, 5), frame, np.uint8))
    writer.add(CONFIDENCES, "[1.0, 0.2, 0.7, null]")
    writer.finish()
    return RoundConfidences(masks, 4, before="r1")


def test_frames_that_a_round_leaves_alone_keep_theirs(rounds):
    labels = np.arange(4, dtype=np.uint8)[:, None, None] * np.ones((1, 4, 5), np.uint8)
    rounds.tell(0, 0.5)
    labels[2, 0, 0] = 9  # changed, and not told of: what was told before no longer holds
    assert rounds.finish(labels) == [0.5, 0.2, None, None]


@pytest.mark.parametrize("before", [None, "r7"])
def test_nothing_is_known_before_the_first_round_and_of_older_projects(tmp_path, before):
    sure = RoundConfidences(MaskFiles(tmp_path, (4, 5)), 3, before=before)
    assert sure.finish(np.zeros((3, 4, 5), np.uint8)) == [None, None, None]


def test_a_real_propagation_tells_the_tool(tmp_path):
    (tmp_path / "clip").mkdir()
    frames = video(8)
    for t in range(8):
        Image.fromarray(frames[t]).save(tmp_path / "clip" / f"{t}.png")
    project = Project.create(tmp_path / "project", tmp_path / "clip")
    with Annotator(project, CiVOS(Circles(), ToyPropagation(), ToyFusion())) as annotator:
        annotator.apply(AddObject())
        annotator.apply(AddClick(2, 1, 15, 12))
        first = annotator.apply(Propagate())
        assert first.scores[2] == 0
        assert all(0 < score < 1 for t, score in enumerate(first.scores) if t != 2)
        assert first.suggested in (5, 6, 7)  # all are as doubtful; frames 1 to 4 are near the prompted one
        annotator.apply(AddClick(5, 1, 30, 20))
        second = annotator.apply(Propagate())
        # Beyond frame 2 nothing is propagated again.
        assert second.scores[:3] == first.scores[:3]
        assert second.scores[5] == 0
        shown = [annotator.labels(t) for t in range(8)]
    with Annotator(Project.open(tmp_path / "project"), Telltale()) as annotator:
        assert annotator.state.scores == second.scores
        assert same([annotator.labels(t) for t in range(8)], shown)
