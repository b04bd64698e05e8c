"""f3: clicks inside wrongly labelled regions, as published and as worded.

Source: docs/specification/clicks.md section 6.3.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from civos_siaf.benchmark.clicks.frame import (
    AnnotatedFrame,
    central_pixel,
    clicks_at,
    components,
    through_fractions,
)
from civos_siaf.prompts import Click


@dataclass(frozen=True, slots=True, kw_only=True)
class F3:
    """Clicks where the wrong pixels lie deepest: positive on missed ones, negative on wrongly claimed ones.

    Depth is the city-block distance to the nearest other pixel, and only the places of the greatest depth
    over all regions of one sign are clicked, so a slightly shallower region waits for a later round. In round
    1 the object itself is the region, and all its clicks are positive.

    Args:
        max_clicks: most clicks of each sign per object.
        minimal_area: after round 1, a click in a region of fewer pixels is dropped (0: never).
        minimal_region: with s > 0, depths count only until 1/s of the region's pixels are left.
        absent_objects: after round 1, also objects numbered above all those in the frame's truth; the
            published code leaves their false positives alone.
        truncate_pixels: positions pass through fractions of the frame and are truncated.
        published_quirks: in round 1 an object that is not in the frame gets the clicks of the one before it,
            and the absence of object 1 is an error.
    """

    max_clicks: int = 3
    minimal_area: int = 100
    minimal_region: int = 0
    absent_objects: bool = False
    truncate_pixels: bool = True
    published_quirks: bool = False

    def __call__(self, frame: AnnotatedFrame) -> list[Click]:
        """Clicks on a frame."""
        if frame.first_round:
            return self._first(frame)
        truth, prediction = frame.truth, frame.prediction
        top = frame.num_objects if self.absent_objects else _largest_label(frame)
        missed = {k: self._deepest((truth == k) & (prediction != k)) for k in range(1, top + 1)}
        claimed = {k: self._deepest((prediction == k) & (truth != k)) for k in range(1, top + 1)}
        return [
            *clicks_at(missed, frame=frame.index, positive=True),
            *clicks_at(claimed, frame=frame.index, positive=False),
        ]

    def _first(self, frame: AnnotatedFrame) -> list[Click]:
        places: dict[int, list[tuple[int, int]]] = {}
        for k in range(1, _largest_label(frame) + 1):
            region = frame.truth == k
            if region.any() or not self.published_quirks:
                places[k] = self._deepest(region, any_area=True)
            elif k == 1:
                raise ValueError(f"f3 as published fails on frame {frame.index}: object 1 is not in it")
            else:
                places[k] = places[k - 1]
        return clicks_at(places, frame=frame.index, positive=True)

    def _deepest(self, region: NDArray[np.bool_], *, any_area: bool = False) -> list[tuple[int, int]]:
        """Pixels (y, x) of the clicks in a region (H, W)."""
        left, top, box_width, box_height = cv2.boundingRect(region.view(np.uint8))
        if box_width == 0:
            return []
        height, width = region.shape
        region = region[top : top + box_height, left : left + box_width]
        depth = _depth(region, self.minimal_region)
        centres = [central_pixel(part) for part in components(depth == depth.max())[: self.max_clicks]]
        if self.minimal_area and not any_area:
            labels, _ = ndimage.label(region, structure=np.ones((3, 3)))
            sizes = np.bincount(labels.ravel())
            centres = [(y, x) for y, x in centres if sizes[labels[y, x]] >= self.minimal_area]
        return [
            through_fractions(y + top, x + left, height=height, width=width, truncate=self.truncate_pixels)
            for y, x in centres
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class F3Regions:
    """One click at the centre of each wrong region, the largest first; one click per object in round 1.

    Missed and wrongly claimed regions compete for the same places: positive clicks in the one kind, negative
    in the other.

    Args:
        max_clicks: most clicks per object.
        minimal_area: after round 1, regions of fewer pixels get no click.
    """

    max_clicks: int = 3
    minimal_area: int = 100

    def __call__(self, frame: AnnotatedFrame) -> list[Click]:
        """Clicks on a frame."""
        clicks = [click for k in range(1, frame.num_objects + 1) for click in self._of_object(frame, k)]
        return sorted(clicks, key=lambda click: not click.positive)

    def _of_object(self, frame: AnnotatedFrame, k: int) -> list[Click]:
        if frame.first_round:
            found = [(part, True) for part in components(frame.truth == k)[:1]]
        else:
            found = [
                (part, positive)
                for positive, region in (
                    (True, (frame.truth == k) & (frame.prediction != k)),
                    (False, (frame.prediction == k) & (frame.truth != k)),
                )
                for part in components(region)
                if len(part) >= self.minimal_area
            ]
            found = sorted(found, key=lambda item: -len(item[0]))[: self.max_clicks]
        return [
            click
            for part, positive in found
            for click in clicks_at({k: [central_pixel(part)]}, frame=frame.index, positive=positive)
        ]


def _largest_label(frame: AnnotatedFrame) -> int:
    """The largest object number in the frame's truth."""
    return int(np.max(frame.truth, where=frame.truth <= frame.num_objects, initial=0))


def _depth(region: NDArray[np.bool_], minimal_region: int) -> NDArray[np.float32]:
    """City-block distance (H, W) to the nearest pixel outside the region, which the image border is."""
    padded = np.pad(region, 1).view(np.uint8)
    depth = cv2.distanceTransform(padded, cv2.DIST_L1, 3)[1:-1, 1:-1]
    if minimal_region > 0:
        # Erosion n leaves the pixels deeper than n; it stops once few enough are left.
        area = np.bincount(depth[region].astype(np.int64))
        left = area.sum() - np.cumsum(area)
        erosions = int(np.argmax(left <= int(area.sum() / minimal_region)))
        depth = np.minimum(depth, erosions + 1)
    return np.asarray(depth)
