"""What stops a training, said so that one can act on it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor

from civos_siaf.data.samples import TrainingItem
from civos_siaf.runtime.files import atomic_path

PATIENCE = 10
"""So many losses in a row that are no numbers stop a training in half precision."""
LEAST_SCALE = 1.0
"""Nor is the scale of the loss made smaller than this."""

_log = logging.getLogger(__name__)


class NonFiniteLossError(ValueError):
    """A loss that is NaN or infinite; the batch that caused it was saved."""


class TrainingMemoryError(MemoryError):
    """Memory ran out; names the switches that help."""


class FiniteLosses:
    """Watches that losses are numbers.

    A step with a loss that is none is skipped where the loss is scaled for half precision: that is how the
    scale finds its size. Elsewhere, or when it happens again and again, the training stops.

    Args:
        scaler: of the training.
        folder: where the batch of the last such loss is saved.
        rank: of this process.
    """

    def __init__(self, scaler: torch.amp.GradScaler, folder: Path, *, rank: int) -> None:
        self.scaler = scaler
        self.folder = folder
        self.rank = rank
        self._in_a_row = 0

    def check(self, loss: Tensor, batch: TrainingItem, *, step: int) -> None:
        """Look at the loss of a forward pass.

        Raises:
            NonFiniteLossError: it is no number, and the step cannot be skipped; names the batch's file.
        """
        if torch.isfinite(loss).all():
            self._in_a_row = 0
            return
        self._in_a_row += 1
        scaled = self.scaler.is_enabled()
        scale = self.scaler.get_scale() if scaled else 1.0
        if scaled and self._in_a_row < PATIENCE and scale > LEAST_SCALE:
            _log.warning("loss %s at step %d: skipped, the scale %g is halved", loss.item(), step, scale)
            return
        path = self.folder / f"failed_batch_step{step}_rank{self.rank}.pt"
        with atomic_path(path) as temporary:
            torch.save({name: value.cpu() for name, value in batch.items()}, temporary)
        often = f", {self._in_a_row} in a row, with a scale of {scale:g}" if scaled else ""
        raise NonFiniteLossError(
            f"loss {loss.item()} at step {step}{often}; its batch is in {path}. A lower trainer.lr, "
            "trainer.clip_norm or trainer.precision=fp32 may help; the last checkpoint is from before"
        )


@contextmanager
def explained_memory(*, batch_size: int, device: torch.device) -> Iterator[None]:
    """Turn "out of memory" into a message with what to change.

    Raises:
        TrainingMemoryError: instead of torch's error.
    """
    try:
        yield
    except RuntimeError as error:
        text = str(error)
        if not isinstance(error, torch.cuda.OutOfMemoryError) and "can't allocate memory" not in text:
            raise
        raise TrainingMemoryError(
            f"out of memory on {device} with trainer.batch_size={batch_size}: halve it and double "
            "trainer.accumulate (same result), or use trainer.precision=bf16, a smaller crop, fewer "
            f"frames or objects per clip; {text.splitlines()[0]}"
        ) from error
