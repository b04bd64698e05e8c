"""Weights and images that a checker can make anywhere: they follow from names, shapes and seeds alone."""

import json
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

NUM_WAVES = 6


def deterministic_tensor(name: str, shape: Sequence[int]) -> Tensor:
    """The value of one state-dict entry: noise seeded by its name, scaled by what the name says it is.

    Batch counters are zero and int64, everything else is float32.
    """
    rng = np.random.Generator(np.random.PCG64(zlib.crc32(name.encode())))
    size = tuple(shape)
    value: NDArray[np.float64]
    match name.rpartition(".")[2]:
        case "num_batches_tracked":
            return torch.zeros(size, dtype=torch.int64)
        case "running_var":
            value = 1.0 + 0.2 * np.asarray(rng.random(size))
        case "running_mean":
            value = 0.05 * np.asarray(rng.standard_normal(size))
        case kind if len(size) < 2:
            noise = np.asarray(rng.standard_normal(size))
            value = 0.02 * noise if kind.endswith("bias") else 1.0 + 0.1 * noise
        case _:
            fan_in = int(np.prod(size[1:]))
            value = np.asarray(rng.standard_normal(size)) * (1.5 / fan_in) ** 0.5
    return torch.from_numpy(np.asarray(value, dtype=np.float32))


def deterministic_state(shapes: Mapping[str, Sequence[int]]) -> dict[str, Tensor]:
    """A state dict for `{name: shape}`."""
    return {name: deterministic_tensor(name, shape) for name, shape in shapes.items()}


def find_adjustment(values: dict[str, Tensor], rules: Iterable[tuple[str, str, float]]) -> dict[str, Tensor]:
    """Apply rules (pattern, "mul" or "add", number) in order to the entries whose whole name matches."""
    for pattern, operation, number in rules:
        for name in values:
            if re.fullmatch(pattern, name):
                values[name] = values[name] * number if operation == "mul" else values[name] + number
    return values


def apply_adjustment(shapes: Path, rules: Path) -> dict[str, Tensor]:
    """A state dict from two JSON files: names with shapes, and the rules to apply afterwards."""
    return find_adjustment(deterministic_state(json.loads(shapes.read_text())), json.loads(rules.read_text()))


def deterministic_image(seed: int, shape: Sequence[int]) -> Tensor:
    """A smooth float32 image (..., H, W) in [0, 1]: a few random waves per plane."""
    rng = np.random.Generator(np.random.PCG64(seed))
    *planes, height, width = shape
    rows, columns = np.mgrid[0:height, 0:width] / max(height, width)
    out = np.zeros(tuple(shape), dtype=np.float32)
    for index in np.ndindex(*planes):
        total = np.zeros((height, width))
        for _ in range(NUM_WAVES):
            vertical, horizontal = rng.uniform(-9, 9), rng.uniform(-9, 9)
            phase, amplitude = rng.uniform(0, 6.28), rng.uniform(0.2, 1.0)
            total += amplitude * np.sin(2 * np.pi * (vertical * rows + horizontal * columns) + phase)
        low, high = total.min(), total.max()
        out[index] = (total - low) / (high - low + 1e-9)
    return torch.from_numpy(out)
