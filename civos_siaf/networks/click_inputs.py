"""Clicks and the previous mask as a click network sees them, and how they join the image.

Source: docs/specification/ritm.md sections 2, 3.
"""

from __future__ import annotations

import math
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


NO_CLICK = -1.0
"""Value of all three entries of an unused row of `points`."""
_FAR = 1e6


def disk_maps(points: Tensor, *, height: int, width: int, radius: float = 5) -> Tensor:
    """Disks around the clicks: 1 where a pixel centre is at most `radius` from a click, else 0.

    Args:
        points: (B, 2N, 3), rows (y, x, order), first the N positive clicks, then the N negative ones;
            coordinates may be fractional. A row with y < 0 and x < 0 is no click; one with a single negative
            coordinate is a click outside the image whose disk may reach into it.
        height: rows of the maps.
        width: columns of the maps.
        radius: in pixels, inclusive.

    Returns:
        (B, 2, H, W) float32, positive clicks first.
    """
    batch, _ = _sizes(points)
    y, x = points[..., 0].float(), points[..., 1].float()
    # Only the square around each click is looked at, so a hundred clicks on a large image stay cheap.
    reach = math.ceil(radius)
    window = torch.arange(-reach, reach + 2, device=points.device)
    near_y, near_x = y.floor()[..., None] + window, x.floor()[..., None] + window
    squared = (near_y - y[..., None]).square()[..., :, None] + (near_x - x[..., None]).square()[..., None, :]
    inside_y, inside_x = (near_y >= 0) & (near_y < height), (near_x >= 0) & (near_x < width)
    valid = torch.maximum(y, x) >= 0
    hit = (squared <= radius**2) & inside_y[..., :, None] & inside_x[..., None, :] & valid[..., None, None]
    place = near_y.clamp(0, height - 1).long()[..., :, None] * width
    place = place + near_x.clamp(0, width - 1).long()[..., None, :]
    maps = torch.zeros(batch, 2, height * width, device=points.device)
    maps.scatter_reduce_(2, place.reshape(batch, 2, -1), hit.float().reshape(batch, 2, -1), "amax")
    return maps.view(batch, 2, height, width)


def distance_maps(
    points: Tensor, *, height: int, width: int, radius: float, whole_pixels: bool = False
) -> Tensor:
    """Squashed distances tanh(2 d / radius) to the nearest click of each sign; 1 where there is none.

    Values in [0, 1], 0 at a click; the result is as in `disk_maps`.

    Args:
        points: see `disk_maps`.
        height: rows of the maps.
        width: columns of the maps.
        radius: unit of the distances in pixels.
        whole_pixels: clicks are rounded to pixels, halves to even ones; a click is none if its row is
            negative then, whatever its column (docs/specification/fbrs.md section 2.3).
    """
    batch, rows = _sizes(points)
    signed = points.float().view(batch, 2, rows // 2, 3)
    row = torch.arange(height, device=points.device)[:, None]
    column = torch.arange(width, device=points.device)
    nearest = torch.full((batch, 2, height, width), _FAR, device=points.device)
    for slot in signed.unbind(dim=2):
        y, x = slot[..., 0, None, None], slot[..., 1, None, None]
        if whole_pixels:
            y, x = y.round(), x.round()
        absent = (y if whole_pixels else torch.maximum(y, x)) < 0
        squared = ((row - y) / radius).square() + ((column - x) / radius).square()
        nearest = torch.minimum(nearest, torch.where(absent, _FAR, squared))
    return torch.tanh(2 * nearest.sqrt())


def _sizes(points: Tensor) -> tuple[int, int]:
    if points.ndim != 3 or points.shape[1] % 2 or points.shape[2] != 3:
        raise ValueError(f"points must have shape (B, 2N, 3), got {tuple(points.shape)}")
    return points.shape[0], points.shape[1]
