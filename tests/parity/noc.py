"""RITM's simulated clicks for the NoC evaluation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from civos_siaf.benchmark.noc import IGNORE, Clicker
from tests.parity.check import Check, Folder


def check(folder: Folder) -> Iterator[Check]:
    """The evaluation clicks of every case of `clicks.json`, and the case with ignored pixels."""
    recorded, masks = folder.json("clicks.json"), folder.arrays("clicks.npz")
    for name, case in recorded["cases"].items():
        truth = (masks[f"{name}_gt"] == 1).astype(np.int8)
        answers = {"ritm_noc_frozen_pred": masks[f"{name}_pred"] == 1, "ritm_noc_first": np.zeros_like(truth)}
        for key, mask in answers.items():
            ours = clicks(truth, mask.astype(bool), len(case[key]))
            yield Check.equal(f"{name} {key}", ours, case[key])
    size = recorded["H"], recorded["W"]
    case = recorded["clicker_ignore"]
    truth, mask = _ignore_case(case, size)
    yield Check.equal("clicker_ignore", clicks(truth, mask, len(case["clicks"])), case["clicks"])


def clicks(truth: NDArray[np.int8], mask: NDArray[np.bool_], count: int) -> list[list[int]]:
    """The first `count` clicks against a mask that stays as it is, as rows (positive, y, x, order).

    Where nothing is left to click on we stop; the original goes on with negative clicks on the first pixel.
    """
    clicker = Clicker(truth)
    made = [clicker.next(mask) for _ in range(count)]
    return [
        [int(c.positive), int(c.y), int(c.x), order] if c is not None else [0, 0, 0, order]
        for order, c in enumerate(made)
    ]


def _ignore_case(case: dict[str, Any], size: tuple[int, int]) -> tuple[NDArray[np.int8], NDArray[np.bool_]]:
    """Draw the disks that the fixture describes in words."""
    shapes = re.findall(r"disk\((\d+),(\d+),(\d+)\)", f"{case['gt']} {case['pred']}")
    ring = re.search(r"ring to (\d+)", case["gt"])
    assert ring is not None
    rows, columns = np.ogrid[: size[0], : size[1]]
    (gt_y, gt_x, gt_r), (y, x, r) = (map(int, shape) for shape in shapes)
    squared = (rows - gt_y) ** 2 + (columns - gt_x) ** 2
    truth = np.where(squared <= gt_r**2, 1, np.where(squared <= int(ring[1]) ** 2, IGNORE, 0))
    return truth.astype(np.int8), (rows - y) ** 2 + (columns - x) ** 2 <= r**2
