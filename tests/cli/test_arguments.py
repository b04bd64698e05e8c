import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from civos_siaf.cli import arguments
from civos_siaf.cli.arguments import quoted, rewritten, usage
from civos_siaf.runtime.resources import resource_folder

NAMES = (
    "my clip (1).mp4", "a,b.mp4", "naïve.mp4", "视频.mp4", "[take 2].mp4", "it's.mp4", "#1.mp4", "${x}.mp4",
    "a=b.mp4", "~x.mp4", 'say "so".mp4', "{a: 1}.mp4", "a;b&c.mp4", "null", "1e3", "true", "a\\b.mp4",
    "tab\t.mp4", "$HOME.mp4", "\\${x}.mp4", "end\\", "it\\'s.mp4", "??? .mp4", "a%b*.mp4", "é!.mp4",
)  # fmt: skip


def read(text):
    """The option's name and the value that a script gets."""
    override = OverridesParser.create().parse_override(text)
    return override.key_or_group, OmegaConf.create({"value": override.value()}).value


@pytest.mark.parametrize("name", NAMES)
def test_a_path_is_taken_as_it_is(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(b"")
    how = {"first": "video", "inputs": ("video",), "outputs": ("out",)}
    for typed in ([f"video={name}"], [name]):
        if typed[0] not in ("null", "video=null"):
            ((option, value),) = map(read, rewritten(typed, **how))
            assert (option, value) == ("video", name)
    if name != "null":
        assert read(rewritten([f"out={name}"], **how)[0]) == ("out", name)


def test_other_options_are_left_to_hydra(tmp_path):
    typed = ["method=civos", "+options.every=5", "~clock", "--cfg", "settings=[1,2]", "video=null", "video="]
    assert rewritten(typed, first="video", inputs=("video",)) == typed


@pytest.mark.parametrize("value", ["0,160,180", "0, 160.5 ,180", "1,2,-3,4"])
def test_numbers_need_no_brackets(value):
    ((name, numbers),) = map(read, rewritten([f"click={value}"], lists=("click",)))
    assert (name, list(numbers)) == ("click", [float(part) for part in value.split(",")])
    assert rewritten(["click=[0,1,2]"], lists=("click",)) == ["click=[0,1,2]"]


def test_home_and_windows(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips/a.mp4").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    how = {"inputs": ("video",)}
    assert read(rewritten(["video=~/clips/a.mp4"], **how)[0])[1] == str(tmp_path / "clips/a.mp4")
    assert read(rewritten(["video=clips\\a.mp4"], **how)[0])[1] == "clips/a.mp4"
    with pytest.raises(ValueError, match=r"video=Q:\\clips\\a\.mp4: a path of Windows"):
        rewritten(["video=Q:\\clips\\a.mp4"], **how)


def test_mistakes_are_told_before_anything_is_loaded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"dataset\.root: no file or folder at nowhere"):
        rewritten(["dataset.root=nowhere"], inputs=("dataset.root",))
    with pytest.raises(FileNotFoundError, match=r"video: no file or folder at nothing\.mp4"):
        rewritten(["nothing.mp4"], first="video", inputs=("video",))
    with pytest.raises(ValueError, match=r"'b\.mp4' is no option, which is NAME=VALUE; a path .* \(video\)"):
        rewritten(["click=0,1,2", "b.mp4"], first="video")


def test_patterns_and_words(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"datasets\.grab\.images"):
        rewritten(["datasets.grab.images=x"], inputs=("datasets.*.images",))
    monkeypatch.setattr("sys.argv", ["x", "weights=untrained"])
    arguments.prepare("eval_clicks.py", words={"weights": ("auto", "untrained")})
    monkeypatch.setattr("sys.argv", ["x", "weights=nothing.pth"])
    with pytest.raises(SystemExit, match=r"weights: no file or folder at nothing\.pth"):
        arguments.prepare("eval_clicks.py", words={"weights": ("auto", "untrained")})


@pytest.mark.parametrize(
    "name", ["segment", "annotate", "annotate_batch", "eval_davis", "eval_clicks", "export"]
)
def test_help_has_usage_and_examples(name):
    text = usage(str(resource_folder("scripts") / f"{name}.py"), first="video")
    assert f"usage: python scripts/{name}.py [VIDEO] [OPTION=VALUE ...]" in text
    assert f"\nexamples:\n  python scripts/{name}.py" in text
    assert "_target_" not in text
    assert "(needed)" in text or name != "segment"


def test_quotes_are_undone_where_no_file_has_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my clip.mp4").write_bytes(b"")
    assert read(rewritten(['video="my clip.mp4"'], inputs=("video",))[0])[1] == "my clip.mp4"
    assert quoted("a b") == "'a b'"
