"""Items for interaction on several frames at once: clips, marks of a user, and what was there before."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from civos_siaf.data.clip_items import ClipItems
from civos_siaf.data.samples import TrainingItem
from civos_siaf.data.users.damage import LabelDamage
from civos_siaf.data.users.marks import NOT_MARKED, Labels, MarkUser
from civos_siaf.masks import VOID

Marks = NDArray[np.int64]


class InteractionItems:
    """Adds a simulated user to items of clips; see `TrainingData` and docs/specification/siaf.md section 10.

    An item holds `images` (T, 3, H, W) in [0, 1], `labels` (T, H, W) int64 of 0..N and 255, `num_objects` (),
    N, `marks` (T, H, W) int64 of 0..N and -1 (nothing drawn), `previous` (T, H, W) int64 of 0..N and -1
    (unknown), and `on_policy` () bool: whether the previous labels are to be the network's own, for the marks
    of a first round that the item has.

    Objects without a mark on any frame and without a previous mask are background
    (docs/specification/siaf.md section 10.7).

    Args:
        items: clips with their objects, of which there are 10 at most; `frames` draws T by step.
        user: draws the marks.
        damage: makes previous labels; None: with its defaults.
        steps: length of the training.
        empty: probability of a first round.
        on_policy: share of the other items whose previous labels are the network's.
        on_policy_from: the share of the training after which there are such.

    Raises:
        ValueError: a share outside 0..1, or more than 10 objects.
    """

    def __init__(
        self,
        items: ClipItems,
        *,
        user: MarkUser,
        steps: int,
        damage: LabelDamage | None = None,
        empty: float = 0.3,
        on_policy: float = 0.5,
        on_policy_from: float = 0.2,
    ) -> None:
        for share in (empty, on_policy, on_policy_from):
            if not 0 <= share <= 1:
                raise ValueError(f"empty, on_policy and on_policy_from must be in 0..1, got {share}")
        if items.max_objects > 10:
            raise ValueError(f"max_objects must be 10 at most, got {items.max_objects}")
        self.items, self.user, self.damage = items, user, damage or LabelDamage()
        self.steps, self.empty = steps, empty
        self.on_policy, self.on_policy_from = on_policy, on_policy_from

    def item(self, index: int, rng: np.random.Generator, *, step: int) -> TrainingItem:
        """Item number `index` (0, 1, ... without end)."""
        item = dict(self.items.item(index, rng, step=step))
        labels = item["labels"].numpy().astype(np.uint8)
        first = rng.random() < self.empty
        own = not first and rng.random() < self.on_policy and step >= self.on_policy_from * self.steps
        if first or own:
            previous = np.full(labels.shape, NOT_MARKED, np.int64)
            marks = self.user.first(labels, rng)
        else:
            previous = self.damage(labels, rng).astype(np.int64)
            marks = self.user.correct(labels, previous, rng)
        known = wanted(labels, marks, previous)
        return {
            "images": item["images"],
            "labels": torch.from_numpy(known.labels),
            "num_objects": torch.tensor(known.num_objects),
            "marks": torch.from_numpy(known.marks),
            "previous": torch.from_numpy(known.previous),
            "on_policy": torch.tensor(own),
        }


class Known(NamedTuple):
    """What is left of an item without the objects that nothing tells of: N, and (T, H, W) int64 each."""

    num_objects: int
    labels: NDArray[np.int64]
    marks: Marks
    previous: Marks


def wanted(labels: Labels, marks: Marks, previous: Marks) -> Known:
    """Make objects without a mark and without a previous mask background, and number the others anew."""
    found = np.union1d(marks, previous)
    found = found[(found > 0) & (found < VOID)]
    table = np.zeros(VOID + 2, np.int64)
    table[VOID], table[NOT_MARKED] = VOID, NOT_MARKED
    table[found] = np.arange(1, len(found) + 1)
    return Known(len(found), table[labels], table[marks], table[previous])
