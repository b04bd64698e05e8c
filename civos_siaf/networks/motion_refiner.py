"""A small network that corrects a clicked mask by what moves as the clicked object does."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from civos_siaf.networks.click_inputs import disk_maps

LIMIT = 6.0
"""Logits of masks are cut at this size."""
RADIUS = 4.0
"""Of the disks that show the clicks, in pixels of the motion maps."""
_FLOOR = 0.1
"""Least variance of motion, in squared pixels: what optical flow cannot tell apart."""
_CUES = 8
"""Maps of each neighbour: motion against the background's, its size beyond the camera's, likeness to what was
clicked, which of mask and rest it fits, and whether there is any motion to see."""


class MotionRefiner(nn.Module):
    """Corrects the logits of one object by the motion of every pixel to two neighbouring frames.

    A click network sees a single picture, in which trousers and rider are things of their own. What moves
    together belongs together. The motion is described relative to what was clicked and to the mask so far, so
    that it does not matter whether the object moves or the camera that follows it. Where nothing moves, or
    there is no neighbour, the picture, the clicks and the mask are all that the network has.

    Args:
        width: channels of the finest level.
    """

    def __init__(self, *, width: int = 20) -> None:
        super().__init__()
        self.width = width
        widths = [width, 2 * width, 3 * width, 4 * width]
        self.stem = _conv(3 + 4 + 2 * _CUES, widths[0])
        self.down = nn.ModuleList(
            nn.Sequential(_conv(less, more, stride=2), _conv(more, more)) for less, more in pairwise(widths)
        )
        self.context = nn.ModuleList(_conv(widths[-1], widths[-1], dilation=rate) for rate in (2, 4, 8))
        self.up = nn.ModuleList(nn.Conv2d(more, less, 1) for less, more in pairwise(widths))
        self.merge = nn.ModuleList(_conv(less, less) for less in widths[:-1])
        self.change = nn.Conv2d(widths[0], 1, 1)
        # Nothing is changed before anything is learned.
        nn.init.zeros_(self.change.weight)
        nn.init.zeros_(self.change.bias)  # type: ignore[arg-type]

    def forward(self, image: Tensor, logits: Tensor, points: Tensor, motion: Tensor) -> Tensor:
        """What to add to the logits.

        Args:
            image: (B, 3, H, W) in [0, 1].
            logits: (B, 1, H, W) of the object.
            points: (B, 2N, 3), clicks in pixels of the image, see `disk_maps`.
            motion: (B, 8, h, w), see `civos_siaf.video.motion.motion_maps`.

        Returns:
            (B, 1, H, W).
        """
        size, small = logits.shape[2:], motion.shape[2:]
        rgb = F.interpolate(image, size=small, mode="bilinear", align_corners=False, antialias=True)
        known = logits.clamp(-LIMIT, LIMIT)
        known = F.interpolate(known, size=small, mode="bilinear", align_corners=False, antialias=True)
        moved = _scaled(points, size, small)
        clicks = disk_maps(moved, height=small[0], width=small[1], radius=RADIUS)
        prob = known.sigmoid()
        with torch.autocast(motion.device.type, enabled=False):
            cues = [motion_cues(part.float(), prob.float(), moved) for part in motion.chunk(2, dim=1)]
        x = self.stem(torch.cat([rgb - 0.5, known / LIMIT, prob, clicks, *cues], dim=1))
        levels = []
        for down in self.down:
            levels.append(x)
            x = down(x)
        for context in self.context:
            x = x + context(x)
        for up, merge, level in zip(reversed(self.up), reversed(self.merge), reversed(levels), strict=True):
            wide = F.interpolate(up(x), size=level.shape[2:], mode="bilinear", align_corners=False)
            x = merge(level + wide)
        return F.interpolate(self.change(x), size=size, mode="bilinear", align_corners=False)


def motion_cues(motion: Tensor, prob: Tensor, points: Tensor) -> Tensor:
    """Motion to one neighbour, seen from the clicks and from a mask.

    Args:
        motion: (B, 4, h, w), flow and residual flow, in pixels.
        prob: (B, 1, h, w), the mask.
        points: (B, 2N, 3) in pixels of these maps.

    Returns:
        (B, 8, h, w): flow less the background's (2), size of the residual flow, likeness to the flow at
        positive and at negative clicks, likelihood of the mask's flow against that of the rest, likelihood of
        either, and 1 everywhere if there is any motion.
    """
    flow, residual = motion[:, :2], motion[:, 2:]
    some = (motion.abs().amax(dim=(1, 2, 3), keepdim=True) > 0).float()
    inside_mean, inside = _spread(flow, prob)
    outside_mean, outside = _spread(flow, 1 - prob)
    total = _spread(flow, torch.ones_like(prob))[1]
    fits = _likelihood(flow, inside_mean, inside)
    rest = _likelihood(flow, outside_mean, outside)
    relative = (flow - outside_mean) / (outside + total).sqrt()
    size = torch.log1p(residual.square().sum(dim=1, keepdim=True).sqrt())
    alike = [_alike(flow, total, points[:, half]) for half in _halves(points)]
    maps = [
        relative.clamp(-3, 3) / 3,
        size,
        *alike,
        (fits - rest).clamp(-4, 4) / 4,
        (fits + rest).clamp(-8, 0) / 8,
    ]
    return torch.cat([*maps, torch.ones_like(prob)], dim=1) * some


def _halves(points: Tensor) -> tuple[slice, slice]:
    places = points.shape[1] // 2
    return slice(None, places), slice(places, None)


def _spread(flow: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (B, 2, 1, 1) and variance (B, 1, 1, 1) of a flow under weights (B, 1, h, w)."""
    whole = weight.sum(dim=(2, 3), keepdim=True).clamp(min=1)
    mean = (flow * weight).sum(dim=(2, 3), keepdim=True) / whole
    square = ((flow - mean).square() * weight).sum(dim=(2, 3), keepdim=True) / whole
    return mean, square.mean(dim=1, keepdim=True) + _FLOOR


def _likelihood(flow: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
    """Logarithm of a round normal density, (B, 1, h, w), up to a constant."""
    return -(flow - mean).square().sum(dim=1, keepdim=True) / (2 * variance) - variance.log()


def _alike(flow: Tensor, variance: Tensor, points: Tensor) -> Tensor:
    """Likeness (B, 1, h, w) in [0, 1] to the flow at the closest of some points (B, N, 3); 0 without any."""
    batch, _, height, width = flow.shape
    used = (points[..., :2] >= 0).all(dim=2)
    kept = used.any(dim=0)
    if not kept.any():
        return flow.new_zeros(batch, 1, height, width)
    points, used = points[:, kept], used[:, kept]
    rows = points[..., 0].round().long().clamp(0, height - 1)
    columns = points[..., 1].round().long().clamp(0, width - 1)
    there = flow.flatten(2).gather(2, (rows * width + columns)[:, None].expand(-1, 2, -1))
    best = flow.new_zeros(batch, height, width)
    for number in range(there.shape[2]):
        far = (flow - there[:, :, number, None, None]).square().sum(dim=1)
        near = torch.exp(-far / (2 * (_FLOOR + 0.1 * variance[:, 0]))) * used[:, number, None, None]
        best = torch.maximum(best, near)
    return best[:, None]


def _scaled(points: Tensor, size: torch.Size, small: torch.Size) -> Tensor:
    """Points (B, 2N, 3) of an image of `size` in pixels of one of size `small`; unused ones as they are."""
    factor = points.new_tensor([small[0] / size[0], small[1] / size[1]])
    moved = (points[..., :2] + 0.5) * factor - 0.5
    unused = (points[..., :2] < 0).all(dim=2, keepdim=True)
    return torch.cat([torch.where(unused, points[..., :2], moved), points[..., 2:]], dim=2)


def _conv(less: int, more: int, *, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(less, more, 3, stride=stride, padding=dilation, dilation=dilation, bias=False),
        nn.BatchNorm2d(more),
        nn.ReLU(inplace=True),
    )
