"""ResNet-50's bottlenecks and the stages made of them, for encoders with published weights."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn

EXPANSION = 4


class ResNetBottleneck(nn.Module):
    """1x1, 3x3, 1x1 convolutions with batch norm, added to the input; the stride is on the 3x3.

    Args:
        in_channels: channels of the input.
        width: channels inside; the output has four times as many.
        stride: of the 3x3 convolution.
        dilation: of the 3x3 convolution.
        bias: whether the convolutions have biases in spite of their batch norms.
        project: the input passes through a 1x1 convolution before it is added.
        norm: makes a norm of so many channels.
    """

    def __init__(
        self,
        in_channels: int,
        width: int,
        *,
        stride: int,
        dilation: int,
        bias: bool,
        project: bool,
        norm: Callable[[int], nn.Module] = nn.BatchNorm2d,
    ) -> None:
        super().__init__()
        out_channels = EXPANSION * width
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=bias)
        self.bn1 = norm(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=dilation, dilation=dilation, bias=bias)
        self.bn2 = norm(width)
        self.conv3 = nn.Conv2d(width, out_channels, 1, bias=bias)
        self.bn3 = norm(out_channels)
        self.downsample: nn.Module | None = None
        if project:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=bias),
                norm(out_channels),
            )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, 4*width, H/stride, W/stride)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = F.relu(self.bn2(self.conv2(y)), inplace=True)
        y = self.bn3(self.conv3(y))
        y += shortcut
        return F.relu(y, inplace=True)


def stage(
    in_channels: int,
    width: int,
    blocks: int,
    *,
    stride: int,
    dilation: int = 1,
    first_dilation: int = 1,
    bias: bool = False,
    norm: Callable[[int], nn.Module] = nn.BatchNorm2d,
) -> nn.Sequential:
    """Bottlenecks in a row: the first has the stride and a dilation of its own, the others the dilation."""
    first = ResNetBottleneck(
        in_channels, width, stride=stride, dilation=first_dilation, bias=bias, project=True, norm=norm
    )
    rest = [
        ResNetBottleneck(
            EXPANSION * width, width, stride=1, dilation=dilation, bias=bias, project=False, norm=norm
        )
        for _ in range(blocks - 1)
    ]
    return nn.Sequential(OrderedDict((str(i), block) for i, block in enumerate((first, *rest))))
