"""MiVOS' inference core over three rounds: labels, probabilities, and what each frame read and fused."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from civos_siaf.masks import one_hot
from civos_siaf.networks.mask_fusion import MaskFusion
from civos_siaf.networks.stm import Stm
from civos_siaf.propagation.propagator import PropagationStep, Propagator
from civos_siaf.propagation.settings import PropagationSettings
from civos_siaf.video.frames import Frames
from tests.parity.check import Check, Folder
from tests.parity.mivos_networks import PROBABILITY, Arrays, labels_agree

CASES = {
    # name: (objects, mem_every, the frame of each round)
    "two_objects": (2, 2, (3, 6, 3)),
    "one_object": (1, 5, (3, 6)),
}
FUSED = (2, 5)
"""Round and frame whose fusion was recorded."""


def check(folder: Folder, network: Stm, fusion: MaskFusion) -> Iterator[Check]:
    """Both recordings; the one with one object uses the frames of the other."""
    frames = Frames.open(folder.arrays("e2e_two_objects.npz")["frames"])
    for case, (num_objects, mem_every, order) in CASES.items():
        recorded = folder.arrays(f"e2e_{case}.npz")
        trace = folder.json(f"e2e_{case}_trace.json")
        steps: list[PropagationStep] = []
        propagator = Propagator(
            network,
            fusion,
            frames,
            num_objects=num_objects,
            settings=PropagationSettings(mem_every=mem_every),
            observer=steps.append,
        )
        for number, frame in enumerate(order, start=1):
            steps.clear()
            mask = one_hot(recorded[f"mask_round{number}"], num_objects)
            labels = propagator.interact(torch.from_numpy(mask).float(), frame)
            name = f"{case} round {number}"
            visited = [[s.frame, s.memory_frames, s.fused_with] for s in steps]
            wanted = [
                [row["frame"], row["memory_frames_read"], row["fused_with"]]
                for row in trace
                if row["round"] == number
            ]
            yield Check.equal(f"{name} frames read and fused", visited, wanted)
            yield labels_agree(f"{name} labels", labels, recorded[f"labels_round{number}"])
            prob = torch.stack([propagator.masks.prob(t) for t in range(len(frames))], dim=1)
            yield _close(f"{name} probabilities", prob, recorded[f"prob_round{number}"])
            for step in steps:
                if (number, step.frame) == FUSED and f"fuse_r{number}_f{step.frame}_result" in recorded:
                    yield from _check_fused(f"fuse_r{number}_f{step.frame}", step, recorded)


def _check_fused(name: str, step: PropagationStep, recorded: Arrays) -> Iterator[Check]:
    for part in ("previous", "current", "attention", "result"):
        value = getattr(step, part)
        yield _close(f"{name} {part}", value, recorded[f"{name}_{part}"])


def _close(name: str, ours: Tensor, reference: np.ndarray) -> Check:
    return Check.compare(name, ours[..., ::4, ::4], reference, tolerance=PROBABILITY)
