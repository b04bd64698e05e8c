import hashlib

import pytest

from civos_siaf.weights.download import sha256
from civos_siaf.weights.locate import VARIABLE, own_weights
from civos_siaf.weights.provenance import about_method, devices, hashes, untrained


def test_files_are_named_by_path_or_as_the_packages_own(tmp_path):
    path = tmp_path / "w.onnx"
    path.write_bytes(b"abc")
    config = {
        "_target_": "a.Method",
        "networks": [{"path": str(path)}, {"path": str(tmp_path / "missing.pth")}],
        "own": {"_target_": "civos_siaf.weights.locate.own_weights", "name": "light_clicks"},
        "number": 3,
        "folder": str(tmp_path),
        "none": None,
    }
    assert hashes(config) == {
        str(path): hashlib.sha256(b"abc").hexdigest(),
        "light_clicks.safetensors": sha256(own_weights("light_clicks")),
    }
    assert hashes(config, lambda found: found.name)[str(path)] == "w.onnx"


def test_weights_that_an_architecture_takes_by_itself_count(tmp_path):
    config = {
        "_target_": "civos_siaf.weights.afi_networks.load_afi_network",
        "architecture": "light-interaction",
        "weights": None,
    }
    assert list(hashes({"interaction": config})) == ["light_interaction.safetensors"]
    assert hashes(config | {"architecture": "afi-r50"}) == {}
    (tmp_path / "mine.safetensors").write_bytes(b"")
    assert list(hashes(config | {"weights": str(tmp_path / "mine.safetensors")})) == [
        str(tmp_path / "mine.safetensors")
    ]


@pytest.mark.parametrize("required", [True, False])
def test_own_weights_that_are_nowhere_are_left_out(tmp_path, monkeypatch, required):
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    config = {"_target_": "civos_siaf.weights.locate.own_weights", "name": "nothing", "required": required}
    assert hashes(config) == {}


def test_devices_are_those_of_all_networks():
    config = {"a": {"device": "cuda", "deeper": [{"device": "cpu"}]}, "b": {"device": "cuda"}, "c": "cuda"}
    assert devices(config) == ["cpu", "cuda"]
    assert devices({}) == []
    assert about_method(config) == {"method_config": config, "weights": {}, "devices": ["cpu", "cuda"]}


def test_networks_without_weights_are_named(tmp_path):
    (tmp_path / "a.pth").write_bytes(b"x")
    config = {
        "network": {"_target_": "x.load_network", "architecture": "stm", "weights": None},
        "fusion": {"architecture": "fusion", "weights": str(tmp_path / "a.pth")},
        "clicks": [{"_target_": "x.load_clicks", "weights": None}],
    }
    assert untrained(config) == ["load_clicks", "stm"]
    assert about_method(config)["untrained"] == ["load_clicks", "stm"]
