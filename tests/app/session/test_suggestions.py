"""What a person is asked to look at next."""

import pytest

from civos_siaf.app.document.actions import AddClick, AddObject, Propagate, Review
from civos_siaf.app.session.annotator import Annotator
from civos_siaf.app.session.suggestions import usable
from civos_siaf.next_frame import EvenFrames, MethodSuggestion, RandomFrame, WorstFrame
from tests.app.fakes import Telltale


class Sure(Telltale):
    """Least sure of frame 3, then of frame 4."""

    def open(self, frames, *, num_objects):
        session = super().open(frames, num_objects=num_objects)
        session._sure = lambda frame: ((1.0, 0.9, 0.8, 0.3, 0.6)[frame],)
        return session


@pytest.fixture
def annotator(start):
    annotator = start(Sure(streams=True, sure=True))
    annotator.apply(AddObject())
    annotator.apply(AddClick(0, 1, 10, 4))
    assert annotator.state.suggested is None
    annotator.apply(Propagate())
    return annotator


def test_what_was_looked_at_does_not_come_again(annotator):
    seen = []
    while (frame := annotator.state.suggested) is not None:
        seen.append(frame)
        annotator.apply(Review(frame, "reviewed"))
    assert seen[0] == 3
    assert sorted(seen) == [1, 2, 3, 4]


def test_doubtful_frames_come_first_until_they_are_corrected(annotator):
    annotator.apply(Review(2, "doubtful"))
    annotator.apply(Review(1, "doubtful"))
    assert annotator.state.suggested == 1
    assert annotator.apply(AddClick(1, 1, 10, 4)).suggested == 2
    annotator.apply(Review(2, None))
    assert annotator.state.suggested == 3


def test_another_chooser_suggests_other_frames(annotator):
    project = annotator.project
    annotator.close()
    project = type(project).open(project.folder)
    with Annotator(project, Telltale(), next_frame=EvenFrames(3)) as other:
        assert other.state.suggested == 1
        assert other.apply(Review(1, "reviewed")).suggested == 2


def test_choosers_that_need_what_a_person_has_not_are_refused():
    for chooser in (MethodSuggestion(), RandomFrame()):
        assert usable(chooser) is chooser
    with pytest.raises(ValueError, match=r"WorstFrame needs truth, .* next_frame=method"):
        usable(WorstFrame())
    with pytest.raises(ValueError, match="images"):
        usable(WorstFrame(lambda finished: finished))
