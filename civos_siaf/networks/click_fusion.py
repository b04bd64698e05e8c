"""How clicks and the previous mask join the image inside a click network (RITM spec 3)."""

from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn

Fusion: TypeAlias = Literal["conv1s", "conv_extend", "rgb_conv"]
"""conv1s and conv_extend are added after the first convolution; rgb_conv changes the image itself."""


class AbsoluteScale(nn.Module):
    """Multiplies by the absolute value of one learned number."""

    def __init__(self, initial: float = 0.05) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor([initial]))

    def forward(self, x: Tensor) -> Tensor:
        """Any shape."""
        return x * self.scale.abs()

    @torch.no_grad()
    def fold_into(self, conv: nn.Conv2d) -> None:
        """Scale the weights of the convolution before instead; afterwards this layer must be left out."""
        conv.weight *= self.scale.abs()
        if conv.bias is not None:
            conv.bias *= self.scale.abs()


def conv1s(in_channels: int, out_channels: int = 64, *, leaky: bool = True) -> nn.Sequential:
    """The maps (B, C, H, W) become something to add to a stem of stride 2, (B, out, H/2, W/2) rounded up."""
    return nn.Sequential(
        nn.Conv2d(in_channels, 16, 1),
        activation(leaky=leaky),
        nn.Conv2d(16, out_channels, 3, stride=2, padding=1),
        AbsoluteScale(),
    )


def conv_extend(in_channels: int, out_channels: int = 64) -> nn.Conv2d:
    """One convolution in place of `conv1s`, as if the image's first convolution had more input channels."""
    return nn.Conv2d(in_channels, out_channels, 3, stride=2, padding=1)


def rgb_conv(in_channels: int, *, leaky: bool = True) -> nn.Sequential:
    """Image and maps together (B, 3+C, H, W) become a new image (B, 3, H, W)."""
    return nn.Sequential(
        nn.Conv2d(3 + in_channels, 6 + in_channels, 1),
        nn.BatchNorm2d(6 + in_channels),
        activation(leaky=leaky),
        nn.Conv2d(6 + in_channels, 3, 1),
    )


def activation(*, leaky: bool) -> nn.Module:
    """LeakyReLU with slope 0.2, or ReLU."""
    return nn.LeakyReLU(0.2, inplace=True) if leaky else nn.ReLU(inplace=True)
