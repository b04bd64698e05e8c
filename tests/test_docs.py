"""The documentation: its examples run, and its commands name scripts and options that there are."""

import re
import shlex
from pathlib import Path

import pytest
import yaml
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig

import civos_siaf
from civos_siaf.cli import debugging
from civos_siaf.cli.arguments import rewritten

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))
EXAMPLES = [
    pytest.param(text, id=f"{page.stem}-{number}")
    for page in PAGES
    for number, text in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL))
]
HYDRA = re.compile(r"@hydra\.main\(.*config_name=\"(\w+)\"")


def commands():
    for page in [ROOT / "README.md", *PAGES]:
        for block in re.findall(r"```bash\n(.*?)```", page.read_text(), re.DOTALL):
            for line in block.replace("\\\n", " ").splitlines():
                words = [word for word in shlex.split(line, comments=True) if word != "..."]
                if words[:1] == ["torchrun"]:
                    words = ["python", *words[2:]]
                if words[:1] == ["python"]:
                    name = f"{page.relative_to(ROOT)}: {' '.join(words[1:4])}"
                    yield pytest.param(words[1], words[2:], id=name)


@pytest.mark.parametrize("text", EXAMPLES)
def test_an_example_runs(text, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    exec(compile(text, "docs", "exec"), {"__name__": "example"})
    assert capsys.readouterr().out.strip()


@pytest.mark.parametrize(("script", "options"), list(commands()))
def test_a_command_has_options_that_there_are(script, options, monkeypatch):
    for name in (debugging.VARIABLE, debugging.LOG_VARIABLE):
        monkeypatch.setenv(name, "")
    monkeypatch.setattr(debugging, "show_messages", lambda: None)
    path = ROOT / script
    assert path.is_file(), f"no {script}"
    found = HYDRA.search(path.read_text())
    if found and options[:1] != ["--formats"]:
        with initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
            HydraConfig.instance().cfg = None
            options = [option for option in options if not option.startswith("--")]
            debugging.take_debug_options(options)  # they are no options of Hydra's
            compose(found[1], rewritten(options, first="video", lists=("click",)))


def test_files_of_the_code_walk_are_there():
    text = (ROOT / "docs" / "contributing.md").read_text()
    paths = set(re.findall(r"`((?:\w+/)+\w+\.py)`", text))
    assert len(paths) > 40
    homes = (ROOT / "civos_siaf", ROOT, ROOT / "civos_siaf" / "data", ROOT / "civos_siaf" / "weights")
    assert [path for path in sorted(paths) if not any((home / path).is_file() for home in homes)] == []


def test_every_group_is_in_the_glossary():
    text = (ROOT / "docs" / "configuration.md").read_text()
    groups = {path.name for path in (ROOT / "configs").iterdir() if path.is_dir()}
    assert {group for group in groups if f"| `{group}` |" not in text} == set()


def test_the_version_is_the_same_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    project = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert project
    assert citation["version"] == project[1] == civos_siaf.__version__
    assert f"## {project[1]}" in (ROOT / "CHANGELOG.md").read_text()
