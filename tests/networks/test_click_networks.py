import pytest
import torch
from torch import nn

from civos_siaf.networks.click_network import ClickNetwork, resize
from civos_siaf.networks.light_clicks import LightClicks
from civos_siaf.networks.prepare import fuse_batch_norm
from civos_siaf.networks.ritm import Ritm
from civos_siaf.weights.click_networks import ARCHITECTURES, build

SMALL = ("hrnet18s-ocr", "hrnet18-ocr-baseline", "light-clicks", "deeplab-r34")
POINTS = torch.tensor([[[20.0, 30.0, 0.0], [-1, -1, -1], [50.5, 10.0, 1.0], [-1, -1, -1]]])


def network(name: str) -> ClickNetwork:
    """Weights as at the start, but statistics as after some training."""
    torch.manual_seed(1)
    net = build(name)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
            module.weight.data.uniform_(0.7, 1.3)
    return net.eval()


def image(net: ClickNetwork, height: int = 67, width: int = 91, batch: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(7)
    return torch.rand(batch, 3 + net.with_prev_mask, height, width, generator=generator)


@pytest.mark.parametrize(
    ("name", "height", "width"),
    [(name, 35, 51) for name in ARCHITECTURES]
    + [(name, *size) for name in SMALL for size in ((1, 1), (9, 200))],
)
def test_logits_have_the_size_of_the_image(name: str, height: int, width: int) -> None:
    net = build(name).eval()
    with torch.inference_mode():
        output = net(image(net, height, width), POINTS)
    assert output.instances.shape == (1, 1, height, width)
    assert output.instances.isfinite().all()
    if output.instances_aux is not None:
        assert output.instances_aux.shape == (1, 1, height, width)


@pytest.mark.parametrize("name", SMALL)
@torch.no_grad()
def test_a_pass_cut_at_any_stage_gives_the_same_logits(name: str) -> None:
    net = network(name)
    x = image(net)
    whole = net(x, POINTS).instances
    for stage in ("A", "B", "C"):
        features = net.encode(*net.prepare(x, POINTS), stage)
        assert features.main.shape[1] == net.channels(stage)
        cut = resize(net.decode(features, stage).instances, x.shape[2:])
        assert torch.allclose(cut, whole, atol=1e-5)


@pytest.mark.parametrize("name", SMALL)
@torch.no_grad()
def test_folding_batch_norm_changes_rounding_only(name: str) -> None:
    net = network(name)
    fused = fuse_batch_norm(net).to(memory_format=torch.channels_last)
    norms = [m for m in fused.modules() if isinstance(m, nn.BatchNorm2d)]
    unused = 4 if isinstance(net, Ritm) else 0  # f_pixel and f_object
    assert len(norms) <= unused
    x = image(net)
    expected = net(x, POINTS).instances
    assert torch.allclose(fused(x, POINTS).instances, expected, atol=1e-4 * float(expected.abs().max() + 1))
    assert expected.std() > 1e-4


def test_folding_needs_eval_mode() -> None:
    with pytest.raises(ValueError, match="eval mode only"):
        fuse_batch_norm(build("light-clicks"))


@pytest.mark.parametrize("name", SMALL)
@torch.no_grad()
def test_clicks_and_previous_mask_matter_and_items_do_not_mix(name: str) -> None:
    net = network(name)
    x = image(net, batch=2)
    x[1] = x[0]
    moved = POINTS.clone()
    moved[0, 0, :2] += 15
    both = net(x, torch.cat([POINTS, moved])).instances
    assert not torch.allclose(both[0], both[1], atol=1e-5)
    alone = net(x[:1], POINTS).instances
    assert torch.allclose(both[:1], alone, atol=1e-5 * float(alone.abs().max() + 1))
    if net.with_prev_mask:
        other = x[:1].clone()
        other[:, 3] = 1 - other[:, 3]
        assert not torch.allclose(net(other, POINTS).instances, alone, atol=1e-5)


@pytest.mark.parametrize("name", SMALL)
def test_gradients_reach_every_parameter_that_acts(name: str) -> None:
    net = build(name).train()
    output = net(image(net, batch=2), POINTS.repeat(2, 1, 1))
    loss = output.instances.square().mean()
    if output.instances_aux is not None:
        loss = loss + output.instances_aux.square().mean()
    loss.backward()
    without = {n for n, p in net.named_parameters() if p.grad is None}
    assert all(".f_pixel." in n or ".f_object." in n for n in without)


def test_the_parameter_counts_of_the_published_models() -> None:
    counts = {"hrnet18s-ocr": 4_220_047, "hrnet18-ocr": 10_032_019, "hrnet32-ocr": 30_951_363}
    for name, count in counts.items():
        assert sum(p.numel() for p in build(name).parameters()) == count


@pytest.mark.parametrize("fusion", ["rgb_conv", "conv_extend"])
def test_other_ways_to_join_clicks(fusion: str) -> None:
    net = Ritm(width=18, ocr_width=48, small=True, fusion=fusion, leaky=False, use_disks=False).eval()
    first = net(image(net), POINTS).instances
    assert not torch.equal(first, net(image(net), POINTS + 9).instances)


def test_the_scale_of_the_fusion_acts_by_its_absolute_value() -> None:
    net = network("hrnet18s-ocr")
    before = net(image(net), POINTS).instances
    with torch.no_grad():
        net.get_parameter("maps_transform.3.scale").neg_()
    assert torch.equal(net(image(net), POINTS).instances, before)
    assert torch.allclose(fuse_batch_norm(net)(image(net), POINTS).instances, before, atol=1e-4)


def test_wrong_inputs_are_refused() -> None:
    net = build("light-clicks")
    with pytest.raises(ValueError, match=r"image must have shape \(B, 4, H, W\), got \(1, 3, 8, 8\)"):
        net(torch.zeros(1, 3, 8, 8), POINTS)
    with pytest.raises(ValueError, match="points for 1 images, but there are 2"):
        net(torch.zeros(2, 4, 8, 8), POINTS)
    with pytest.raises(ValueError, match="ocr_width must be 1 or more"):
        Ritm(width=18, ocr_width=0)
    with pytest.raises(ValueError, match="fusion must be"):
        Ritm(width=18, ocr_width=48, fusion="sum")


def test_the_light_network_sees_clicks_at_its_reduced_size() -> None:
    net = LightClicks(internal_side=128).eval()
    x = torch.zeros(1, 4, 480, 854)
    points = torch.tensor([[[240.0, 427.0, 0.0], [-1.0, -1.0, -1.0]]])
    rgb, coords = net.prepare(x, points)
    assert rgb.shape[2:] == net.internal_size(480, 854) == (65, 129)
    rows, columns = torch.nonzero(coords[0, 1], as_tuple=True)
    assert float(rows.float().mean()) == pytest.approx(240 / 480 * 65, abs=0.6)
    assert float(columns.float().mean()) == pytest.approx(427 / 854 * 129, abs=0.6)
    assert coords[0, 2].sum() == 0
