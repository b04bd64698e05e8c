import pytest
import torch

from civos_siaf.networks.light_propagation import LightPropagation
from civos_siaf.networks.mask_fusion import LightMaskFusion, MaskFusion
from civos_siaf.networks.propagation_network import others
from civos_siaf.networks.s2m import LightS2m, S2m
from civos_siaf.networks.stm import SplitConv, Stm

IMAGE = torch.randn(1, 3, 48, 64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("make", [Stm, LightPropagation])
@pytest.mark.parametrize("count", [1, 3])
def test_propagation_networks_keep_their_promises(make, count):
    net = make().eval().requires_grad_(False)
    masks = torch.rand(count, 1, 48, 64)
    with torch.inference_mode():
        frame = net.encode_frame(IMAGE)
        memory = net.encode_memory(IMAGE, masks, frame if net.memory_needs_frame else None)
        logits = net.decode(memory.value, frame)
        # Each object's answer is its own: alone it is the same.
        alone = net.decode(memory.value[:1], frame)
    grid = (48 // net.stride, 64 // net.stride)
    assert memory.key.shape[0] == (1 if net.shared_keys else count)
    assert memory.value.shape[0] == count
    assert memory.key.shape[2:] == memory.value.shape[2:] == frame.key.shape[2:] == grid
    assert memory.key.shape[1] == frame.key.shape[1]
    assert logits.shape == (count, 1, 48, 64)
    assert torch.allclose(alone, logits[:1], atol=1e-4)
    assert frame.num_bytes >= 4 * frame.key.numel()


@pytest.mark.parametrize("make", [Stm, LightPropagation])
def test_gradients_reach_every_parameter(make):
    net = make().eval()
    masks = torch.rand(2, 1, 48, 64)
    frame = net.encode_frame(IMAGE)
    memory = net.encode_memory(IMAGE, masks, frame if net.memory_needs_frame else None)
    logits = net.decode(memory.value, frame)
    (logits.mean() + memory.key.mean() + frame.key.mean()).backward()
    assert [name for name, p in net.named_parameters() if p.grad is None] == []


def test_a_mask_changes_its_own_memory_and_as_others_that_of_the_rest():
    net = LightPropagation().eval().requires_grad_(False)
    masks = torch.zeros(2, 1, 48, 64)
    changed = masks.clone()
    changed[0, :, 8:30, 8:30] = 1
    with torch.inference_mode():
        a, b = net.encode_memory(IMAGE, masks), net.encode_memory(IMAGE, changed)
    assert torch.equal(a.key, b.key)
    assert (a.value != b.value).flatten(1).any(dim=1).tolist() == [True, True]


def test_others_are_summed_and_zero_for_a_single_object():
    masks = torch.tensor([0.25, 0.5, 1.0]).view(3, 1, 1, 1)
    assert others(masks).flatten().tolist() == [1.5, 1.25, 0.75]
    assert others(masks[:1]).flatten().tolist() == [0]


@pytest.mark.parametrize("make", [MaskFusion, LightMaskFusion])
def test_fusion_of_several_objects_is_that_of_each(make):
    net = make().eval().requires_grad_(False)
    previous, current, attention = (
        torch.rand(3, 1, 48, 64),
        torch.rand(3, 1, 48, 64),
        torch.rand(3, 2, 48, 64),
    )
    with torch.inference_mode():
        together = net(IMAGE, previous, current, attention=attention, n_c=0.25, n_r=0.75)
        alone = net(IMAGE, previous[1:2], current[1:2], attention=attention[1:2], n_c=0.25, n_r=0.75)
        swapped = net(IMAGE, previous, current, attention=attention, n_c=0.75, n_r=0.25)
    assert together.shape == (3, 1, 48, 64)
    assert torch.allclose(together[1:2], alone, atol=1e-5)
    assert not torch.allclose(together, swapped, atol=1e-4)


@pytest.mark.parametrize("make", [S2m, LightS2m])
def test_scribble_networks_give_logits_of_the_size_of_the_image(make):
    net = make().eval().requires_grad_(False)
    with torch.inference_mode():
        assert net(torch.rand(2, 6, 48, 80)).shape == (2, 1, 48, 80)


def test_no_line_is_lost_where_the_light_scribble_network_works_smaller():
    torch.manual_seed(0)
    net = LightS2m(internal_side=64).eval().requires_grad_(False)
    inputs = torch.zeros(1, 6, 480, 640)
    inputs[:, 4, 200, 300:320] = 1  # one pixel thick, at a tenth of the size
    with torch.inference_mode():
        answers = [net(inputs * on) for on in (1.0, 0.0)]
        inputs[:, 4:] = inputs[:, 4:].flip(1)
        negative = net(inputs)
    assert not torch.allclose(answers[0], answers[1], atol=1e-6)
    assert not torch.allclose(answers[0], negative, atol=1e-6)


def test_a_split_convolution_is_one_of_the_concatenation():
    conv = SplitConv(3, 5).requires_grad_(False)
    a, b = torch.rand(2, 3, 8, 8), torch.rand(2, 3, 8, 8)
    assert torch.allclose(conv.first(a) + conv.second(b), conv(torch.cat([a, b], dim=1)), atol=1e-5)
