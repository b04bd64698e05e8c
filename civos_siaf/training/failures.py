"""What stops a training, said so that one can act on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor

from civos_siaf.data.samples import TrainingItem
from civos_siaf.runtime.files import atomic_path


class NonFiniteLossError(ValueError):
    """A loss that is NaN or infinite; the batch that caused it was saved."""


class TrainingMemoryError(MemoryError):
    """Memory ran out; names the switches that help."""


def check_finite(loss: Tensor, batch: TrainingItem, *, step: int, rank: int, folder: Path) -> None:
    """Stop at a loss that is no number.

    Raises:
        NonFiniteLossError: names the file with the batch.
    """
    if torch.isfinite(loss).all():
        return
    path = folder / f"failed_batch_step{step}_rank{rank}.pt"
    with atomic_path(path) as temporary:
        torch.save({name: value.cpu() for name, value in batch.items()}, temporary)
    raise NonFiniteLossError(
        f"loss {loss.item()} at step {step}; its batch is in {path}. A lower trainer.lr, trainer.clip_norm "
        "or trainer.precision=fp32 may help; the last checkpoint is from before"
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
