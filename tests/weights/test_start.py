import pytest
import timm
import torch
from safetensors.torch import save_file

from civos_siaf.networks.light_clicks import LightClicks
from civos_siaf.networks.light_propagation import LightPropagation
from civos_siaf.training.start import click_network
from civos_siaf.weights import start
from civos_siaf.weights.locate import VARIABLE, own_weights
from civos_siaf.weights.start import init_backbone


@pytest.fixture
def weights(tmp_path):
    torch.manual_seed(7)
    state = timm.create_model("mobilenetv2_100", features_only=True, pretrained=False).state_dict()
    state = {name: value for name, value in state.items() if not name.endswith("num_batches_tracked")}
    save_file(state, tmp_path / "mobilenet.safetensors")
    return tmp_path / "mobilenet.safetensors", state


def test_a_file_fills_whole_and_cut_backbones(weights):
    path, state = weights
    for backbone in (LightClicks().encoder, LightPropagation().trunk):
        init_backbone(backbone, path)
        own = backbone.state_dict()
        assert all(torch.equal(own[name], state[name]) for name in own if name in state)
        assert sum(name in state for name in own) > 150


def test_missing_weights_are_named(weights):
    path, state = weights
    del state["blocks.1.0.conv_pw.weight"]
    save_file(state, path)
    with pytest.raises(ValueError, match=r"1 missing: blocks\.1\.0\.conv_pw\.weight"):
        init_backbone(LightPropagation().trunk, path)


def test_imagenet_puts_timms_weights_in(tmp_path, monkeypatch):
    torch.manual_seed(8)
    whole = timm.create_model("mobilenetv2_100", pretrained=False).state_dict()
    save_file(whole, tmp_path / "model.safetensors")  # as timm's cache has it, with the classifier
    made = timm.create_model

    def cached(name, *, pretrained=False, **options):
        overlay = {"file": str(tmp_path / "model.safetensors")} if pretrained else None
        return made(name, pretrained=pretrained, pretrained_cfg_overlay=overlay, **options)

    monkeypatch.setattr(timm, "create_model", cached)
    network = click_network("light-clicks", backbone="imagenet")
    own = network.encoder.state_dict()
    assert sum(name in whole for name in own) > 150
    assert all(torch.equal(own[name], whole[name]) for name in own if name in whole)


def test_a_missing_start_file_names_the_other_way():
    with pytest.raises(FileNotFoundError, match=r"no start weights at none\.safetensors; `imagenet` in its"):
        click_network("light-clicks", backbone="none.safetensors")


def test_a_failed_download_says_what_to_do(monkeypatch):
    def offline(*args, **options):
        raise OSError("no network")

    monkeypatch.setattr(start.timm, "create_model", offline)
    with pytest.raises(ConnectionError, match=r"mobilenetv2_100 cannot be downloaded \(no network\); give a"):
        init_backbone(torch.nn.Conv2d(1, 1, 1), "imagenet")


def test_own_weights_are_found_where_the_variable_points(tmp_path, monkeypatch):
    (tmp_path / "light_x.safetensors").write_bytes(b"")
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    assert own_weights("light_x") == tmp_path / "light_x.safetensors"
    with pytest.raises(FileNotFoundError, match=rf"no nothing\.safetensors in {tmp_path}.*{VARIABLE}"):
        own_weights("nothing")
