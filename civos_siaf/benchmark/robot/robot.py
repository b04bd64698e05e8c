"""The scribble robot (docs/specification/davis-interactive.md section 6)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from civos_siaf.benchmark.metrics import object_ids
from civos_siaf.benchmark.robot.graph import SkeletonGraph
from civos_siaf.benchmark.robot.opening import first_radius, open_region
from civos_siaf.benchmark.robot.skeleton import medial_axis
from civos_siaf.masks import VOID
from civos_siaf.prompts.strokes import bezier


@dataclass(frozen=True, slots=True, eq=False)
class Stroke:
    """A line drawn for one object: `path` (N, 2), rows (x, y) divided by the frame's width and height."""

    object_id: int
    path: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScribbleRobot:
    """Draws lines through the regions of a frame that are labelled wrongly.

    Each wrong pixel belongs to the region of its true label, so lines of object 0 mark what should be
    background. The answer is the same on every platform and library version.

    Args:
        kernel_size: radius of the opening over the square root of the error area, halved; in [0, 1). The
            benchmark uses 0.2.
        max_kernel_radius: the largest radius, in pixels.
        min_nb_nodes: least number of skeleton pixels that get a line.
        nb_points: points per line, at most 1000.

    Raises:
        ValueError: a parameter out of range.
    """

    kernel_size: float = 0.2
    max_kernel_radius: float = 16
    min_nb_nodes: int = 4
    nb_points: int = 1000

    def __post_init__(self) -> None:
        if not 0 <= self.kernel_size < 1:
            raise ValueError(f"kernel_size must be in [0, 1), got {self.kernel_size}")
        for name in ("max_kernel_radius", "min_nb_nodes", "nb_points"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be 1 or more, got {getattr(self, name)}")

    def draw(
        self, truth: NDArray[np.uint8], prediction: NDArray[np.uint8], num_objects: int | None = None
    ) -> list[Stroke]:
        """Lines for the wrong regions of one frame, by object number from 0.

        Args:
            truth: labels (H, W).
            prediction: labels (H, W).
            num_objects: K; None takes the labels found in the truth.

        Raises:
            ValueError: the two have different shapes.
        """
        if truth.ndim != 2 or truth.shape != prediction.shape:
            raise ValueError(f"expected two label maps (H, W), got {truth.shape} and {prediction.shape}")
        ids = object_ids(truth) if num_objects is None else range(1, num_objects + 1)
        height, width = truth.shape
        return [
            Stroke(object_id, bezier(pixels.astype(np.float64), self.nb_points) / (width, height))
            for object_id, pixels in self._control_pixels(truth, prediction, ids)
        ]

    def skeleton(self, region: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """The opened region's medial axis (H, W)."""
        radius = first_radius(
            int(np.count_nonzero(region)), kernel_size=self.kernel_size, max_radius=self.max_kernel_radius
        )
        return medial_axis(open_region(region, radius))

    def paths(self, region: NDArray[np.bool_]) -> Iterator[NDArray[np.int64]]:
        """Control pixels (n, 2), rows (x, y), of each line through a region (H, W)."""
        return SkeletonGraph(self.skeleton(region)).paths(self.min_nb_nodes)

    def _control_pixels(
        self, truth: NDArray[np.uint8], prediction: NDArray[np.uint8], ids: Iterable[int]
    ) -> Iterator[tuple[int, NDArray[np.int64]]]:
        wrong = truth != prediction
        present = np.bincount(truth[wrong], minlength=VOID + 1)
        for object_id in (0, *ids):
            if present[object_id]:
                for pixels in self.paths(wrong & (truth == object_id)):
                    yield object_id, pixels
