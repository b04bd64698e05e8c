import pytest
import timm
import torch
from safetensors.torch import load_file, save_file

from civos_siaf.networks.s2m import S2m
from civos_siaf.networks.stm import Stm
from civos_siaf.training.start import fusion_network, propagation_network, s2m_network
from civos_siaf.weights.locate import own_weights
from civos_siaf.weights.start import extended


@pytest.fixture(scope="module")
def resnet(tmp_path_factory):
    torch.manual_seed(1)
    state = timm.create_model("resnet50", pretrained=False).state_dict()
    path = tmp_path_factory.mktemp("resnet") / "resnet50.safetensors"
    save_file({k: v.contiguous() for k, v in state.items()}, path)
    return path, state


def test_both_encoders_begin_with_the_classifier(resnet):
    path, state = resnet
    network = propagation_network("mivos-propagation", backbone=path)
    own = network.state_dict()
    assert torch.equal(own["rgb_encoder.conv1.weight"], state["conv1.weight"])
    assert torch.equal(own["rgb_encoder.res2.0.conv2.weight"], state["layer1.0.conv2.weight"])
    assert torch.equal(own["mask_rgb_encoder.layer3.5.bn3.bias"], state["layer3.5.bn3.bias"])
    assert torch.equal(own["mask_rgb_encoder.conv1.weight"][:, :3], state["conv1.weight"])
    new = own["mask_rgb_encoder.conv1.weight"][:, 3:].flatten(1)
    assert torch.allclose(new @ new.T, torch.eye(64), atol=1e-5)
    assert own["mask_rgb_encoder.layer1.0.conv1.bias"].abs().sum() == 0


def test_scribble_to_mask_begins_with_a_classifier_or_a_deeplab(resnet, tmp_path):
    path, state = resnet
    own = s2m_network("mivos-s2m", backbone=path).state_dict()
    assert torch.equal(own["backbone.layer4.2.conv3.weight"], state["layer4.2.conv3.weight"])
    assert torch.equal(own["backbone.conv1.weight"][:, :3], state["conv1.weight"])
    deeplab = S2m().state_dict()
    deeplab["backbone.conv1.weight"] = deeplab["backbone.conv1.weight"][:, :3].clone()
    deeplab["classifier.classifier.3.weight"] = torch.ones(21, 256, 1, 1)
    deeplab["classifier.classifier.3.bias"] = torch.ones(21)
    save_file({k: v.contiguous() for k, v in deeplab.items()}, tmp_path / "deeplab.safetensors")
    own = s2m_network("mivos-s2m", deeplab=tmp_path / "deeplab.safetensors").state_dict()
    assert torch.equal(own["classifier.aspp.project.0.weight"], deeplab["classifier.aspp.project.0.weight"])
    assert own["classifier.classifier.3.bias"].tolist() == [0]
    assert float(own["classifier.classifier.3.weight"].norm()) == pytest.approx(1, abs=1e-5)


def test_wrong_starts_are_named(resnet, tmp_path):
    path, state = resnet
    save_file({"conv1.weight": state["conv1.weight"]}, tmp_path / "part.safetensors")
    with pytest.raises(ValueError, match=r"part\.safetensors"):
        propagation_network("mivos-propagation", backbone=tmp_path / "part.safetensors")
    with pytest.raises(ValueError, match="light-s2m cannot begin"):
        s2m_network("light-s2m", backbone=path)
    with pytest.raises(ValueError, match="mivos-s2m cannot begin with a light click network"):
        s2m_network("mivos-s2m", clicks=path)
    with pytest.raises(ValueError, match="mivos-s2m is no fusion network"):
        fusion_network("mivos-s2m")


def test_the_light_scribble_network_begins_with_clicks():
    begun = s2m_network("light-s2m", clicks=own_weights("light_clicks")).state_dict()
    clicks = load_file(own_weights("light_clicks"))
    assert set(begun) == {f"clicks.{name}" for name in clicks}
    assert all(torch.equal(begun[f"clicks.{name}"], value) for name, value in clicks.items())


def test_a_later_stage_begins_with_the_earlier(tmp_path):
    torch.manual_seed(0)
    first = Stm().state_dict()
    save_file({k: v.contiguous() for k, v in first.items()}, tmp_path / "w.safetensors")
    second = propagation_network("mivos-propagation", weights=tmp_path / "w.safetensors").state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_wide_enough_weights_stay():
    weight = torch.rand(4, 3, 3, 3)
    assert extended(weight, 3) is weight
    assert extended(weight, 5).shape == (4, 5, 3, 3)
