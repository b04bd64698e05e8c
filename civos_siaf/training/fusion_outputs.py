"""Makes what fusion is trained on: true masks of some frames, spread to all others.

Source: docs/specification/mivos.md section 5.3.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from civos_siaf.data.fusion_data import AnnotatedVideos
from civos_siaf.masks import VOID
from civos_siaf.networks.aggregate import aggregate
from civos_siaf.networks.propagation_network import PropagationNetwork
from civos_siaf.propagation.propagator import Propagator
from civos_siaf.propagation.settings import PropagationSettings
from civos_siaf.runtime.files import atomic_folder, write_text
from civos_siaf.video.frames import Frames, Rgb

SETTINGS = "run.json"


@dataclass(frozen=True, slots=True)
class Done:
    """A reference is stored.

    Attributes:
        video: name of the video.
        reference: name of the frame.
        number: how many references are stored.
        total: of how many.
    """

    video: str
    reference: str
    number: int
    total: int


@dataclass(frozen=True, kw_only=True)
class FusionOutputs:
    """Writes one run; see `fusion_data` for the layout.

    Args:
        separation: every so many-th frame is a reference.
        reach: frames to either side that are visited; None: all.
        min_area: an object is taken if it has more pixels than that on the reference.
        max_objects: per reference, those with the lowest numbers.
        settings: of the propagation; `mem_every` is what the runs of MiVOS differ in.
    """

    separation: int = 5
    reach: int | None = None
    min_area: int = 100
    max_objects: int = 5
    settings: PropagationSettings | None = None

    def write(
        self, network: PropagationNetwork, videos: AnnotatedVideos, folder: Path, about: Mapping[str, Any]
    ) -> Iterator[Done]:
        """Write what is missing in a run's folder; stopped at any moment it can be called again.

        Args:
            network: in eval mode.
            videos: images and annotations.
            folder: of the run.
            about: settings that the content depends on, kept in `run.json`.

        Raises:
            ValueError: the folder holds a run with other settings.
        """
        self._check(folder, about)
        jobs = [(i, t) for i in range(len(videos.names)) for t in self._references(videos, i)]
        for done, (index, position) in enumerate(jobs, 1):
            name, stem = videos.names[index], videos.annotated(index)[position]
            target = folder / name / stem
            if not target.is_dir():
                self._write_reference(network, videos, index, position, target)
            yield Done(name, stem, done, len(jobs))

    def spread(
        self, network: PropagationNetwork, videos: AnnotatedVideos, index: int, position: int
    ) -> tuple[list[int], Iterator[tuple[str, NDArray[np.uint8]]]]:
        """One reference of a video, without storing anything.

        Returns:
            The objects' numbers, then for every other frame in reach its name and bytes (K, H, W).
        """
        stems = videos.annotated(index)
        labels = videos.read(index, stems[position])[1]
        values, counts = np.unique(labels, return_counts=True)
        present = [
            int(v) for v, n in zip(values, counts, strict=True) if v not in (0, VOID) and n > self.min_area
        ]
        objects = present[: self.max_objects]
        return objects, self._frames(network, videos, index, position, objects)

    def _frames(
        self,
        network: PropagationNetwork,
        videos: AnnotatedVideos,
        index: int,
        position: int,
        objects: list[int],
    ) -> Iterator[tuple[str, NDArray[np.uint8]]]:
        if not objects:
            return
        stems = videos.annotated(index)
        reach = len(stems) if self.reach is None else self.reach
        first = max(0, position - reach)
        near = stems[first : position + reach + 1]
        propagator = Propagator(
            network,
            None,
            Frames(_Stills(videos, index, near)),
            num_objects=len(objects),
            settings=self.settings,
        )
        labels = videos.read(index, stems[position])[1]
        masks = torch.from_numpy(np.stack([labels == number for number in objects])).float()
        propagator.interact(aggregate(masks), position - first)
        for t, stem in enumerate(near):
            if t != position - first:
                prob = propagator.padding.crop(propagator.masks.prob(t)[1:])
                yield stem, (prob * 255).byte().cpu().numpy()

    def _references(self, videos: AnnotatedVideos, index: int) -> range:
        return range(0, len(videos.annotated(index)), self.separation)

    def _write_reference(
        self, network: PropagationNetwork, videos: AnnotatedVideos, index: int, position: int, target: Path
    ) -> None:
        objects, frames = self.spread(network, videos, index, position)
        # Readers skip names with a dot; the folder shows the reference in one piece.
        with atomic_folder(target) as hidden:
            for number in objects:
                (hidden / str(number)).mkdir()
            for stem, planes in frames:
                for number, plane in zip(objects, planes, strict=True):
                    path = hidden / str(number) / f"{stem}.png"
                    if not cv2.imwrite(str(path), plane):
                        raise OSError(f"{path} could not be written")

    def _check(self, folder: Path, about: Mapping[str, Any]) -> None:
        path = folder / SETTINGS
        text = json.dumps(dict(about), sort_keys=True, indent=1)
        if not path.exists():
            write_text(path, text)
        elif path.read_text(encoding="utf-8") != text:
            raise ValueError(f"{path} was made with other settings; use those or another folder")


class _Stills:
    """Frames of an annotated video, see `frames.Source`."""

    def __init__(self, videos: AnnotatedVideos, index: int, stems: list[str]) -> None:
        self._videos, self._index, self._stems = videos, index, stems

    def __len__(self) -> int:
        return len(self._stems)

    def read(self, index: int) -> Rgb:
        return self._videos.read(self._index, self._stems[index])[0]

    def name(self, index: int) -> str:
        return self._stems[index]
