import pytest
import torch

from civos_siaf.networks.light_interaction import LightInteraction, own_maps, rivals
from civos_siaf.networks.light_matching import Matching
from civos_siaf.networks.prepare import for_inference


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    net = LightInteraction().eval().requires_grad_(False)
    torch.nn.init.normal_(net.out.weight, std=0.05)
    return net


def inputs(frames=2, classes=4, groups=1, size=(64, 96), seed=1):
    """Images, strokes on half of the frames, and previous masks on the others."""
    g = torch.Generator().manual_seed(seed)
    images = torch.rand(1, frames, 3, *size, generator=g)
    marks = torch.zeros(groups, frames, classes, *size)
    previous = torch.zeros_like(marks)
    for b in range(groups):
        for k in range(1, classes):
            marks[b, (k + b) % frames, k, 10 * k : 10 * k + 3, 20 : 50 + 3 * b] = 1
        previous[b, -1, 0], previous[b, -1, 0, 20:40, 30:60], previous[b, -1, 1, 20:40, 30:60] = 1, 0, 1
    return images, marks, previous


@torch.inference_mode()
@pytest.mark.parametrize("frames", [1, 2, 5])
def test_the_order_of_frames_and_identities_has_no_meaning(network, frames):
    images, marks, previous = inputs(frames)
    answer = network.quarter(images, marks, previous)
    assert answer.shape == (1, frames, 4, 16, 24)
    order, names = torch.randperm(frames), [0, 3, 1, 2]
    moved = network.quarter(images[:, order], marks[:, order][:, :, names], previous[:, order][:, :, names])
    assert torch.allclose(moved, answer[:, order][:, :, names], atol=1e-4)


@torch.inference_mode()
def test_groups_share_the_images(network):
    images, marks, previous = inputs(groups=2)
    both = network.quarter(images, marks, previous)
    for b in range(2):
        alone = network.quarter(images, marks[b : b + 1], previous[b : b + 1])
        assert torch.allclose(both[b], alone[0], atol=1e-4)
    assert not torch.allclose(both[0], both[1], atol=1e-2)


@torch.inference_mode()
def test_a_stroke_reaches_other_frames_only_by_attention_across_them(network):
    images, marks, previous = inputs()
    previous.zero_()
    changed = marks.clone()
    changed[:, 0, 1, 40:44, 60:90] = 1
    before, after = (network.quarter(images, x, previous)[:, 1] for x in (marks, changed))
    assert (before - after).abs().max() > 1e-3
    alone = LightInteraction(across=False).eval()
    alone.load_state_dict(network.state_dict())
    before, after = (alone.quarter(images, x, previous)[:, 1] for x in (marks, changed))
    assert torch.equal(before, after)


def test_reading_marked_positions_alone_is_the_same_as_weighing_all():
    images, marks, previous = inputs()
    previous.zero_()
    torch.manual_seed(0)
    net = LightInteraction().eval()
    with_gradients = net.quarter(images, marks, previous)
    with torch.no_grad():
        without = net.quarter(images, marks, previous)
    assert torch.allclose(with_gradients, without, atol=1e-3)


def test_every_parameter_learns():
    torch.manual_seed(0)
    net = LightInteraction().train()
    torch.nn.init.normal_(net.out.weight, std=0.05)
    net.quarter(*inputs()).square().mean().backward()
    unused = [name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()]
    assert unused == []


@torch.inference_mode()
def test_it_can_be_prepared_for_inference(network):
    given = inputs()
    assert torch.allclose(for_inference(network).quarter(*given), network.quarter(*given), atol=1e-3)


def test_matching_is_by_distance_in_look_and_in_place():
    torch.manual_seed(0)
    matching = Matching(6, 5, 4)
    features, context = torch.randn(2, 6, 4, 6), torch.randn(2, 5, 4, 6)
    attention = matching(features, context, groups=1)
    logits = [q @ k.transpose(1, 2) for q, k in zip(attention.queries, attention.keys, strict=True)]
    points = matching.point(features).flatten(2).transpose(1, 2).flatten(0, 1)
    keys, queries = (
        conv(context).flatten(2).transpose(1, 2).flatten(0, 1) for conv in (matching.key, matching.query)
    )
    y, x = torch.meshgrid(torch.arange(4.0), torch.arange(6.0), indexing="ij")
    places = torch.stack([y, x], dim=2).flatten(0, 1) / 4
    apart = torch.cdist(places, places).square()
    within = torch.block_diag(apart, apart)
    looks = -0.02 * torch.cdist(points, points).square() - 2 * within
    product = queries @ keys.T / 2 - 20 * within
    assert torch.allclose(logits[0][0], looks, atol=1e-3)
    assert torch.allclose(logits[1][0], product, atol=1e-3)


def test_what_an_identity_sees_of_the_prompts():
    marks, previous = torch.rand(1, 1, 3, 2, 2), torch.zeros(1, 1, 3, 2, 2)
    previous[..., 0] = 1 / 3
    maps = own_maps(marks, previous)
    assert torch.equal(maps[:, :, :, 0], marks)
    assert torch.equal(maps[0, 0, 1, 1], torch.maximum(marks[0, 0, 0], marks[0, 0, 2]))
    assert torch.equal(maps[:, :, :, 1], rivals(marks))
    assert torch.allclose(maps[0, 0, 0, 3], torch.tensor([[0.0, 1.0], [0.0, 1.0]]), atol=1e-6)
    assert maps[0, 0, :, 4].mean(dim=(1, 2)).tolist() == [1, 0, 0]


def test_sides_that_do_not_fit_are_refused(network):
    with pytest.raises(ValueError, match="32k"):
        network.quarter(*inputs(size=(48, 96)))
