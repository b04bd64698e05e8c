"""The click predictor: clicks on one object of one image, one by one, with undo.

Source: docs/specification/ritm.md section 8.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from civos_siaf.interaction.refinement import NoRefinement, Refinement
from civos_siaf.interaction.transforms import Clicks, HorizontalFlip, Sigmoid, Transform
from civos_siaf.interaction.zoom import LimitLongestSide, ZoomIn
from civos_siaf.networks.click_network import ClickNetwork
from civos_siaf.prompts import Click
from civos_siaf.runtime.precision import TYPES, Precision, concrete
from civos_siaf.video.frames import Rgb

Probability: TypeAlias = NDArray[np.float32]
"""Probability (H, W) in [0, 1] that a pixel belongs to the object."""


@dataclass(frozen=True)
class _PredictorState:
    """Everything that a prediction changes."""

    clicks: Clicks
    previous: Tensor
    parts: tuple[object, ...]


class ClickPredictor:
    """Segments one object of one image from clicks.

    Args:
        network: in eval mode.
        zoom: zoom-in, or None to look at the whole image always. Published: `ZoomIn()`.
        limit: shrinks large images, or None.
        flip: average with the answer for the mirror image.
        refinement: how clicks become logits; None is the network's plain answer.
        precision: "fp32", or autocast to "bf16" or "fp16"; "auto": what is fastest on the device.
        max_undo: how many predictions can be undone.

    >>> predictor = ClickPredictor(network, zoom=ZoomIn())  # doctest: +SKIP
    >>> predictor.set_image(image)  # doctest: +SKIP
    >>> mask = predictor.add(Click(0, 1, x=120, y=80)) > 0.5  # doctest: +SKIP
    """

    def __init__(
        self,
        network: ClickNetwork,
        *,
        zoom: ZoomIn | None = None,
        limit: LimitLongestSide | None = None,
        flip: bool = True,
        refinement: Refinement | None = None,
        precision: Precision = "fp32",
        max_undo: int = 32,
    ) -> None:
        self.network = network
        self.zoom = zoom
        self.refinement: Refinement = refinement or NoRefinement()
        self.transforms: list[Transform] = [step for step in (zoom, limit) if step is not None]
        self.transforms += [Sigmoid(), *([HorizontalFlip()] if flip else [])]
        self._parts: tuple[Transform | Refinement, ...] = (*self.transforms, self.refinement)
        autocast(network.mean.device, precision)  # refuses other precisions now, not at the first click
        self.precision = precision
        self._clicks: Clicks = ()
        self._image: Tensor | None = None
        self._previous = torch.empty(0)
        self._past: deque[_PredictorState] = deque(maxlen=max_undo)

    @property
    def clicks(self) -> Clicks:
        """The clicks that count now, in order."""
        return self._clicks

    @property
    def probability(self) -> Probability:
        """The last answer (H, W), or the previous mask if there is none yet."""
        return np.asarray(self._previous[0, 0].cpu().numpy())

    def set_image(self, image: Rgb, previous: NDArray[np.floating] | None = None) -> None:
        """Start on a new image and forget everything about the last one.

        Args:
            image: (H, W, 3) uint8; grey (H, W) and RGBA (H, W, 4) are taken too, alpha is ignored.
            previous: probability (H, W) in [0, 1] to start from; None is zero everywhere.

        Raises:
            ValueError: another shape, type or range.
        """
        device = self.network.mean.device
        pixels = torch.from_numpy(as_rgb(image)).to(device)
        self._image = pixels.permute(2, 0, 1)[None].float() / 255
        start = np.zeros(image.shape[:2], np.float32) if previous is None else previous
        self._previous = torch.from_numpy(as_probability(start, image.shape[:2]))[None, None].to(device)
        self._clicks = ()
        self._past.clear()
        for part in self._parts:
            part.reset()

    def add(self, *clicks: Click) -> Probability:
        """Add clicks, predict once with all clicks so far, and return the probability (H, W).

        With no click at all the network's answer for the previous mask alone comes back.

        Raises:
            RuntimeError: there is no image yet.
            ValueError: a click outside the image. Coordinates up to (W, H) are allowed, as a position at the
                very end of a normalised axis gives them.
        """
        if self._image is None:
            raise RuntimeError("call set_image before the first click")
        check_clicks(clicks, (self._image.shape[2], self._image.shape[3]))
        before = self._now()
        self._clicks += clicks
        try:
            self._previous = self._predict(self._image)
        except BaseException:
            self._return_to(before)
            raise
        self._past.append(before)
        return self.probability

    def undo(self) -> Probability:
        """Take back the last `add`, whole, and return the probability from before it.

        Raises:
            IndexError: nothing left to undo.
        """
        if not self._past:
            raise IndexError("no click to undo")
        self._return_to(self._past.pop())
        return self.probability

    @torch.no_grad()
    def _predict(self, image: Tensor) -> Tensor:
        view = torch.cat([image, self._previous], dim=1) if self.network.with_prev_mask else image
        lists: list[Clicks] = [self._clicks]
        for step in self.transforms:
            view, lists = step.forward(view, lists)
        changed = any(step.changed for step in self.transforms)
        with autocast(view.device, self.precision):
            maps = self.refinement.logits(self.network, view, lists, changed=changed).float()
        for step in reversed(self.transforms):
            maps = step.inverse(maps)
        if self.zoom is not None and self.zoom.wants_repeat():
            return self._predict(image)
        return maps

    def _now(self) -> _PredictorState:
        parts = tuple(part.snapshot() for part in self._parts)
        return _PredictorState(self._clicks, self._previous, parts)

    def _return_to(self, moment: _PredictorState) -> None:
        self._clicks, self._previous = moment.clicks, moment.previous
        for part, state in zip(self._parts, moment.parts, strict=True):
            part.restore(state)


def autocast(device: torch.device, precision: Precision) -> torch.autocast:
    """A context that computes in `precision`; "fp32" changes nothing.

    Raises:
        ValueError: another precision.
    """
    kind = concrete(precision, device)
    if kind == "fp32":
        return torch.autocast(device.type, enabled=False)
    return torch.autocast(device.type, dtype=TYPES[kind])


def as_rgb(image: NDArray[np.uint8]) -> Rgb:
    """(H, W, 3) uint8 from RGB, RGBA (alpha is dropped) or grey, contiguous.

    Raises:
        ValueError: another shape or type, or no pixels.
    """
    grey = image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 1)
    colour = image.ndim == 3 and image.shape[2] in (3, 4)
    if image.dtype != np.uint8 or image.size == 0 or not (grey or colour):
        raise ValueError(f"an image is (H, W, 3) uint8, got {image.shape} {image.dtype}")
    if grey:
        return np.repeat(image.reshape(*image.shape[:2], 1), 3, axis=2)
    return np.array(image[..., :3])


def as_probability(values: NDArray[np.floating], size: tuple[int, ...]) -> Probability:
    """Float32 probabilities of shape `size`.

    Raises:
        ValueError: another shape, NaN, or values outside [0, 1].
    """
    if values.shape != tuple(size):
        raise ValueError(f"a previous mask must have shape {tuple(size)}, got {values.shape}")
    if not ((values >= 0) & (values <= 1)).all():
        raise ValueError("a previous mask must have values in [0, 1], without NaN")
    return np.array(values, dtype=np.float32)


def check_clicks(clicks: Sequence[Click], size: tuple[int, int]) -> None:
    """Refuse clicks outside an image of `size` (H, W).

    Raises:
        ValueError: names the click.
    """
    height, width = size
    for click in clicks:
        inside = 0 <= click.x <= width and 0 <= click.y <= height
        if not inside or math.isnan(click.x + click.y):
            raise ValueError(f"{click!r}: outside the image of {width}x{height} pixels")
