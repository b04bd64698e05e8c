"""What every click network offers: an image, a previous mask and clicks become logits.

Source: docs/specification/ritm.md sections 2, 6, 9.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal, NamedTuple, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from civos_siaf.networks.click_inputs import disk_maps, distance_maps
from civos_siaf.networks.imagenet import IMAGENET_MEAN, IMAGENET_STD

Stage: TypeAlias = Literal["A", "B", "C"]
"""Where a forward pass can be cut: A after the encoder, B before the decoder, C before the last layer."""


class ClickOutput(NamedTuple):
    """Logits (B, 1, H, W) of the object, and of the auxiliary head where the network has one."""

    instances: Tensor
    instances_aux: Tensor | None


class Features(NamedTuple):
    """A forward pass cut at a stage: features (B, C, h, w), and whatever else decoding needs."""

    main: Tensor
    others: tuple[Tensor, ...] = ()


class ClickNetwork(nn.Module, ABC):
    """Base of the click networks; a subclass provides `encode`, `decode` and `channels`.

    Args:
        with_prev_mask: the image tensor has a fourth channel, the probability of the previous mask.
        use_disks: clicks as disks; otherwise as squashed distances.
        norm_radius: radius of the disks, or unit of the distances, in pixels.
        binary_prev_mask: threshold the previous mask at 0.5.
        whole_pixels: see `distance_maps`.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        *,
        with_prev_mask: bool = True,
        use_disks: bool = True,
        norm_radius: float = 5,
        binary_prev_mask: bool = False,
        whole_pixels: bool = False,
    ) -> None:
        super().__init__()
        self.with_prev_mask = with_prev_mask
        self.use_disks = use_disks
        self.norm_radius = norm_radius
        self.binary_prev_mask = binary_prev_mask
        self.whole_pixels = whole_pixels
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1), persistent=False)

    @property
    def num_coord_channels(self) -> int:
        """Channels of the input beside the image: two click maps, and the previous mask if there is one."""
        return 2 + self.with_prev_mask

    def prepare(self, image: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
        """Normalise the image and draw the clicks.

        Args:
            image: (B, 4, H, W): RGB and previous mask, all in [0, 1]; (B, 3, H, W) without previous mask.
            points: (B, 2N, 3), see `disk_maps`.

        Returns:
            RGB (B, 3, H, W), normalised, and the other channels (B, C, H, W): previous mask, positive map,
            negative map.

        Raises:
            ValueError: another number of channels, or another batch size of the points.
        """
        self._check(image, points)
        size = {"height": image.shape[2], "width": image.shape[3]}
        if self.use_disks:
            maps = disk_maps(points, **size, radius=self.norm_radius)
        else:
            maps = distance_maps(points, **size, radius=self.norm_radius, whole_pixels=self.whole_pixels)
        maps = maps.to(image.dtype)
        if self.with_prev_mask:
            mask = (image[:, 3:] > 0.5).to(image.dtype) if self.binary_prev_mask else image[:, 3:]
            maps = torch.cat([mask, maps], dim=1)
        return (image[:, :3] - self.mean) / self.std, maps

    def internal_scale(self, height: int, width: int) -> float:
        """Pixels inside the network per pixel of an image, along a side."""
        return 1.0

    def _check(self, image: Tensor, points: Tensor) -> None:
        channels = 3 + self.with_prev_mask
        if image.ndim != 4 or image.shape[1] != channels:
            raise ValueError(f"image must have shape (B, {channels}, H, W), got {tuple(image.shape)}")
        if points.shape[0] != image.shape[0]:
            raise ValueError(f"points for {points.shape[0]} images, but there are {image.shape[0]}")

    @abstractmethod
    def encode(self, rgb: Tensor, coords: Tensor, stage: Stage) -> Features:
        """Run what `prepare` returned up to a stage."""

    @abstractmethod
    def decode(self, features: Features, stage: Stage) -> ClickOutput:
        """Run on to logits (B, 1, h, w), usually smaller than the image; no auxiliary ones at C."""

    @abstractmethod
    def channels(self, stage: Stage) -> int:
        """Number of channels of the features at a stage."""

    def forward(self, image: Tensor, points: Tensor) -> ClickOutput:
        """Segment; arguments as in `prepare`. The logits have the size of the image."""
        rgb, coords = self.prepare(image, points)
        low = self.decode(self.encode(rgb, coords, "B"), "B")
        aux = None if low.instances_aux is None else resize(low.instances_aux, image.shape[2:])
        return ClickOutput(resize(low.instances, image.shape[2:]), aux)


def resize(x: Tensor, size: torch.Size | tuple[int, int]) -> Tensor:
    """Bilinear resize of (B, C, h, w) to `size` (H, W), corners on corners."""
    if x.shape[2:] == tuple(size):
        return x
    return F.interpolate(x, size=tuple(size), mode="bilinear", align_corners=True)
