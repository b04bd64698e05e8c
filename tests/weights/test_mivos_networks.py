import pytest
import torch
from safetensors.torch import save_file

from civos_siaf.networks.propagation_network import PropagationNetwork
from civos_siaf.weights import click_networks
from civos_siaf.weights.manifest import RECORDS
from civos_siaf.weights.mivos_networks import ARCHITECTURES, build, load_network, load_propagation_network


def test_published_files_load_strictly(tmp_path):
    source = build("mivos-fusion")
    torch.save(source.state_dict(), tmp_path / "fusion.pth")
    loaded = load_network("mivos-fusion", tmp_path / "fusion.pth", fast=False)
    assert torch.equal(loaded.state_dict()["conv1.0.weight"], source.state_dict()["conv1.0.weight"])
    assert not loaded.training
    assert not any(p.requires_grad for p in loaded.parameters())
    state = source.state_dict()
    del state["final_conv.bias"]
    save_file(state, tmp_path / "fusion.safetensors")
    with pytest.raises(ValueError, match="1 missing: final_conv"):
        load_network("mivos-fusion", tmp_path / "fusion.safetensors")
    with pytest.raises(FileNotFoundError):
        load_network("mivos-fusion", tmp_path / "nothing.pth")


def test_untrained_weights_are_always_the_same_and_announced():
    with pytest.warns(UserWarning, match="light-fusion is untrained"):
        first = load_network("light-fusion")
    with pytest.warns(UserWarning, match="untrained"):
        second = load_network("light-fusion")
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name])


def test_unknown_names_and_wrong_kinds_are_refused():
    with pytest.raises(ValueError, match="light-fusion"):
        build("stm")
    with pytest.raises(ValueError, match="architecture"):
        load_network("stm")
    with (
        pytest.warns(UserWarning, match="untrained"),
        pytest.raises(ValueError, match="no propagation network"),
    ):
        load_propagation_network("light-s2m")
    with pytest.warns(UserWarning, match="untrained"):
        assert isinstance(load_propagation_network("light-propagation"), PropagationNetwork)


def test_every_published_file_of_mivos_has_its_architecture():
    records = [record for record in RECORDS if record.name.startswith("mivos")]
    assert [record.file_name for record in records] == [
        "propagation_model.pth",
        "fusion.pth",
        "s2m.pth",
        "fbrs.pth",
    ]
    *others, fbrs = records
    assert all(record.architecture in ARCHITECTURES for record in others)
    assert fbrs.architecture in click_networks.ARCHITECTURES
