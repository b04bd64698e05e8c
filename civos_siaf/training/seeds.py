"""Where a training's randomness comes from: only from its seed and from counts, so that it can be resumed.

Nothing random is ever stored. A step, an item or a process seeds what it needs from its numbers.
"""

from __future__ import annotations

import numpy as np
import torch

_ITEMS, _STEPS, _DRAWS = 1, 2, 3


def item_rng(seed: int, index: int) -> np.random.Generator:
    """The generator of item number `index`."""
    return np.random.default_rng((_ITEMS, seed, index))


def step_rng(step: int, *, index: int = 0) -> np.random.Generator:
    """A generator for draws inside a task: the same in every process for the same step and item."""
    return np.random.default_rng((_DRAWS, step, index))


def seed_step(seed: int, step: int, rank: int) -> None:
    """Seed torch's global generators for a step of a process (dropout and the like)."""
    words = np.random.SeedSequence((_STEPS, seed, step, rank)).generate_state(2, np.uint32)
    torch.manual_seed(int(words[0]) << 32 | int(words[1]))
