"""A light form of SIAF's interaction network: identities that need no learning, across frames.

Every frame goes through MobileNetV2 once, whatever is annotated. Each identity has a few channels of its own,
made by layers that all identities share, so nothing depends on which identity an object has. Attention over
all frames tells every position what those were marked as that look like it: so a stroke on one frame reaches
the others.
"""

from __future__ import annotations

from typing import Any

import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from civos_siaf.networks.light_identity import strongest_other
from civos_siaf.networks.light_matching import HEADS, Matching
from civos_siaf.networks.light_propagation import BACKBONE, double

STRIDE = 32
OWN = 5
"""Maps of an identity: its marks, other marks, its previous mask, nothing known, background or not."""
READ = 2 * HEADS
"""Shares of an identity among similar positions: of the marks, and of marks where there are, else masks."""


class LightInteraction(nn.Module):
    """Strokes on T frames to masks of T frames; takes the place of `Afi` at a small part of its cost.

    It has no fixed number of identities: C in what follows is that of its inputs.

    Args:
        key_channels: of both kinds of matching.
        context: channels of what is known of a position whatever its marks.
        widths: channels per identity at strides 16, 8 and 4.
        across: positions ask all frames; otherwise their own only.
    """

    stride = STRIDE
    any_number = True
    trunk: Any

    def __init__(
        self,
        *,
        key_channels: int = 63,
        context: int = 96,
        widths: tuple[int, int, int] = (48, 24, 16),
        across: bool = True,
    ) -> None:
        super().__init__()
        self.across = across
        self.trunk = timm.create_model(
            BACKBONE, features_only=True, pretrained=False, out_indices=(1, 2, 3, 4)
        )
        c4, c8, c16, c32 = self.trunk.feature_info.channels()
        w16, w8, w4 = widths
        self.enter16, self.enter32 = nn.Conv2d(c16, context, 1), nn.Conv2d(c32, context, 1)
        self.matching = Matching(c16, context, key_channels)
        self.skip16 = nn.Conv2d(context, w16, 1)
        self.skip8, self.skip4 = nn.Conv2d(c8, w8, 1), nn.Conv2d(c4, w4, 1)
        self.first = nn.Conv2d(2 * READ + OWN, w16, 3, padding=1)
        self.spread = nn.Sequential(Wide(w16), Wide(w16))
        self.say = nn.Conv2d(w16, w16 // 2, 1)
        self.hear = nn.Conv2d(HEADS * (w16 // 2), w16, 1)
        self.last = Wide(w16)
        self.to8 = nn.Conv2d(w16 + READ + OWN, w8, 3, padding=1)
        self.conv8 = nn.Conv2d(w8, w8, 3, padding=1)
        self.reduce4 = nn.Conv2d(w8, w4, 1)
        self.maps4 = nn.Conv2d(OWN, w4, 3, padding=1)
        self.conv4 = nn.Conv2d(w4, w4, 3, padding=1)
        self.out = nn.Conv2d(w4, 1, 3, padding=1)
        # At first the answer is what similar positions are marked as.
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(torch.as_tensor(self.out.bias))
        self.trust = nn.Parameter(torch.full((HEADS,), 0.3))

    def forward(self, images: Tensor, marks: Tensor, previous: Tensor) -> Tensor:
        """See `quarter`; logits (B, T, C, H, W)."""
        logits = self.quarter(images, marks, previous)
        full = F.interpolate(logits.flatten(0, 1), scale_factor=4, mode="bilinear", align_corners=False)
        return full.view(*logits.shape[:3], *full.shape[2:])

    def quarter(self, images: Tensor, marks: Tensor, previous: Tensor) -> Tensor:
        """Logits at stride 4.

        Args:
            images: (B, T, 3, H, W), or (1, T, 3, H, W) for B groups of objects; normalised, sides 32k.
            marks: (B, T, C, H, W) of 0 and 1, of each identity; index 0 = background.
            previous: (B, T, C, H, W) of 0 and 1, the mask before; all zero where nothing is known.

        Returns:
            (B, T, C, H/4, W/4).

        Raises:
            ValueError: sides that do not fit.
        """
        if images.shape[-1] % STRIDE or images.shape[-2] % STRIDE:
            raise ValueError(f"image sides must be {STRIDE}k, got {tuple(images.shape[-2:])}")
        if self.across or images.shape[1] == 1:
            return self._quarter(images, marks, previous)
        alone = [
            self._quarter(*(x[:, t : t + 1] for x in (images, marks, previous)))
            for t in range(images.shape[1])
        ]
        return torch.cat(alone, dim=1)

    def _quarter(self, images: Tensor, marks: Tensor, previous: Tensor) -> Tensor:
        shape = marks.shape[:3]
        f4, f8, f16, f32 = self.trunk(images.flatten(0, 1))
        context = F.relu(self.enter16(f16) + double(self.enter32(f32)))
        attention = self.matching(f16, context, groups=len(images))
        marks, previous = _pooled(F.max_pool2d, marks, 4), _pooled(F.avg_pool2d, previous, 4)
        maps4 = own_maps(marks, previous)
        marks, previous = _pooled(F.max_pool2d, marks, 2), _pooled(F.avg_pool2d, previous, 2)
        maps8 = own_maps(marks, previous)
        marks, previous = _pooled(F.max_pool2d, marks, 2), _pooled(F.avg_pool2d, previous, 2)
        maps16 = own_maps(marks, previous)
        marked, known = marks.amax(dim=2), previous.sum(dim=2)
        belief = torch.where(marked[:, :, None] > 0, marks, previous)
        read = attention.where_known(torch.stack([marks, belief], dim=3), marked, known)
        x = torch.cat([read, rivals(read), maps16], dim=3)
        x = self.spread(F.relu(_with_frame(self.first(x.flatten(0, 2)), self.skip16(context), shape)))
        heard = attention.everywhere(_split(self.say(x), shape))
        x = self.last(F.relu(x + self.hear(heard.flatten(0, 2))))
        finer = double(read.flatten(0, 2))
        x = torch.cat([double(x), finer.to(x.dtype), maps8.flatten(0, 2).to(x.dtype)], dim=1)
        x = F.relu(_with_frame(self.to8(x), self.skip8(f8), shape))
        x = F.relu(x + self.conv8(x))
        x = double(self.reduce4(x)) + self.maps4(maps4.flatten(0, 2))
        x = F.relu(_with_frame(x, self.skip4(f4), shape))
        logits = self.out(F.relu(x + self.conv4(x))).float()
        shares = double(finer.float())[:, 1::2].clamp(1e-3, 1).log()
        logits = logits + (shares * self.trust[:, None, None]).sum(dim=1, keepdim=True)
        return _split(logits, shape)[:, :, :, 0]


class Wide(nn.Module):
    """Near and far surroundings in an identity's map, added to it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.near = nn.Conv2d(width, width, 3, padding=1)
        self.far = nn.Conv2d(width, width, 3, padding=4, dilation=4)

    def forward(self, x: Tensor) -> Tensor:
        """(P, C, h, w)."""
        return F.relu(x + self.near(x) + self.far(x))


def own_maps(marks: Tensor, previous: Tensor) -> Tensor:
    """What an identity sees of the prompts: marks and masks (B, T, C, h, w) to (B, T, C, 5, h, w)."""
    unknown = (1 - previous.sum(dim=2, keepdim=True)).expand_as(marks)
    background = torch.zeros_like(marks)
    background[:, :, 0] = 1
    others = strongest_other(marks.flatten(0, 1)).view_as(marks)
    return torch.stack([marks, others, previous, unknown, background], dim=3)


def rivals(x: Tensor) -> Tensor:
    """The largest value of the other identities, (B, T, C, D, h, w)."""
    return strongest_other(x.flatten(0, 1)).view_as(x)


def _pooled(pool: Any, x: Tensor, stride: int) -> Tensor:
    small = pool(x.flatten(0, 1), stride)
    return torch.as_tensor(small.view(*x.shape[:3], *small.shape[2:]))


def _with_frame(x: Tensor, frame: Tensor, shape: torch.Size) -> Tensor:
    """Add what belongs to the frames (G * T, D, h, w) to all identities (B * T * C, D, h, w)."""
    batch, frames, classes = shape
    spread = frame.view(-1, frames, 1, *frame.shape[1:])
    return (x.view(batch, frames, classes, *x.shape[1:]) + spread).flatten(0, 2)


def _split(x: Tensor, shape: torch.Size) -> Tensor:
    """(B * T * C, D, h, w) to (B, T, C, D, h, w)."""
    return x.view(*shape, *x.shape[1:])
