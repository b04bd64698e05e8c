"""Strokes and clicks on several frames become labels of these frames together (SIAF, section III-B)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from civos_siaf.interaction.predictor import autocast
from civos_siaf.networks.aot.identity import CHANNELS, MAX_OBJECTS, identity_one_hot
from civos_siaf.networks.identity_network import UNUSED_LOGIT
from civos_siaf.networks.imagenet import normalize
from civos_siaf.networks.object_groups import group_counts, group_labels, split_labels
from civos_siaf.prompts import Click, Prompt, Prompts, Scribble
from civos_siaf.prompts.rasterize import NOT_DRAWN, rasterize_prompts
from civos_siaf.runtime.precision import Precision
from civos_siaf.video.frames import Rgb


class AcrossFrameNetwork(Protocol):
    """Images, strokes and previous masks of T frames to masks of ten objects; see `networks.afi`."""

    @property
    def stride(self) -> int:
        """Sides of images are multiples of it."""

    @property
    def any_number(self) -> bool:
        """Whether it takes any number of identities in place of eleven."""

    def quarter(self, images: Tensor, marks: Tensor, previous: Tensor) -> Tensor:
        """Logits (B, T, 11, H/4, W/4), index 0 = background, those of unused identities too.

        Args:
            images: (B or 1, T, 3, H, W), normalised.
            marks: (B, T, 11, H, W), 0 or 1; channel 0 holds negative strokes.
            previous: (B, T, 11, H, W), one-hot; zero where unknown.
        """

    def parameters(self) -> Iterator[nn.Parameter]:
        """Its weights."""


@dataclass(frozen=True, slots=True, eq=False)
class PromptedFrame:
    """A frame with strokes or clicks.

    Attributes:
        rgb: (H, W, 3) uint8.
        prompts: those that no labels follow from yet.
        labels: (H, W) uint8, what is seen now; None: unknown.
    """

    rgb: Rgb
    prompts: Prompts
    labels: NDArray[np.uint8] | None


class AcrossFrameInteraction:
    """Runs a network on all prompted frames of a video together, ten objects at a time.

    Args:
        network: in eval mode.
        max_short: shorter side of the frames as the network sees them at most; None: as they are.
        precision: "fp32", or autocast to "bf16" or "fp16".

    Raises:
        ValueError: another precision, or a side below 1.
    """

    accepts: tuple[type[Prompt], ...] = (Scribble, Click)

    def __init__(
        self, network: AcrossFrameNetwork, *, max_short: int | None = None, precision: Precision = "fp32"
    ) -> None:
        if max_short is not None and max_short < 1:
            raise ValueError(f"max_short must be 1 or more, got {max_short}")
        self.network = network
        self.max_short = max_short
        self.precision: Precision = precision
        self.device = next(network.parameters()).device
        autocast(self.device, precision)  # refuses other precisions now, not at the first stroke

    @torch.inference_mode()
    def predict(
        self,
        frames: Sequence[PromptedFrame],
        *,
        num_objects: int,
        objects: Collection[int] | None = None,
    ) -> list[NDArray[np.uint8]]:
        """Labels (H, W) of each frame.

        Args:
            frames: T frames of a video, in any order.
            num_objects: K.
            objects: those that can be anywhere; None: all.
        """
        size = self._size(*frames[0].rgb.shape[:2])
        padding = [-side % self.network.stride for side in size]
        images, marks, previous = (
            F.pad(x, (0, padding[1], 0, padding[0])) for x in self._inputs(frames, size, num_objects)
        )
        with autocast(self.device, self.precision):
            logits = self.network.quarter(images, marks, previous).float()
        if objects is not None:
            self._exclude(logits, set(range(1, num_objects + 1)) - set(objects))
        counts = self._counts(num_objects)
        return [
            self._labels(own, size, frame.rgb.shape[:2], counts)
            for own, frame in zip(logits.unbind(dim=1), frames, strict=True)
        ]

    def _size(self, height: int, width: int) -> tuple[int, int]:
        """Of the frames as the network sees them, without padding."""
        short = min(height, width)
        if self.max_short is None or short <= self.max_short:
            return height, width
        factor = self.max_short / short
        return max(1, round(height * factor)), max(1, round(width * factor))

    def _counts(self, num_objects: int) -> list[int]:
        """Objects of each group."""
        return [num_objects] if self.network.any_number else group_counts(num_objects)

    def _inputs(
        self, frames: Sequence[PromptedFrame], size: tuple[int, int], num_objects: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Images (1, T, 3, h, w), and marks and previous masks (E, T, C, h, w)."""
        groups = len(self._counts(num_objects))
        classes = num_objects + 1 if self.network.any_number else CHANNELS
        images, marks, previous = [], [], []
        for frame in frames:
            images.append(self._image(frame.rgb, size))
            before = None if frame.labels is None else _nearest(frame.labels, size)
            scale = (size[0] / frame.rgb.shape[0], size[1] / frame.rgb.shape[1])
            drawn = rasterize_prompts(frame.prompts, size, scale=scale, previous=before)
            marks.append(
                identity_one_hot(split_marks(torch.from_numpy(drawn).to(self.device), groups), classes)
            )
            if before is None:
                previous.append(torch.zeros(groups, classes, *size, device=self.device))
            else:
                labels = split_labels(torch.from_numpy(before).to(self.device), groups)
                previous.append(identity_one_hot(labels, classes))
        return torch.stack(images)[None], torch.stack(marks, dim=1), torch.stack(previous, dim=1)

    def _image(self, rgb: Rgb, size: tuple[int, int]) -> Tensor:
        if rgb.shape[:2] != size:
            rgb = np.asarray(cv2.resize(rgb, size[::-1], interpolation=cv2.INTER_AREA), np.uint8)
        return normalize(torch.tensor(rgb).to(self.device).permute(2, 0, 1).float() / 255)

    def _exclude(self, logits: Tensor, absent: Collection[int]) -> None:
        """Make objects impossible in logits (E, T, C, h, w)."""
        for number in absent:
            group, place = (0, number - 1) if self.network.any_number else divmod(number - 1, MAX_OBJECTS)
            logits[group, :, place + 1] = UNUSED_LOGIT

    def _labels(
        self, logits: Tensor, size: tuple[int, int], full: Sequence[int], counts: Sequence[int]
    ) -> NDArray[np.uint8]:
        """Labels of a frame of the logits (E, 11, h, w) of its groups."""
        own = []
        for group, count in enumerate(counts):
            large = F.interpolate(
                logits[group : group + 1, : count + 1], scale_factor=4, mode="bilinear", align_corners=False
            )[:, :, : size[0], : size[1]]
            if tuple(full) != size:
                large = F.interpolate(large, size=tuple(full), mode="bilinear", align_corners=False)
            own.append(large[0])
        return np.asarray(group_labels(own).cpu().numpy())


def split_marks(marks: Tensor, groups: int) -> Tensor:
    """Marks (H, W) to those of each group (E, H, W), -1 to 10; other groups' objects are negative."""
    parts = split_labels(marks.clamp(min=0), groups)
    return torch.where(marks == NOT_DRAWN, NOT_DRAWN, parts)


def _nearest(labels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    if labels.shape == size:
        return labels
    return np.asarray(cv2.resize(labels, size[::-1], interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)
