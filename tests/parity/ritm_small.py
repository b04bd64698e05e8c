"""RITM's and CiVOS's small parts: losses with their gradients, aggregation of objects, geometry of crops."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from civos_siaf.interaction.brs_optimizer import brs_loss
from civos_siaf.interaction.transforms import Roi
from civos_siaf.networks.aggregate import aggregate
from civos_siaf.training.losses import binary_cross_entropy, normalized_focal_loss
from tests.parity.check import Check, Folder

SOFT, NEAR_TIES, RELATIVE = 1e-5, 1e-2, 1e-5


def check(folder: Folder) -> Iterator[Check]:
    """Whichever of the files are there."""
    if folder.has("losses.npz"):
        yield from _losses(folder)
    if folder.has("aggregation.npz"):
        yield from _aggregation(folder)
    if folder.has("geometry.json"):
        yield from _geometry(folder)


def _losses(folder: Folder) -> Iterator[Check]:
    recorded = {name: torch.from_numpy(value) for name, value in folder.arrays("losses.npz").items()}
    losses: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
        "nfl": normalized_focal_loss,
        "bce": binary_cross_entropy,
    }
    for name, function in losses.items():
        logits = recorded["logits"].clone().requires_grad_()
        value = function(logits, recorded["labels"])
        (gradient,) = torch.autograd.grad(value.mean(), logits)
        yield _relative(f"losses {name}", value.detach(), recorded[name])
        yield _relative(f"losses {name} gradient of the mean", gradient, recorded[f"{name}_grad_of_mean"])
    positive, negative = recorded["brs_pos"], recorded["brs_neg"]
    prob = recorded["logits"][: len(positive)].sigmoid()
    loss, worst_positive, worst_negative = brs_loss(prob, positive, negative)
    ours = torch.tensor([loss.item(), worst_positive, worst_negative])
    yield _relative(
        "losses brs: loss, worst positive, worst negative", ours, recorded["brs_loss_maxpos_maxneg"]
    )


def _relative(name: str, ours: Tensor, reference: Tensor) -> Check:
    """Compare relative to the largest reference value."""
    size = reference.abs().max().item()
    return Check.compare(name, ours / size, reference / size, tolerance=RELATIVE, note="relative")


def _aggregation(folder: Folder) -> Iterator[Check]:
    recorded = folder.arrays("aggregation.npz")
    prob = torch.from_numpy(recorded["prob"])
    ours = {
        "wbg_soft": aggregate(prob),
        "wbg_hard": aggregate(prob, hard=True),
        "civos_true_hard": aggregate(prob, background="min", hard=True),
        "civos_false_hard": aggregate(prob, hard=True),
        "single_hard": aggregate(prob[:1], background="min", hard=True),
    }
    for name, value in ours.items():
        tolerance = NEAR_TIES if name.endswith("hard") else SOFT
        yield Check.compare(f"aggregation {name}", value, recorded[name], tolerance=tolerance)
        labels = np.asarray(value.argmax(0))
        yield Check.compare(f"aggregation {name} arg-max", labels, recorded[name].argmax(0))


def _geometry(folder: Folder) -> Iterator[Check]:
    recorded: dict[str, list[dict[str, Any]]] = folder.json("geometry.json")
    for index, case in enumerate(recorded["expand"]):
        roi = Roi(*case["bbox"]).expand(case["ratio"], case["min_crop"])
        yield Check.equal(f"geometry expand {index}", list(roi), case["expanded"])
        (clamped,) = (key for key in case if key.startswith("clamped_"))
        height, width = map(int, clamped.removeprefix("clamped_").split("x"))
        yield Check.equal(f"geometry clamp {index}", list(roi.clamp((height, width))), case[clamped])
    for index, case in enumerate(recorded["bbox_iou"]):
        yield Check.compare(
            f"geometry iou {index}", Roi(*case["a"]).iou(Roi(*case["b"])), case["iou"], tolerance=1e-12
        )
    for index, case in enumerate(recorded["roi_resize"]):
        target = case["target"]
        size = Roi(*case["roi"]).resized(target if isinstance(target, int) else tuple(target))
        yield Check.equal(f"geometry resize {index}", list(size), case["out"])
