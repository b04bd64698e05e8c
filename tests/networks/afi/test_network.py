import pytest
import torch
from torch import nn

from civos_siaf.networks.afi import variants
from civos_siaf.networks.afi.backbones import MAPS, MobileNetBackbone, ResNet50Backbone, SwinBackbone
from civos_siaf.networks.afi.variants import VARIANTS
from civos_siaf.networks.prepare import for_inference
from civos_siaf.weights import deterministic_weights

SIZE = (64, 96)


def filled(network):
    """Weights that follow from the names: nothing is zero, so everything shows."""
    shapes = {name: list(value.shape) for name, value in network.state_dict().items()}
    network.load_state_dict(deterministic_weights.deterministic_state(shapes))
    return network


@pytest.fixture(scope="module")
def light():
    return filled(variants.light()).eval().requires_grad_(False)


def prompts(frames, *, size=SIZE, batch=1, seed=0):
    """Images, strokes and previous masks."""
    random = torch.Generator().manual_seed(seed)
    images = torch.randn(batch, frames, 3, *size, generator=random)
    drawn = torch.rand(batch, frames, 1, *size, generator=random) < 0.02
    labels = torch.randint(0, 11, (2, batch, frames, *size), generator=random)
    marks, previous = nn.functional.one_hot(labels, 11).movedim(-1, 3).float()
    return images, marks * drawn, previous


def shallow_swin():
    return SwinBackbone(depths=(2, 2, 2, 2), drop_path=0.0)


@pytest.mark.parametrize("make", [ResNet50Backbone, shallow_swin, MobileNetBackbone])
def test_a_backbone_begins_with_what_it_has_of_the_image(make):
    torch.manual_seed(0)
    backbone = make().eval()
    image = torch.randn(1, 3, *SIZE)
    maps = torch.randint(0, 2, (2, MAPS, *(side // backbone.maps_stride for side in SIZE))).float()
    with torch.no_grad():
        without, asked = backbone(image, torch.zeros_like(maps)[:1]), backbone(image, maps)
        nn.init.normal_(backbone.id_stem.weight)
        later = backbone(image, maps)
    strides = (4, 8, 16, backbone.high_stride)
    for plain, same, other, channels, stride in zip(
        without, asked, later, backbone.channels, strides, strict=True
    ):
        assert plain.shape == (1, channels, SIZE[0] // stride, SIZE[1] // stride)
        assert torch.allclose(plain.expand_as(same), same, rtol=1e-4, atol=1e-5)
        assert not torch.allclose(same, other, atol=1e-3)
        # The same image, other prompts.
        assert not torch.allclose(other[0], other[1], atol=1e-3)


@pytest.mark.parametrize(
    ("name", "millions"), [("afi-r50", 44.71), ("afi-swinb", 100.17), ("afi-light", 2.40)]
)
def test_sizes(name, millions):
    with torch.device("meta"):
        net = VARIANTS[name]()
    assert sum(p.numel() for p in net.parameters()) / 1e6 == pytest.approx(millions, abs=0.02)


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5])
def test_one_to_five_frames(light, frames):
    with torch.inference_mode():
        quarter, full = light.quarter(*prompts(frames)), light(*prompts(frames))
    assert quarter.shape == (1, frames, 11, SIZE[0] // 4, SIZE[1] // 4)
    assert full.shape == (1, frames, 11, *SIZE)
    assert full.isfinite().all()


def test_the_order_of_frames_has_no_meaning(light):
    order = [2, 0, 1]
    inputs = prompts(3)
    with torch.inference_mode():
        found = light.quarter(*inputs)[:, order]
        other = light.quarter(*(x[:, order] for x in inputs))
        alone = light.quarter(*(x[:, :1] for x in inputs))
    scale = found.std()
    assert torch.allclose(found, other, atol=1e-4 * scale)
    assert (alone[:, 0] - found[:, 1]).abs().max() > 1e-3 * scale


def test_without_attention_frames_do_not_see_each_other():
    net = filled(variants.light(across=False)).eval()
    inputs = prompts(3)
    with torch.inference_mode():
        together, alone = net.quarter(*inputs), net.quarter(*(x[:, 1:2] for x in inputs))
    assert torch.allclose(together[:, 1:2], alone, atol=1e-4 * alone.std())
    assert not any("between" in name for name in net.state_dict())


def test_groups_share_the_images(light):
    images, marks, previous = prompts(2, batch=2)
    with torch.inference_mode():
        shared = light.quarter(images[:1], marks, previous)
        apart = light.quarter(images[:1].expand(2, -1, -1, -1, -1), marks, previous)
        alone = light.quarter(images[:1], marks[1:], previous[1:])
    assert torch.allclose(shared, apart, atol=1e-4 * shared.std())
    assert torch.allclose(shared[1:], alone, atol=1e-4 * shared.std())
    assert not torch.allclose(shared[0], shared[1], atol=1e-2 * shared.std())


def test_prompts_and_unknown_previous_masks_count(light):
    images, marks, previous = prompts(1)
    background = torch.zeros_like(previous)
    background[:, :, 0] = 1
    nothing = torch.zeros_like(previous)
    with torch.inference_mode():
        answers = [
            light.quarter(images, m, p)
            for m, p in [(marks, nothing), (nothing, nothing), (nothing, background), (nothing, previous)]
        ]
    for i, first in enumerate(answers):
        for second in answers[i + 1 :]:
            assert not torch.allclose(first, second, atol=1e-2 * first.std())


def test_padding_shows_at_the_border_only():
    """Without what sees the whole picture: attention, position and the pyramid's mean."""
    torch.manual_seed(0)
    net = variants.light(across=False).eval().requires_grad_(False)
    nn.init.zeros_(net.extraction.pyramid.pool[1].weight)
    nn.init.ones_(net.across.project[0][1].bias)
    inputs = prompts(1, size=(64, 256))
    padded = [nn.functional.pad(x, (0, 32)) for x in inputs]
    with torch.inference_mode():
        found = net.backbone(inputs[0][0], torch.zeros(1, MAPS, 32, 128)).low
        other = net.backbone(padded[0][0], torch.zeros(1, MAPS, 32, 144)).low
        crop = net(*padded)[..., :256]
        whole = net(*inputs)
    assert torch.allclose(other[..., :48], found[..., :48], atol=1e-5)
    assert crop.shape == whole.shape
    assert crop.isfinite().all()


def test_inputs_that_do_not_fit_are_refused(light):
    images, marks, previous = prompts(2)
    with pytest.raises(ValueError, match=r"previous must be \(1, 2, 11, 64, 96\), got \(1, 1, 11, 64, 96\)"):
        light.quarter(images, marks, previous[:, :1])
    with pytest.raises(ValueError, match=r"images must be \(1 or 1, 2, 3, 64, 96\)"):
        light.quarter(images[:, :1], marks, previous)
    with pytest.raises(ValueError, match="multiples of 32, got 64 x 80"):
        light.quarter(*(x[..., :80] for x in (images, marks, previous)))


@pytest.mark.parametrize(
    "make", [variants.light, VARIANTS["afi-r50"], lambda: variants.published(shallow_swin())]
)
def test_gradients_reach_every_parameter(make):
    torch.manual_seed(0)
    net = make().train()
    for layer in net.across.within:
        # Positions act through them, and in the beginning they are zero.
        nn.init.normal_(layer.attention.offsets.weight, std=0.1)
    net.quarter(*prompts(2, size=(64, 64))).square().mean().backward()
    without = {n for n, p in net.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0}
    assert without == set()


@pytest.mark.parametrize("name", ["afi-light", "afi-r50"])
def test_prepared_for_inference_it_answers_the_same(name):
    net = filled(VARIANTS[name]()).eval().requires_grad_(False)
    inputs = prompts(2, size=(64, 64))
    with torch.inference_mode():
        plain, fast = net.quarter(*inputs), for_inference(net).quarter(*inputs)
    assert torch.allclose(plain, fast, atol=2e-3 * plain.std().item())


def test_trunk_statistics_stay_as_they_are():
    net = variants.light().train()
    before = {n: x.clone() for n, x in net.state_dict().items() if "running" in n}
    net.quarter(*prompts(2))
    after = net.state_dict()
    moved = {name for name, value in before.items() if not torch.equal(value, after[name])}
    assert moved
    assert not any(name.startswith("backbone.") for name in moved)
