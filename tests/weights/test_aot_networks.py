import pytest
import torch
from safetensors.torch import save_file

from civos_siaf.networks.aot.variants import VARIANTS
from civos_siaf.weights.aot_networks import build, init_encoder, load_aot_network, published_state
from civos_siaf.weights.manifest import RECORDS, find_record


@pytest.fixture(scope="module")
def state():
    return build("aott").state_dict()


def as_published(state):
    return {"LSTT.mask_token": torch.zeros(1, 1, 256), **state}


@pytest.mark.parametrize(
    "wrap",
    [
        lambda s: {"state_dict": s, "optimizer": {"step": 1}},
        lambda s: {"model": s},
        lambda s: s,
        lambda s: {f"module.{name}": value for name, value in s.items()},
    ],
)
def test_published_files_load_strictly(tmp_path, state, wrap):
    torch.save(wrap(as_published(state)), tmp_path / "AOTT_PRE_YTB_DAV.pth")
    net = load_aot_network("aott", tmp_path / "AOTT_PRE_YTB_DAV.pth", fast=False)
    assert not net.training
    for name, value in net.state_dict().items():
        assert torch.equal(value, state[name])


def test_what_is_missing_is_named(tmp_path, state):
    kept = {name: value for name, value in state.items() if name != "LSTT.layers.0.linear_Q.bias"}
    save_file(kept, tmp_path / "aott.safetensors")
    with pytest.raises(ValueError, match=r"1 missing: LSTT.layers.0.linear_Q.bias"):
        load_aot_network("aott", tmp_path / "aott.safetensors")
    with pytest.raises(ValueError, match=r"does not fit Aot: \d+ missing.*1 other shape: decoder.conv_in"):
        load_aot_network("aots", tmp_path / "aott.safetensors")
    with pytest.raises(ValueError, match="no architecture 'deaott'; there are aott, aots"):
        load_aot_network("deaott")


def test_untrained_weights_are_announced():
    with pytest.warns(UserWarning, match="aott is untrained") as said:
        first = load_aot_network("aott", fast=False)
    assert said[0].filename == __file__
    with pytest.warns(UserWarning, match="untrained"):
        second = load_aot_network("aott", fast=False)
    assert torch.equal(first.LSTT.layers[0].linear_Q.weight, second.LSTT.layers[0].linear_Q.weight)


def test_only_what_is_never_used_is_dropped():
    names = ("LSTT.mask_token", "encoder.layers.0.blocks.0.attn.relative_position_index", "decoder.x")
    assert list(published_state({name: torch.zeros(1) for name in names})) == ["decoder.x"]


@pytest.mark.parametrize(
    ("architecture", "extra"),
    [
        ("aott", {"classifier.1.weight": (1000, 1280), "features.0.1.num_batches_tracked": ()}),
        ("r50_aotl", {"fc.bias": (1000,), "layer4.0.conv1.weight": (512, 1024, 1, 1)}),
        (
            "swinb_aotl",
            {
                "norm.weight": (1024,),
                "head.bias": (9,),
                "layers.2.downsample.norm.weight": (2048,),
                "layers.3.blocks.0.norm1.bias": (1024,),
                "layers.0.blocks.1.attn_mask": (64, 49, 49),
            },
        ),
    ],
)
def test_encoders_begin_with_image_classifiers(tmp_path, architecture, extra):
    with torch.device("meta"):
        shapes = {name: value.shape for name, value in build(architecture).encoder.state_dict().items()}
    own = [name for name in shapes if not name.startswith("norm")]
    file = {name: torch.full(shapes[name], 0.5) for name in own}
    file |= {name: torch.zeros(shape) for name, shape in extra.items()}
    torch.save({"model": file}, tmp_path / "classifier.pth")
    net = build(architecture)
    init_encoder(net, tmp_path / "classifier.pth")
    assert all(bool((net.encoder.state_dict()[name] == 0.5).all()) for name in own)
    del file[own[0]]
    torch.save(file, tmp_path / "classifier.pth")
    with pytest.raises(ValueError, match="1 missing"):
        init_encoder(net, tmp_path / "classifier.pth")


def test_every_published_file_has_its_architecture():
    records = [record for record in RECORDS if record.page.endswith("aot-benchmark")]
    assert len(records) == 12
    assert len({record.url for record in records}) == 12
    assert {record.architecture for record in records} == set(VARIANTS)
    assert find_record("r50-aotl").file_name == "R50_AOTL_PRE_YTB_DAV.pth"
    assert find_record("swinb-aotl-pre").file_name == "SwinB_AOTL_PRE.pth"
