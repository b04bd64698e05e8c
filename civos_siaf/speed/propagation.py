"""Propagation on a synthetic video: seconds per visited frame, first round and a later one with fusion.

A later round annotates the last frame, so every frame between is fused and none is encoded again. Seconds are
those of the fastest repeat, peak memory is that of the whole process so far. Options: methods (mivos, light),
objects, frames, height, width, threads, repeats, mem_every, keep (freed memory).
"""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from civos_siaf.networks.mask_fusion import MaskFusion
from civos_siaf.networks.propagation_network import PropagationNetwork
from civos_siaf.propagation.propagator import Propagator
from civos_siaf.propagation.settings import PropagationSettings
from civos_siaf.speed.timing import set_up, untrained_on_purpose
from civos_siaf.video.frames import Frames
from civos_siaf.weights.mivos_networks import load_network, load_propagation_network

Row = dict[str, object]
TARGETS = {("mivos", 1): 1.4, ("mivos", 3): 2.4, ("light", 1): 0.25, ("light", 3): 0.4}
ORIGINAL = {("mivos", 1): (2.45, 2.8), ("mivos", 3): (5.3, 6.2)}
"""Seconds per frame of the original, first and later round, recorded at 480x864 on 2 cores."""


def run(
    *,
    methods: Sequence[str] = ("mivos", "light"),
    objects: Sequence[int] = (1, 2, 3, 5, 10),
    frames: int = 6,
    height: int = 480,
    width: int = 864,
    threads: int = 2,
    repeats: int = 2,
    mem_every: int = 5,
    fast: bool = True,
    keep: bool = True,
) -> Iterator[Row]:
    """One row per network and number of objects."""
    set_up(threads=threads, keep=keep)
    video = made_video(frames, height, width)
    settings = PropagationSettings(mem_every=mem_every)
    for method in methods:
        with untrained_on_purpose():
            net = load_propagation_network(f"{method}-propagation", fast=fast)
            fusion = load_network(f"{method}-fusion", fast=fast)
        assert isinstance(fusion, MaskFusion)
        for count in objects:
            seconds = [_rounds(net, fusion, video, count, settings) for _ in range(repeats)]
            first, later = (min(times) for times in zip(*seconds, strict=True))
            original = ORIGINAL.get((method, count), ("-", "-"))
            yield {
                "network and objects": f"{method}, {count}",
                "first round": first,
                "target": TARGETS.get((method, count), "-"),
                "original": original[0],
                "later round": later,
                "original later": original[1],
                "peak MiB": peak_mebibytes(),
                "load": os.getloadavg()[0],
            }


def _rounds(
    net: PropagationNetwork, fusion: MaskFusion, video: Frames, count: int, settings: PropagationSettings
) -> tuple[float, float]:
    """Seconds per visited frame of the first round, and of a second one at the other end."""
    propagator = Propagator(net, fusion, video, num_objects=count, settings=settings)
    times: list[float] = []
    for frame in (0, len(video) - 1):
        masks = made_masks(count, video.height, video.width)
        start = time.perf_counter()
        propagator.interact(masks, frame)
        visited = len(video) - 1 if not times else len(video) - 2
        times.append((time.perf_counter() - start) / max(1, visited))
    assert propagator.features.encoded <= len(video)
    return times[0], times[1]


def made_video(frames: int, height: int, width: int) -> Frames:
    """A smooth picture that moves."""
    rows, columns = np.mgrid[:height, :width]
    images: NDArray[np.uint8] = np.stack(
        [
            np.stack(
                [
                    127 + 120 * np.sin((columns + 5 * t) / (17 + 9 * c) + rows / (23 - 5 * c))
                    for c in range(3)
                ],
                axis=2,
            ).astype(np.uint8)
            for t in range(frames)
        ]
    )
    return Frames.open(images)


def made_masks(count: int, height: int, width: int) -> Tensor:
    """Vertical stripes, one per object, between stripes of background: (K+1, H, W), one-hot."""
    stripe = torch.arange(width) * (2 * count + 1) // width
    labels = torch.where(stripe % 2 == 1, stripe // 2 + 1, 0).expand(height, -1)
    return torch.stack([labels == k for k in range(count + 1)]).float()


def peak_mebibytes() -> int:
    """Largest resident memory of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // (2**20 if sys.platform == "darwin" else 2**10)
