import pytest
import torch
from torch import nn

from civos_siaf.networks.prepare import for_inference
from civos_siaf.networks.stm import Stm
from civos_siaf.networks.winograd import MAX_ELEMENTS, WinogradConv, suits


@pytest.mark.parametrize("size", [(4, 4), (8, 12), (7, 9), (1, 1), (30, 54)])
@pytest.mark.parametrize("bias", [True, False])
def test_winograd_is_the_convolution(size, bias):
    torch.manual_seed(0)
    conv = nn.Conv2d(5, 7, 3, padding=1, bias=bias).requires_grad_(False)
    x = torch.randn(3, 5, *size)
    expected = conv(x)
    assert torch.allclose(WinogradConv(conv.weight, conv.bias)(x), expected, atol=2e-5)


def test_large_batches_go_through_one_by_one(monkeypatch):
    conv = nn.Conv2d(2, 3, 3, padding=1).requires_grad_(False)
    x = torch.randn(3, 2, 9, 9)
    whole = WinogradConv(conv.weight, conv.bias)(x)
    monkeypatch.setattr("civos_siaf.networks.winograd.MAX_ELEMENTS", 10)
    assert torch.allclose(WinogradConv(conv.weight, conv.bias)(x), whole, atol=1e-6)
    assert MAX_ELEMENTS > 10


def test_autocast_does_not_reach_the_transforms():
    conv = nn.Conv2d(4, 4, 3, padding=1).requires_grad_(False)
    x = torch.randn(1, 4, 8, 8)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        ours = WinogradConv(conv.weight, conv.bias)(x.bfloat16())
    assert torch.allclose(ours, conv(x.bfloat16().float()), atol=1e-5)


@pytest.mark.parametrize(
    "conv",
    [
        nn.Conv2d(9, 9, 1),
        nn.Conv2d(9, 9, 3),
        nn.Conv2d(9, 9, 3, padding=1, stride=2),
        nn.Conv2d(9, 9, 3, padding=2, dilation=2),
        nn.Conv2d(9, 9, 3, padding=1, groups=3),
        nn.Conv2d(9, 7, 3, padding=1),
        nn.Linear(9, 9),
    ],
)
def test_other_convolutions_are_left_alone(conv):
    assert not suits(conv, min_channels=8)
    assert suits(nn.Conv2d(9, 9, 3, padding=1), min_channels=8)


def test_a_prepared_network_answers_the_same():
    torch.manual_seed(0)
    net = Stm().eval().requires_grad_(False)
    prepared = for_inference(net)
    assert sum(isinstance(m, WinogradConv) for m in prepared.modules()) >= 20
    image, masks = torch.randn(1, 3, 48, 64), torch.rand(2, 1, 48, 64)
    with torch.inference_mode():
        answers = []
        for network in (net, prepared):
            memory = network.encode_memory(image, masks)
            frame = network.encode_frame(image)
            answers.append(
                torch.cat([x.flatten() for x in (*memory, frame.key, network.decode(memory.value, frame))])
            )
    assert torch.allclose(*answers, atol=1e-4 * float(answers[0].abs().max()))
    with pytest.raises(ValueError, match="eval"):
        for_inference(Stm())
