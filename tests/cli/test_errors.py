"""Mistakes in options end a script with one line that says what was expected."""

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from hydra.errors import InstantiationException
from omegaconf import OmegaConf

from civos_siaf.api.configuration import built
from tests.scripts.conftest import ROOT


@pytest.fixture
def errors(monkeypatch):
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    from civos_siaf.cli import errors

    return errors


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("eval_davis", ["clik_strategy=f3"], "no option 'clik_strategy'; did you mean click_strategy?"),
        (
            "eval_davis",
            ["method.setings.mem_every=3"],
            "no option 'method.setings'; did you mean method.settings?",
        ),
        ("eval_davis", ["clock.zzz=3"], "no option 'clock.zzz'; there are _target_"),
        ("eval_davis", ["method=civo"], "no method 'civo'; there are civos, civos_light, clicks_aot, "),
        ("eval_davis", ["method=[civos"], "no viable alternative at input '[civos'"),
        ("reproduce", ["table=civos_9"], "no table 'civos_9'; there are civos_1, civos_2"),
        ("train", ["experiment=ritm"], "no experiment 'ritm'; there are aot_light"),
        ("train", [], "You must specify 'experiment'"),
        ("segment", ["video=in.mp4"], "to be given: click=..."),
        ("eval_clicks", ["datasets.coco.images=x"], "to be given: datasets.coco.annotations=..."),
    ],
)
def test_what_is_said(errors, name, options, message):
    def start():
        with errors.clear_errors():
            HydraConfig.instance().cfg = None
            errors.complete(compose(name, options))

    with (
        initialize_config_dir(str(ROOT / "configs"), version_base="1.3"),
        pytest.raises(SystemExit) as stopped,
    ):
        start()
    assert str(stopped.value).startswith("error: ")
    assert message in str(stopped.value)
    assert "\n" not in str(stopped.value)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (PermissionError(13, "Permission denied", "/x/run.json"), "error: /x/run.json: Permission denied"),
        (FileExistsError(17, "File exists", "out"), "error: out: a file is there, expected a folder"),
        (OSError("full"), "error: full"),
    ],
)
def test_files_that_cannot_be_used(errors, error, message):
    with pytest.raises(SystemExit) as stopped, errors.clear_errors():
        raise error
    assert str(stopped.value) == message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("segment.py", "clik=[0,3,4]"), "no option 'clik'; did you mean click?"),
        (("train.py", "experiment=ritm_light"), "to be given: data_root=..."),
    ],
)
def test_one_line_and_nothing_else(script, arguments, message):
    done = script(*arguments)
    assert done.returncode == 1
    assert done.stderr == f"error: {message}\n"


def test_what_a_constructor_refuses_is_raised_as_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CIVOS_SIAF_CHECKPOINTS", str(tmp_path))
    path = {"_target_": "civos_siaf.weights.locate.published_weights", "name": "ritm-h18s"}
    with pytest.raises(FileNotFoundError, match=r"^no coco_lvis_h18s_itermask.pth in "):
        built(OmegaConf.create({"_target_": "builtins.dict", "path": path}))
    with pytest.raises(InstantiationException):
        built(OmegaConf.create({"_target_": "builtins.dict.nothing"}))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("segment.py", ("nothing.mp4", "click=0,1,2"), "video: no file or folder at nothing.mp4"),
        ("eval_davis.py", ("dataset=davis2017",), "DAVIS 2017 needs dataset.root=FOLDER"),
        ("eval_clicks.py", ("datasets.coco.images=x",), "datasets.coco.images: no file or folder at x"),
        ("train.py", ("experiment=siaf_r50", "data_root=x"), "data_root: no file or folder at x"),
    ],
)
def test_mistakes_are_told_before_torch_is_loaded(script, tmp_path, name, options, message):
    (tmp_path / "before").mkdir()
    (tmp_path / "before" / "torch.py").write_text("raise SystemExit('torch was loaded')")
    done = script(name, *options, PYTHONPATH=f"{tmp_path / 'before'}:{ROOT}")
    assert done.stderr.startswith(f"error: {message}")
    assert done.stderr.count("\n") == 1


def test_a_value_of_another_kind_is_one_line(errors):
    expected = r"^error: a value of another kind .*must be int"
    with pytest.raises(SystemExit, match=expected) as stopped, errors.clear_errors():
        raise TypeError("it must be\nint")
    assert "\n" not in str(stopped.value)
