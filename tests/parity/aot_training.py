"""What was recorded of AOT's training: loss, learning rates, parameter groups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from civos_siaf.training.losses import AotLoss
from civos_siaf.training.parameters import FROZEN, AotGroups, id_bank_trains, set_rates
from civos_siaf.training.schedules import Polynomial
from tests.parity.check import Check, Folder

STEPS, WARMUP = 100_000, 5_000
STAGES = {
    # base rate, least rate, from when on predictions are fed back (docs/specification/aot.md section 14.1)
    "PRE_mobilenetv2_and_others": (4e-4, 2e-5, None),
    "PRE_YTB_DAV_mobilenetv2": (2e-4, 2e-5, 50_000),
    "PRE_YTB_DAV_resnet_or_swin": (2e-4, 1e-5, 50_000),
}
DECAY = 0.07


def check(folder: Folder) -> Iterator[Check]:
    """All checks."""
    yield from check_loss(folder)
    yield from check_rates(folder)
    yield from check_groups(folder)


def check_loss(folder: Folder) -> Iterator[Check]:
    """Terms and total at the recorded steps, and a gradient."""
    recorded = folder.arrays("loss.npz")
    labels, counts = torch.from_numpy(recorded["label"])[:, 0], torch.from_numpy(recorded["obj_nums"])
    logits = torch.from_numpy(recorded["logits"])
    for align in (1, 0):
        loss = AotLoss(steps=STEPS, align_corners=bool(align))
        full = loss.enlarged(logits, labels.shape[-2:], counts)
        ce = [loss.cross_entropy(full, labels, int(s)).tolist() for s in recorded["steps"]]
        jaccard = loss.jaccard(full, labels).tolist()
        total = torch.stack([loss(logits, labels, counts, int(s)) for s in recorded["steps"]])
        for name, ours in (("ce", ce), ("jaccard", jaccard), ("total", total)):
            key = f"{name}_align{align}"
            yield Check.compare(f"loss {key}", ours, recorded[key], tolerance=1e-5)
    with torch.enable_grad():
        free = logits.clone().requires_grad_()
        total = AotLoss(steps=STEPS)(free, labels, counts, 25_000).mean()
        (gradient,) = torch.autograd.grad(total, free)
    yield Check.compare("loss gradient", gradient, recorded["grad_align1_step25000"], tolerance=1e-7)


def check_rates(folder: Folder) -> Iterator[Check]:
    """Learning rates of encoder, the rest and the bank of identities."""
    recorded: Mapping[str, Sequence[Mapping[str, float]]] = folder.json("lr_schedule.json")
    for stage, entries in recorded.items():
        base, least, predictions_from = STAGES[stage]
        schedule = Polynomial(steps=STEPS, warmup=WARMUP, last=least / base)
        network = skeleton({"encoder.w": [1, 1], "patch_wise_id_bank.weight": [1, 1]})
        groups = AotGroups(weight_decay=DECAY, least_lr=least)(network)
        for entry in entries:
            step = int(entry["step"])
            set_rates(groups, base, schedule(step))
            trains = id_bank_trains(step, predictions_from)
            rates = {group["name"]: group["lr"] for group in groups}
            ours = [rates["encoder"], rates["rest"], trains * rates["rest"], trains * DECAY]
            keys = ("lr_encoder", "lr_rest", "lr_id_bank", "wd_id_bank")
            yield Check.compare(f"rates {stage} {step}", ours, [entry[k] for k in keys], tolerance=1e-12)


def check_groups(folder: Folder) -> Iterator[Check]:
    """Which tensors decay, which do not, and which are frozen."""
    for model, lists in folder.json("optimizer_groups.json").items():
        shapes = folder.json(f"{model}_shapes.json")
        every = sorted(name for names in lists.values() for name in names)
        frozen = {name for name in every if name.startswith(FROZEN[model])}
        network = skeleton({name: shapes[name] for name in every if name not in frozen})
        names = {id(parameter): name for name, parameter in network.named_parameters()}
        found: dict[bool, set[str]] = {True: set(), False: set()}
        for group in AotGroups(weight_decay=DECAY, least_lr=1e-5)(network):
            found[group["weight_decay"] > 0] |= {names[id(parameter)] for parameter in group["params"]}
        ours = {f"weight_decay_{DECAY}": found[True], "weight_decay_0": found[False], "frozen": frozen}
        for name, reference in lists.items():
            difference = sorted(ours[name] ^ set(reference))
            yield Check.equal(f"groups {model} {name}", difference, [])


def skeleton(shapes: Mapping[str, Sequence[int]]) -> nn.Module:
    """Modules with parameters of these names and shapes, without content."""
    root = nn.Module()
    for name, shape in shapes.items():
        *path, last = name.split(".")
        module: Any = root
        for part in path:
            if not hasattr(module, part):
                module.add_module(part, nn.Module())
            module = getattr(module, part)
        size = tuple(int(n) for n in np.asarray(shape))
        module.register_parameter(last, nn.Parameter(torch.empty(size, device="meta")))
    return root
