"""The decoder of MiVOS' propagation network (spec mivos 4.4), split into what objects share and what not."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from civos_siaf.networks.stm_encoders import VALUE_CHANNELS


class Residual(nn.Module):
    """Two 3x3 convolutions with activations before them, added to the input or its projection."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.downsample: nn.Module | None = None
        if in_channels != out_channels:
            self.downsample = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, h, w) to (B, out, h, w)."""
        y = self.conv2(F.relu(self.conv1(F.relu(x)), inplace=True))
        y += x if self.downsample is None else self.downsample(x)
        return torch.as_tensor(y)


class SplitConv(nn.Conv2d):
    """A 3x3 convolution of two concatenated inputs, applied to each half of its channels by itself.

    `first(a) + second(b)` is the convolution of a and b together; the bias is in `second`.
    """

    def __init__(self, split: int, out_channels: int) -> None:
        super().__init__(2 * split, out_channels, 3, padding=1)
        self.split = split

    def first(self, x: Tensor) -> Tensor:
        """(B, split, h, w) to (B, out, h, w)."""
        return F.conv2d(x, self.weight[:, : self.split], None, padding=1)

    def second(self, x: Tensor) -> Tensor:
        """(B, split, h, w) to (B, out, h, w)."""
        return F.conv2d(x, self.weight[:, self.split :], self.bias, padding=1)


class SplitPair(nn.Module):
    """Takes the place of a `SplitConv`: two convolutions, one for each half."""

    def __init__(self, first: nn.Module, second: nn.Module) -> None:
        super().__init__()
        self.first = first
        self.second = second


class Compress(nn.Module):
    """`Residual` of what was read, (K, C, h, w), and the frame's value, (1, C, h, w), concatenated."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.downsample = SplitConv(channels, channels)
        self.conv1 = SplitConv(channels, channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def frame_part(self, value: Tensor) -> tuple[Tensor, Tensor]:
        """What the frame's value adds inside and outside, each (1, C, h, w)."""
        return self.conv1.second(F.relu(value)), self.downsample.second(value)

    def forward(self, readout: Tensor, inside: Tensor, outside: Tensor) -> Tensor:
        """(K, C, h, w), with both results of `frame_part`."""
        y = self.conv1.first(F.relu(readout))
        y += inside
        y = self.conv2(F.relu(y, inplace=True))
        y += self.downsample.first(readout)
        y += outside
        return torch.as_tensor(y)


class UpBlock(nn.Module):
    """Doubles the resolution and adds a skip branch."""

    def __init__(self, skip_channels: int, channels: int, out_channels: int) -> None:
        super().__init__()
        self.skip_conv1 = nn.Conv2d(skip_channels, channels, 3, padding=1)
        self.skip_conv2 = Residual(channels, channels)
        self.out_conv = Residual(channels, out_channels)

    def skip(self, feature: Tensor) -> Tensor:
        """The skip branch of a frame's feature (1, skip, h, w): (1, channels, h, w)."""
        return torch.as_tensor(self.skip_conv2(self.skip_conv1(feature)))

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """(K, channels, h/2, w/2) and the result of `skip` to (K, out, h, w)."""
        up = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        up += skip
        return torch.as_tensor(self.out_conv(up))


class Decoder(nn.Module):
    """What was read becomes logits at stride 4."""

    def __init__(self) -> None:
        super().__init__()
        self.compress = Compress(VALUE_CHANNELS)
        self.up_16_8 = UpBlock(512, 512, 256)
        self.up_8_4 = UpBlock(256, 256, 256)
        self.pred = nn.Conv2d(256, 1, 3, padding=1)

    def frame_parts(self, value: Tensor, f8: Tensor, f4: Tensor) -> tuple[Tensor, ...]:
        """All that does not depend on an object, for `forward`."""
        return (*self.compress.frame_part(value), self.up_16_8.skip(f8), self.up_8_4.skip(f4))

    def forward(self, readout: Tensor, parts: tuple[Tensor, ...]) -> Tensor:
        """(K, 512, h, w) at stride 16 to logits (K, 1, 4h, 4w)."""
        inside, outside, skip8, skip4 = parts
        x = self.compress(readout, inside, outside)
        x = self.up_8_4(self.up_16_8(x, skip8), skip4)
        return torch.as_tensor(self.pred(F.relu(x)))
