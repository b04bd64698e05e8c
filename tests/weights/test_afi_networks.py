import re

import pytest
import timm
import torch
from safetensors.torch import save_file

from civos_siaf.networks.afi.backbones import MobileNetBackbone, SwinBackbone
from civos_siaf.networks.afi.variants import VARIANTS, published
from civos_siaf.networks.light_clicks import LightClicks
from civos_siaf.networks.light_propagation import LightPropagation
from civos_siaf.training.start import afi_network
from civos_siaf.weights.afi_networks import build, load_afi_network
from civos_siaf.weights.locate import VARIABLE
from civos_siaf.weights.start import init_afi


def saved(state, path):
    save_file({name: value.contiguous() for name, value in state.items()}, path)
    return path


def test_own_weights_are_taken_where_there_are_any(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    torch.manual_seed(0)
    light = "light-interaction"
    source = build(light).state_dict()
    file = saved(source, tmp_path / "light_interaction.safetensors")
    for found in (load_afi_network(light, fast=False), load_afi_network(light, file, fast=False)):
        assert not found.training
        assert not any(p.requires_grad for p in found.parameters())
        assert all(torch.equal(value, source[name]) for name, value in found.state_dict().items())
    assert not load_afi_network(light, across=False).across
    with pytest.raises(FileNotFoundError):
        load_afi_network("afi-light", tmp_path / "nothing.safetensors")


def test_attention_is_left_out_on_purpose_whether_it_was_trained_or_not(tmp_path, monkeypatch, caplog):
    def small(*, across=True):
        return published(MobileNetBackbone(), across=across, width=32, low_width=16)

    monkeypatch.setitem(VARIANTS, "afi-small", small)
    state = {across: small(across=across).state_dict() for across in (True, False)}
    files = {across: saved(x, tmp_path / f"{across}.safetensors") for across, x in state.items()}
    for across, file in files.items():
        caplog.clear()
        found = load_afi_network("afi-small", file, across=False, fast=False)
        assert ("tensors of across-frame attention in the file are left out" in caplog.text) == across
        for name, value in found.state_dict().items():
            assert torch.equal(value, state[across][name])
    with pytest.raises(ValueError, match=r"does not fit Afi: \d+ missing: across\.level"):
        load_afi_network("afi-small", files[False])
    del state[True]["head.logits.bias"]
    with pytest.raises(ValueError, match=r"1 missing: head\.logits\.bias"):
        load_afi_network("afi-small", saved(state[True], tmp_path / "cut.safetensors"), across=False)


def test_without_a_file_it_is_untrained_and_says_so():
    with pytest.warns(UserWarning, match="afi-light is untrained"):
        first = load_afi_network("afi-light", across=False)
    with pytest.warns(UserWarning, match="untrained"):
        second = load_afi_network("afi-light", across=False)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match=r"no architecture 'afi'; there are afi-r50, afi-swinb, afi-light"):
        build("afi")


def test_the_light_backbone_begins_with_a_classifier_or_the_click_network(tmp_path):
    torch.manual_seed(0)
    plain = timm.create_model("mobilenetv2_100", features_only=True, pretrained=False).state_dict()
    clicks = LightClicks().state_dict()
    for state, prefix in ((plain, ""), (clicks, "encoder.")):
        network = afi_network("afi-light", backbone=saved(state, tmp_path / "start.safetensors"))
        for name, value in network.backbone.trunk.state_dict().items():
            assert torch.equal(value, state[prefix + name])
        assert network.backbone.id_stem.weight.abs().sum() == 0
    del clicks["encoder.bn1.weight"]
    with pytest.raises(ValueError, match=r"1 missing: bn1.weight"):
        afi_network("afi-light", backbone=saved(clicks, tmp_path / "start.safetensors"))


def test_resnet_begins_with_a_classifier(tmp_path):
    torch.manual_seed(0)
    state = timm.create_model("resnet50", pretrained=False).state_dict()
    network = afi_network("afi-r50", backbone=saved(state, tmp_path / "resnet50.safetensors"))
    own = network.backbone.state_dict()
    assert torch.equal(own["layer4.2.conv3.weight"], state["layer4.2.conv3.weight"])
    assert torch.equal(own["bn1.running_var"], state["bn1.running_var"])
    assert own["id_stem.weight"].abs().sum() == 0


@pytest.mark.parametrize("authors", [True, False])
def test_swin_begins_with_a_classifier(tmp_path, authors):
    depths = (2, 2, 2, 2)
    torch.manual_seed(0)
    state = timm.create_model("swin_base_patch4_window7_224", depths=depths).state_dict()
    named = state
    if authors:
        named = {
            re.sub(r"layers\.(\d)\.downsample", lambda m: f"layers.{int(m[1]) - 1}.downsample", name): value
            for name, value in state.items()
        }
        named["layers.0.blocks.1.attn_mask"] = torch.zeros(64, 49, 49)
    torch.save({"model": named}, tmp_path / "swin.pth")
    network = published(SwinBackbone(depths=depths))
    init_afi(network, tmp_path / "swin.pth")
    own = network.backbone.state_dict()
    for mine, theirs in (
        ("layers.2.blocks.1.attn.qkv.weight", "layers.2.blocks.1.attn.qkv.weight"),
        ("layers.0.downsample.norm.bias", "layers.1.downsample.norm.bias"),
        ("layers.2.downsample.reduction.weight", "layers.3.downsample.reduction.weight"),
    ):
        assert torch.equal(own[mine], state[theirs])


def test_our_light_network_begins_with_matching_that_was_learned(tmp_path):
    torch.manual_seed(0)
    propagation = LightPropagation().state_dict()
    network = afi_network("light-interaction", matching=saved(propagation, tmp_path / "keys.safetensors"))
    assert torch.equal(network.matching.point.weight, propagation["key_proj.weight"])
    assert torch.equal(network.trunk.conv_stem.weight, propagation["trunk.conv_stem.weight"])
    with pytest.raises(ValueError, match="cannot begin with the keys"):
        afi_network("afi-light", matching=tmp_path / "keys.safetensors")
