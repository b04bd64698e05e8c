"""Any session: undo, redo and reopening bring back what was seen, whatever the method can do."""

import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from civos_siaf.app.document.actions import (
    ActionError,
    AddBox,
    AddClick,
    AddMask,
    AddObject,
    AddScribble,
    Clear,
    Commit,
    DeleteObject,
    Propagate,
    Redo,
    Review,
    Undo,
)
from civos_siaf.app.session.annotator import Annotator
from civos_siaf.app.storage.project import Project
from civos_siaf.masks import to_rle
from tests.app.annotating import everything, same
from tests.app.fakes import Telltale, make_video

EYE = to_rle(np.eye(8, 40) > 0)["counts"]
steps = st.lists(
    st.one_of(
        st.builds(AddObject),
        st.builds(AddClick, st.integers(0, 4), st.integers(1, 3), st.integers(0, 39), st.integers(1, 7)),
        st.builds(AddBox, st.integers(0, 4), st.integers(1, 2), *([st.integers(1, 7)] * 4)),
        st.builds(AddScribble, st.integers(0, 4), st.integers(0, 2), st.just(((1.0, 2.0), (3.0, 4.0)))),
        st.builds(AddMask, st.integers(0, 4), st.integers(1, 2), st.just((8, 40)), st.just(EYE)),
        st.builds(Clear, st.integers(0, 4)),
        st.just(Commit()),
        st.just(Propagate()),
        st.just(Propagate()),
        st.builds(DeleteObject, st.integers(1, 3)),
        st.builds(Review, st.integers(0, 4), st.sampled_from(["reviewed", "doubtful", None])),
        st.just(Undo()),
        st.just(Undo()),
        st.just(Redo()),
    ),
    max_size=25,
)
traits = st.fixed_dictionaries(
    {
        "grows": st.sampled_from(["always", "between", "never"]),
        "saves": st.booleans(),
        "streams": st.booleans(),
        "boxes": st.booleans(),
        "one_frame": st.booleans(),
        "max_undo": st.integers(1, 3),
    }
)


@settings(max_examples=40)
@given(steps, traits, st.booleans())
def test_any_session_is_replayed_and_the_model_stays_in_step(tmp_path_factory, actions, traits, preview):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda file: None)  # nothing is killed here
        play(tmp_path_factory.mktemp("any"), actions, traits, preview)


def play(folder, actions, traits, preview):
    project = Project.create(folder / "project", make_video(folder / "video"))
    with Annotator(project, Telltale(**traits), preview=preview) as annotator:
        for action in [AddObject(), AddObject(), AddClick(0, 1, 4, 4), *actions]:
            before, shown = annotator.state.content, everything(annotator)
            try:
                annotator.apply(action)
            except ActionError:
                assert annotator.state.content == before
                continue
            if not isinstance(action, Undo | Redo):
                after = annotator.state.content, everything(annotator)
                annotator.apply(Undo())
                assert annotator.state.content == before
                assert same(everything(annotator), shown)
                annotator.apply(Redo())
                assert annotator.state.content == after[0]
                assert same(everything(annotator), after[1])
        annotator.apply(AddScribble(0, 0, ((9, 5),)))
        state, shown = annotator.state, everything(annotator)
        shutil.copytree(folder / "project", folder / "copy")
        annotator.apply(Propagate())
        spread = everything(annotator)
    with Annotator(Project.open(folder / "copy"), Telltale(**traits), preview=preview) as annotator:
        assert annotator.state == state
        assert same(everything(annotator), shown)
        annotator.apply(Propagate())
        assert same(everything(annotator), spread)
