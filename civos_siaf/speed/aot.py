"""AOT on a synthetic video: seconds per frame by number of objects, and its parts.

`match` is transformer and decoder, `labels` the way to labels of the frame's size, `update` what is
remembered of them; one frame costs all four. `processor` is the time of all threads together, which other
programs disturb less. Seconds are the least of the repeats. Options: networks, objects, references (frames in
the long-term memory), height, width, device, threads, repeats, fast, keep (freed memory, see
civos_siaf.runtime.malloc).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise

import torch
from torch import Tensor

from civos_siaf.networks.identity_network import IdentityNetwork
from civos_siaf.networks.propagation_network import FrameFeatures
from civos_siaf.propagation.aot_tracker import AotTracker
from civos_siaf.propagation.images import network_size, resize_labels
from civos_siaf.speed.timing import now, set_up, untrained_on_purpose
from civos_siaf.weights.aot_networks import load_aot_network

Row = dict[str, object]
ORIGINAL = {
    ("aott", 1): 1.05,
    ("aott", 10): 1.22,
    ("aott", 13): 2.2,
    ("r50_aotl", 1): 2.7,
    ("r50_aotl", 10): 2.6,
    ("r50_aotl", 13): 5.2,
}
"""Seconds per frame of the original, recorded at 480p on 2 cores."""
NEVER = 10**9


def run(
    *,
    networks: Sequence[str] = ("aott", "r50_aotl"),
    objects: Sequence[int] = (1, 10, 13),
    references: int = 1,
    height: int = 480,
    width: int = 854,
    device: str = "cpu",
    threads: int = 2,
    repeats: int = 5,
    fast: bool = True,
    keep: bool = True,
) -> Iterator[Row]:
    """One row per network and number of objects."""
    set_up(threads=threads, keep=keep)
    for name in networks:
        with untrained_on_purpose():
            net = load_aot_network(name, device=device, fast=fast)
        size = network_size(height, width, align_corners=net.align_corners)
        g = torch.Generator().manual_seed(0)
        image = torch.randn(1, 3, *size, generator=g).to(device)
        for count in objects:
            clocks = [_frame(net, image, count, references, (height, width)) for _ in range(repeats + 1)][1:]
            encode, match, labels, update, processor = (min(times) for times in zip(*clocks, strict=True))
            yield {
                "network and objects": f"{name}, {count}",
                "frame": encode + match + labels + update,
                "original": ORIGINAL.get((name, count), "-"),
                "encode": encode,
                "match": match,
                "labels": labels,
                "update": update,
                "processor": processor,
                "load": os.getloadavg()[0],
            }


@torch.inference_mode()
def _frame(
    net: IdentityNetwork, image: Tensor, count: int, references: int, size: tuple[int, int]
) -> tuple[float, float, float, float, float]:
    """Seconds of the parts of one frame, and the processor's seconds of all."""
    given = boxes(count, (image.shape[2], image.shape[3])).to(image.device)
    tracker = AotTracker(net, mem_every=NEVER)
    features: FrameFeatures = net.encode_frame(image)
    for _ in range(references):
        tracker.add_reference(features, given, num_objects=count)
    clock, before = [now(image.device)], time.process_time()
    features = net.encode_frame(image)
    clock.append(now(image.device))
    logits = tracker.propagate(features)
    clock.append(now(image.device))
    labels = tracker.labels(logits, size)
    clock.append(now(image.device))
    resize_labels(labels, given.shape)
    # An untrained network answers with noise: what was given stands for a real answer.
    tracker.update(given)
    clock.append(now(image.device))
    encode, match, label, update = (b - a for a, b in pairwise(clock))
    return encode, match, label, update, time.process_time() - before


def boxes(count: int, size: tuple[int, int]) -> Tensor:
    """Labels (H, W) uint8 with so many boxes side by side in two rows."""
    labels = torch.zeros(size, dtype=torch.uint8)
    columns = -(-count // 2)
    for k in range(count):
        top, left = (k // columns) * size[0] // 2, (k % columns) * size[1] // columns
        labels[top + 9 : top + size[0] // 3, left + 5 : left + size[1] // columns - 5] = k + 1
    return labels
