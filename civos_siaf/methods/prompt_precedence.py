"""Masks among clicks and strokes on a frame: what comes later counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from civos_siaf.masks import one_hot
from civos_siaf.networks.padding import Padding
from civos_siaf.prompts import MaskPrompt, Prompt, Prompts


class EffectiveMask(NamedTuple):
    """A mask that nothing has corrected.

    Attributes:
        prompt: the mask.
        later: objects that were drawn or clicked after it, which may take pixels from it.
    """

    prompt: MaskPrompt
    later: frozenset[int]


class EffectivePrompts(NamedTuple):
    """What counts of the prompts on a frame.

    Attributes:
        marks: clicks and strokes, but for those before a mask of their object; one item per call.
        held: the last mask of each object that was not drawn or clicked after it, in order.
    """

    marks: tuple[Prompts, ...]
    held: tuple[EffectiveMask, ...]

    @property
    def has_marks(self) -> bool:
        """Whether there is any click or stroke."""
        return any(map(len, self.marks))


def split_effective(calls: Sequence[Prompts]) -> EffectivePrompts:
    """See which prompts of one frame count, given in this order; background strokes are on all objects."""
    last = _last_masks(calls)
    kept = [
        (call, place, item)
        for call, place, item in _placed(calls)
        if not isinstance(item, MaskPrompt) and place > last.get(item.object_id, -1)
    ]
    held = []
    for _, place, item in _placed(calls):
        if isinstance(item, MaskPrompt) and place == last[item.object_id]:
            later = frozenset(mark.object_id for _, other, mark in kept if other > place)
            if not later & {0, item.object_id}:
                held.append(EffectiveMask(item, later))
    marks = (Prompts(tuple(item for own, _, item in kept if own == call)) for call in range(len(calls)))
    return EffectivePrompts(tuple(marks), tuple(held))


def effective_prompts(calls: Sequence[Prompts]) -> tuple[Prompts, ...]:
    """The prompts of one frame that count, masks among them, in their order."""
    counted = split_effective(calls)
    own = {id(item) for prompts in counted.marks for item in prompts}
    own |= {id(held.prompt) for held in counted.held}
    return tuple(Prompts(tuple(item for item in prompts if id(item) in own)) for prompts in calls)


def apply_mask_prompts(masks: Tensor, held: Sequence[EffectiveMask], padding: Padding) -> Tensor:
    """Masks (K+1, H, W) or padded, with those that are held as they are: one-hot (K+1, H, W)."""
    inside = masks if tuple(masks.shape[1:]) != padding.size else padding.crop(masks)
    labels = inside.argmax(dim=0).to(torch.uint8).cpu().numpy()
    for prompt, later in held:
        taken = np.isin(labels, list(later))
        labels[labels == prompt.object_id] = 0
        labels[prompt.mask & ~taken] = prompt.object_id
    return torch.from_numpy(one_hot(labels, len(masks) - 1)).float()


def split_into_stages(prompts: Prompts) -> list[Prompts]:
    """Prompts of one call as several, so that in each no click or stroke follows a mask on its frame.

    Those of all frames that come last stay together.
    """
    numbers: list[int] = []
    now: defaultdict[int, int] = defaultdict(int)
    masked: set[int] = set()
    for item in prompts:
        if isinstance(item, MaskPrompt):
            masked.add(item.frame)
        elif item.frame in masked:
            now[item.frame] += 1
            masked.discard(item.frame)
        numbers.append(now[item.frame])
    last = max(now.values(), default=0)
    return [
        Prompts(
            tuple(
                item
                for number, item in zip(numbers, prompts, strict=True)
                if number + last - now[item.frame] == stage
            )
        )
        for stage in range(last + 1)
    ]


def _placed(calls: Sequence[Prompts]) -> list[tuple[int, int, Prompt]]:
    """Every prompt with the number of its call and its place among all."""
    items = [(call, item) for call, prompts in enumerate(calls) for item in prompts]
    return [(call, place, item) for place, (call, item) in enumerate(items)]


def _last_masks(calls: Sequence[Prompts]) -> dict[int, int]:
    """The place of the last mask of each object."""
    return {item.object_id: place for _, place, item in _placed(calls) if isinstance(item, MaskPrompt)}
