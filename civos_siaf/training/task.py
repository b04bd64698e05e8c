"""What is trained: a network together with its loss on a batch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from civos_siaf.data.samples import TrainingItem


@dataclass(frozen=True, slots=True)
class Losses:
    """Outcome of a task on a batch.

    Attributes:
        total: scalar, to be minimised; a mean over the batch.
        scalars: what else is worth logging, detached, by name.
    """

    total: Tensor
    scalars: Mapping[str, Tensor] = field(default_factory=dict)


class Task(nn.Module, ABC):
    """Base of all tasks: `forward(batch, step)` gives the losses, so that DDP can wrap a task as it is.

    Randomness inside comes from torch's global generator, which the loop seeds per step and process, or from
    `batch["index"]`, the items' numbers, where all processes together must draw what one alone would.

    Attributes:
        network: what is trained and exported; other networks of the task are frozen.
        architecture: its name in `weights`.
    """

    network: nn.Module
    architecture: str
    _frozen: Sequence[nn.Module] = ()
    """Parts that keep their statistics in training."""

    def train(self, mode: bool = True) -> Task:
        """As in torch, but frozen batch norms stay in eval mode."""
        super().train(mode)
        for module in self._frozen:
            module.eval()
        return self

    @abstractmethod
    def forward(self, batch: TrainingItem, step: int) -> Losses:
        """Losses of a batch (tensors with the batch first, and `index` (B,) int64) at a step from 0 on."""

    def pictures(self, batch: TrainingItem) -> NDArray[np.uint8] | None:
        """An image (H, W, 3) of what the network makes of the batch, in eval mode; None: nothing to show."""
        return None
