"""AFI: strokes and previous masks of several frames to the masks of these frames, together."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from civos_siaf.networks.afi.across import AcrossFrames
from civos_siaf.networks.afi.backbones import NUM_IDENTITIES, PromptedBackbone
from civos_siaf.networks.afi.extraction import Extraction
from civos_siaf.networks.afi.head import MaskHead, NarrowMaskHead
from civos_siaf.networks.afi.prompt_attention import STRIDE, PromptAttention, PromptInjection, reduced


class Afi(nn.Module):
    """The interaction network of SIAF.

    It sees identities only: background and ten objects. Whoever calls it permutes them in training, masks
    those that are not used, and splits more than ten objects into groups.

    Args:
        backbone: images and prompts to features.
        across: exchanges features between frames.
        extraction: features of each frame.
        head: all of them to logits.
        joins: brings prompts to the levels of stride 4, 8 and 16 once more; None: they enter at the stem.
        votes: tells the head what the prompts of all frames say; None: it is not told.

    Attributes:
        stride: sides of images are multiples of it.
        any_number: whether it takes any number of identities.
    """

    stride = 32
    any_number = False

    def __init__(
        self,
        backbone: PromptedBackbone,
        across: AcrossFrames,
        extraction: Extraction,
        head: MaskHead | NarrowMaskHead,
        joins: PromptInjection | None = None,
        votes: PromptAttention | None = None,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.across = across
        self.extraction = extraction
        self.head = head
        self.joins = joins
        self.votes = votes

    def forward(self, images: Tensor, marks: Tensor, previous: Tensor) -> Tensor:
        """Logits (B, T, 11, H, W); arguments and errors as for `quarter`."""
        logits = self.quarter(images, marks, previous)
        full = F.interpolate(logits.flatten(0, 1), scale_factor=4, mode="bilinear", align_corners=False)
        return full.view(*logits.shape[:2], *full.shape[1:])

    def quarter(self, images: Tensor, marks: Tensor, previous: Tensor) -> Tensor:
        """Logits of stride 4.

        Args:
            images: (B or 1, T, 3, H, W) RGB normalised with ImageNet's mean and deviation; sides are
                multiples of 32. One serves all of a batch: groups of objects of the same frames.
            marks: (B, T, 11, H, W) 0 or 1: strokes of the background and of ten objects.
            previous: (B, T, 11, H, W) one-hot labels of before; all zero where they are unknown.

        Returns:
            (B, T, 11, H/4, W/4).

        Raises:
            ValueError: other shapes.
        """
        self._check(images, marks, previous)
        batch, frames = marks.shape[:2]
        maps = torch.cat([marks, previous], dim=2).flatten(0, 1)
        maps = reduced(maps, self.backbone.maps_stride)
        levels = self.backbone(images.flatten(0, 1), maps)
        extra = self.joins(maps, self.backbone.maps_stride) if self.joins is not None else []
        low, high = self.extraction(levels.low, levels.high)
        if extra:
            low = low + extra[0]
        across = self.across(levels.middle8, levels.middle16, frames, tuple(extra[1:]))
        votes = None
        if self.votes is not None:
            prompts = reduced(maps, STRIDE // self.backbone.maps_stride)
            votes = self.votes(F.avg_pool2d(across, 2), prompts, frames)
        logits = self.head(across, high, low, votes)
        return torch.as_tensor(logits.view(batch, frames, *logits.shape[1:]))

    def _check(self, images: Tensor, marks: Tensor, previous: Tensor) -> None:
        batch, frames, _, height, width = marks.shape
        expected = (batch, frames, NUM_IDENTITIES, height, width)
        for name, maps in (("marks", marks), ("previous", previous)):
            if tuple(maps.shape) != expected:
                raise ValueError(f"{name} must be {expected}, got {tuple(maps.shape)}")
        if images.shape[0] not in (1, batch) or tuple(images.shape[1:]) != (frames, 3, height, width):
            wanted = f"({batch} or 1, {frames}, 3, {height}, {width})"
            raise ValueError(f"images must be {wanted}, got {tuple(images.shape)}")
        if height % self.stride or width % self.stride:
            raise ValueError(f"sides must be multiples of {self.stride}, got {height} x {width}")
