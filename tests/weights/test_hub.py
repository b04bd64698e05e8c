import ast
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

import civos_siaf
from civos_siaf.weights import hub, locate
from civos_siaf.weights.manifest import manifest
from civos_siaf.weights.provenance import hashes

ROOT = Path(__file__).parents[2]
RECORD = manifest().hub["sam2.1-tiny"]


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv(locate.VARIABLE, str(tmp_path / "weights"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def client(monkeypatch):
    """A client of the hub that does what it is told; it lists its calls."""
    monkeypatch.setattr(hub, "installed", lambda extra: True)
    calls = []

    def make(answer):
        def snapshot_download(**options):
            calls.append(options)
            return answer(options)

        monkeypatch.setitem(
            sys.modules, "huggingface_hub", SimpleNamespace(snapshot_download=snapshot_download)
        )
        return calls

    return make


def test_a_folder_of_that_name_is_taken_before_anything_else(place, client):
    calls = client(lambda options: pytest.fail("not needed"))
    folder = place / "weights" / "sam2.1-tiny"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"x")
    assert hub.hub_weights("sam2.1-tiny") == folder
    assert hub.hub_file("sam2.1-tiny") == folder / "model.safetensors"
    assert not calls
    found = hashes({"a": {"_target_": "x.hub_weights", "name": "sam2.1-tiny"}, "b": str(folder)})
    assert set(found) == {"model.safetensors", str(folder)}


def test_the_cache_is_looked_into_before_the_hub_is_asked(place, client):
    def answer(options):
        folder = place / "cached"
        folder.mkdir(exist_ok=True)
        if options.get("local_files_only"):
            return str(folder)
        (folder / "model.safetensors").write_bytes(b"x")
        return str(folder)

    calls = client(answer)
    assert hub.hub_weights("sam2.1-tiny") == place / "cached"
    assert [options.get("local_files_only", False) for options in calls] == [True, False]
    hub.hub_weights("sam2.1-tiny")
    assert len(calls) == 3
    assert all(options["repo_id"] == "facebook/sam2.1-hiera-tiny" for options in calls)
    hub.fetch(RECORD, place)
    assert calls[-1]["local_dir"] == place / "sam2.1-tiny"
    with pytest.raises(FileNotFoundError):
        hub.hub_file("edgetam")


def test_offline_one_error_names_the_model_its_size_its_licence_and_what_to_do(place, client):
    def offline(options):
        raise OSError("no route to host")

    client(offline)
    with pytest.raises(FileNotFoundError) as caught:
        hub.hub_weights("sam2.1-tiny")
    text = str(caught.value)
    assert "\n" not in text
    for part in ("sam2.1-tiny (facebook/sam2.1-hiera-tiny, 156 MB, licence Apache-2.0)", "cannot be reached"):
        assert part in text
    assert "download_weights.py sam2.1-tiny" in text
    assert "method.network.weights=FOLDER" in text


def test_of_a_gated_model_it_says_so(place, client):
    class GatedRepoError(Exception):
        pass

    def gated(options):
        raise GatedRepoError("401")

    client(gated)
    with pytest.raises(
        FileNotFoundError, match=r"SAM License\): it is gated; ask for access on .*facebook/sam3"
    ):
        hub.hub_weights("sam3")


def test_without_the_extra_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(hub, "installed", lambda extra: False)
    with pytest.raises(FileNotFoundError, match=r'transformers is not installed.*"civos-siaf\[sam\]"'):
        hub.sam_network("sam2.1-tiny", None)


def test_packages_that_are_too_old_are_named(monkeypatch):
    monkeypatch.setattr(hub, "installed", lambda extra: True)
    monkeypatch.setattr(hub, "version", lambda package: "5.9.1")
    with pytest.raises(
        FileNotFoundError, match=r'transformers 5\.9\.1 is installed, 5\.20 or newer.*-U "civos'
    ):
        hub.sam_network("sam2.1-tiny", None)
    monkeypatch.setattr(hub, "version", lambda package: "5.20.0")
    hub.require("sam")


def test_the_least_version_is_the_one_of_the_extra():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for package, least in hub.LEAST.items():
        assert f"{package}>={'.'.join(map(str, least))}" in text


def test_wrong_names_and_folders_are_refused(place):
    pytest.importorskip("transformers", reason="needs the extra [sam]")
    with pytest.raises(ValueError, match=r"no model called 'sam4'; there are sam2\.1-tiny"):
        hub.sam_network("sam4", None)
    with pytest.raises(FileNotFoundError, match=r"no config\.json in .*expected a folder"):
        hub.sam_network("sam2.1-tiny", place)
    (place / "config.json").write_text('{"model_type": "sam2_video"}')
    with pytest.raises(ValueError, match="not a Sam2VideoModel with its processor"):
        hub.sam_network("sam2.1-tiny", place)


def test_packages_of_others_are_imported_only_when_a_network_is_asked_for():
    package = Path(civos_siaf.__file__).parent
    for path in package.rglob("*.py"):
        top = [
            node for node in ast.parse(path.read_text()).body if isinstance(node, ast.Import | ast.ImportFrom)
        ]
        names = {alias.name for node in top if isinstance(node, ast.Import) for alias in node.names}
        names |= {node.module or "" for node in top if isinstance(node, ast.ImportFrom)}
        assert not {name.split(".")[0] for name in names} & {"transformers", "cutie", "huggingface_hub"}, path


@pytest.mark.parametrize("record", manifest().hub.values(), ids=lambda record: record.name)
def test_counts_and_sizes_are_those_of_the_network(record):
    transformers = pytest.importorskip("transformers", reason="needs the extra [sam]")
    with torch.device("meta"):
        model, _ = hub._untrained(record, transformers)
    state = model.state_dict()
    assert len(state) == record.tensors
    assert sum(value.numel() * value.element_size() for value in state.values()) == record.bytes
