"""`method=sam2` and its kin under the robot and in the annotation tool."""

from pathlib import Path

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from PIL import Image

from civos_siaf import Frames, Prompts, Scribble
from civos_siaf.api import open_project
from civos_siaf.benchmark import Evaluation
from civos_siaf.prompts import PromptKindError
from tests.methods.peers.conftest import VIDEO

CONFIGS = Path(__file__).parents[3] / "configs"


@pytest.fixture
def composed(folders):
    """Composes the configuration of an evaluation of a family."""
    with initialize_config_dir(config_dir=str(CONFIGS), version_base="1.3"):
        yield lambda family, *options: compose(
            "eval_davis",
            overrides=[f"method={family}", f"method.network.weights={folders(family)}", "out=x", *options],
        )


def test_every_family_plays_a_round_from_strokes(family, composed):
    session = instantiate(composed(family).method).open(Frames.open(VIDEO), num_objects=1)
    session.interact(Prompts((Scribble(2, 1, [(10, 10), (40, 30)]),)))
    assert session.propagate().shape == (9, 48, 80)


def test_a_size_and_strokes_as_masks_are_options(composed):
    chosen = composed("sam2", "+size=base_plus", "+interaction@method.interaction=strokes_light")
    assert chosen.method.network.name == "sam2.1-base_plus"
    assert type(instantiate(chosen.method.interaction)).__name__ == "ScribbleInteraction"


def test_the_robot_plays_three_rounds(composed, tmp_path):
    cfg = composed(
        "sam2", "dataset=davis", "dataset.sequences=[mini-a]", "click_strategy=f3", "rules.max_rounds=3"
    )
    parts = {key: instantiate(cfg[key]) for key in ("method", "dataset", "rules", "clicks", "clock")}
    evaluation = Evaluation(parts.pop("method"), **parts, folder=tmp_path)
    rounds = {played.round for played in evaluation.play()}
    assert len(rounds) == 3
    assert (tmp_path / "summary.json").is_file()


def test_a_session_of_the_annotation_tool(method, tmp_path):
    folder = tmp_path / "clip"
    folder.mkdir()
    for index, frame in enumerate(VIDEO):
        Image.fromarray(frame).save(folder / f"{index:05d}.png")
    with open_project.annotate(folder, method=method("sam2"), folder=tmp_path / "project") as project:
        first = project.add_object("one")
        shown = project.click(2, first, x=20, y=30)
        assert (shown == first).any()
        assert sorted(project.commit()) == [2]
        project.propagate()
        second = project.add_object("two")
        project.box(6, second, x0=50, y0=5, x1=75, y1=40)
        with pytest.raises((open_project.ActionError, PromptKindError), match="no mask on frame 7"):
            project.click(7, second, x=1, y=1, positive=False)
        project.commit()
        project.propagate()
        assert set(np.unique(np.stack(list(project.label_maps())))) == {0, first, second}
        after = project.labels(5)
        project.undo()
        project.redo()
        assert np.array_equal(project.labels(5), after)
    with open_project.annotate(folder, method=method("sam2"), folder=tmp_path / "project") as project:
        assert np.array_equal(project.labels(5), after)
        project.click(1, first, x=22, y=31)
        project.commit()
        project.propagate()
        project.delete_object(first)
        assert not (project.labels(2) == first).any()
        assert (project.labels(6) == second).any()
