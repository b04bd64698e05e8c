"""Zoom-in: the network looks at the object's surroundings only.

Source: docs/specification/ritm.md sections 8.3, 8.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from civos_siaf.interaction.transforms import Clicks, Roi
from civos_siaf.networks.click_network import resize


@dataclass(frozen=True)
class ZoomState:
    """What is kept between two predictions: the last map (1, 1, H, W) and the region now looked at."""

    previous: Tensor | None = None
    roi: Roi | None = None


class ZoomIn:
    """Crops the region of the previous mask and resizes it, up or down.

    Args:
        target_size: longer side of what the network sees, or its exact (H, W).
        skip_clicks: up to this many clicks the whole image is used as it is; -1 starts with the whole image
            resized to `target_size`.
        expansion_ratio: size of the region relative to the mask's bounding box.
        min_crop_size: least side of the region, in pixels.
        recompute_thresh_iou: keep the old region while the new one overlaps it by at least this.
        prob_thresh: a pixel belongs to the previous mask above this probability.
        aligned_clicks: scale the clicks as the pixels are scaled, corners on corners; published: by the plain
            ratio of the sizes, up to one pixel beside.
        keep_outside: leave the last map as it was outside the region; published: zero.
        max_scale: enlarge the region at most so much, even if it stays below `target_size`; published: any.
        forget_roi: drop the region when the image is passed through; published: the answer for the whole
            image is then still pasted into the old region.
    """

    def __init__(
        self,
        *,
        target_size: int | Sequence[int] = 400,
        skip_clicks: int = 1,
        expansion_ratio: float = 1.4,
        min_crop_size: int = 200,
        recompute_thresh_iou: float = 0.5,
        prob_thresh: float = 0.5,
        aligned_clicks: bool = False,
        keep_outside: bool = False,
        max_scale: float | None = None,
        forget_roi: bool = False,
    ) -> None:
        if not isinstance(target_size, int):
            target_size = (int(target_size[0]), int(target_size[1]))
        self.target_size = target_size
        self.skip_clicks = skip_clicks
        self.expansion_ratio = expansion_ratio
        self.min_crop_size = min_crop_size
        self.recompute_thresh_iou = recompute_thresh_iou
        self.prob_thresh = prob_thresh
        self.aligned_clicks = aligned_clicks
        self.keep_outside = keep_outside
        self.max_scale = max_scale
        self.forget_roi = forget_roi
        self.changed = False
        self.state = ZoomState()

    @property
    def roi(self) -> Roi | None:
        """The region now looked at; None is the whole image as it is."""
        return self.state.roi

    def forward(self, image: Tensor, clicks: Sequence[Clicks]) -> tuple[Tensor, list[Clicks]]:
        """(1, C, H, W) and one list of clicks to the crop (1, C, h, w) and the clicks in it."""
        self.changed = False
        candidate = self._candidate(image, clicks[0])
        if candidate is None:
            return self._pass(image, clicks)
        if self._must_move(candidate, clicks[0]):
            self.state = replace(self.state, roi=candidate)
            self.changed = True
        return self._crop(image, clicks)

    def inverse(self, maps: Tensor) -> Tensor:
        """Probabilities (1, 1, h, w) of the crop to (1, 1, H, W), pasted into the region."""
        roi, previous = self.state.roi, self.state.previous
        if roi is not None:
            maps = resize(maps, roi.size)
            if previous is not None:
                canvas = previous.clone() if self.keep_outside else torch.zeros_like(previous)
                canvas[:, :, roi.top : roi.bottom + 1, roi.left : roi.right + 1] = maps
                maps = canvas
        self.state = replace(self.state, previous=maps)
        return maps

    def wants_repeat(self) -> bool:
        """Whether the object just found is so small that the prediction should be repeated zoomed in."""
        previous = self.state.previous
        if previous is None or self.state.roi is not None or self.skip_clicks > 0:
            return False
        mask = previous[0, 0] > self.prob_thresh
        if not mask.any():
            return False
        size = (mask.shape[0], mask.shape[1])
        return self._surroundings(mask).iou(Roi.whole(size)) < 0.5

    def reset(self) -> None:
        """Forget the last image."""
        self.changed = False
        self.state = ZoomState()

    def snapshot(self) -> object:
        """The state, to come back to."""
        return self.state

    def restore(self, state: object) -> None:
        """Come back to a state of `snapshot`."""
        assert isinstance(state, ZoomState)
        self.state = state

    def _pass(self, image: Tensor, clicks: Sequence[Clicks]) -> tuple[Tensor, list[Clicks]]:
        if self.forget_roi:
            self.state = replace(self.state, roi=None)
        return image, list(clicks)

    def _candidate(self, image: Tensor, clicks: Clicks) -> Roi | None:
        if len(clicks) <= self.skip_clicks:
            return None
        if self.state.previous is not None:
            mask = self.state.previous[0, 0] > self.prob_thresh
            if mask.any():
                for click in clicks:
                    if click.positive:
                        row, column = int(click.y), int(click.x)
                        mask[min(row, mask.shape[0] - 1), min(column, mask.shape[1] - 1)] = True
                return self._surroundings(mask)
        return None if self.skip_clicks >= 0 else Roi.whole((image.shape[2], image.shape[3]))

    def _surroundings(self, mask: Tensor) -> Roi:
        roi = Roi.around(mask).expand(self.expansion_ratio, self.min_crop_size)
        return roi.clamp((mask.shape[0], mask.shape[1]))

    def _must_move(self, candidate: Roi, clicks: Clicks) -> bool:
        roi = self.state.roi
        if roi is None or candidate.iou(roi) < self.recompute_thresh_iou:
            return True
        # The upper bounds count as outside here although the crop includes them
        # (docs/specification/ritm.md section 8.3.4).
        return not all(
            roi.top <= c.y < roi.bottom and roi.left <= c.x < roi.right for c in clicks if c.positive
        )

    def _crop(self, image: Tensor, clicks: Sequence[Clicks]) -> tuple[Tensor, list[Clicks]]:
        roi = self.state.roi
        assert roi is not None
        target = self.target_size
        if self.max_scale is not None and isinstance(target, int):
            target = min(target, max(2, round(self.max_scale * max(roi.size))))
        size = roi.resized(target)
        crop = image[:, :, roi.top : roi.bottom + 1, roi.left : roi.right + 1]
        scale_y, scale_x = (self._scale(out, length) for out, length in zip(size, roi.size, strict=True))
        moved = [
            tuple(replace(c, y=scale_y * (c.y - roi.top), x=scale_x * (c.x - roi.left)) for c in row)
            for row in clicks
        ]
        return resize(crop, size), moved

    def _scale(self, out: int, length: int) -> float:
        if self.aligned_clicks:
            return (out - 1) / max(length - 1, 1)
        return out / length


class LimitLongestSide(ZoomIn):
    """Shrinks what is larger than `max_size`, whole; smaller images are passed through.

    Args:
        max_size: limit of the longer side, in pixels.
        aligned_clicks: see `ZoomIn`.
        forget_roi: see `ZoomIn`.
    """

    def __init__(
        self, max_size: int = 800, *, aligned_clicks: bool = False, forget_roi: bool = False
    ) -> None:
        super().__init__(
            target_size=max_size, skip_clicks=0, aligned_clicks=aligned_clicks, forget_roi=forget_roi
        )
        self.max_size = max_size

    def forward(self, image: Tensor, clicks: Sequence[Clicks]) -> tuple[Tensor, list[Clicks]]:
        """(1, C, H, W) and one list of clicks, both scaled if the image is too large."""
        self.changed = False
        if max(image.shape[2:]) <= self.max_size:
            return self._pass(image, clicks)
        self.changed = True
        whole = Roi.whole((image.shape[2], image.shape[3]))
        previous = self.state.previous
        if self.forget_roi and previous is not None and previous.shape[2:] != image.shape[2:]:
            previous = None
        self.state = ZoomState(previous, whole)
        return self._crop(image, clicks)
