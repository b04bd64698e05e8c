"""Batches by number: which items belong to a step, and a loader that fetches them in worker processes."""

from __future__ import annotations

import logging
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset, Sampler

from civos_siaf.data.samples import TrainingData, TrainingItem
from civos_siaf.training.distribution import Process
from civos_siaf.training.seeds import item_rng

SHARED_MEMORY = "/dev/shm"
ENOUGH = 2**30
"""Bytes of shared memory with which nothing goes wrong; containers have 64 MiB where nobody asks for more."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchPlan:
    """Which items make up a step.

    All processes and accumulated parts of a step share one run of numbers, so a step holds the same items
    however it is split.

    Args:
        batch_size: items of one forward pass in one process.
        accumulate: forward passes per step.
        world_size: number of processes.

    >>> list(BatchPlan(batch_size=2, world_size=2).indices(1, rank=1, part=0))
    [6, 7]
    """

    batch_size: int
    accumulate: int = 1
    world_size: int = 1

    def __post_init__(self) -> None:
        for name in ("batch_size", "accumulate", "world_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be 1 or more, got {getattr(self, name)}")

    @property
    def items_per_step(self) -> int:
        """Over all processes."""
        return self.batch_size * self.accumulate * self.world_size

    def indices(self, step: int, *, rank: int, part: int) -> range:
        """Numbers of the items of one forward pass."""
        start = step * self.items_per_step + (part * self.world_size + rank) * self.batch_size
        return range(start, start + self.batch_size)


class _Items(Dataset[TrainingItem]):
    """Items by (step, index)."""

    def __init__(self, data: TrainingData, seed: int) -> None:
        self.data, self.seed = data, seed

    def __getitem__(self, key: tuple[int, int]) -> TrainingItem:
        step, index = key
        item = self.data.item(index, item_rng(self.seed, index), step=step)
        return {**item, "index": torch.tensor(index)}


class _Keys(Sampler[list[tuple[int, int]]]):
    """The keys of all batches of a process, from a step on."""

    def __init__(self, plan: BatchPlan, rank: int, steps: range) -> None:
        self.plan, self.rank, self.steps = plan, rank, steps

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        for step in self.steps:
            for part in range(self.plan.accumulate):
                yield [(step, index) for index in self.plan.indices(step, rank=self.rank, part=part)]

    def __len__(self) -> int:
        return len(self.steps) * self.plan.accumulate


def batches(
    data: TrainingData, plan: BatchPlan, steps: range, *, seed: int, process: Process, workers: int
) -> DataLoader[TrainingItem]:
    """Batches of a process for the given steps, in order; `plan.accumulate` of them per step.

    Workers hand tensors over in shared memory. Where there is little of it, as in containers, they send them
    through pipes, which is slower and is said.

    Args:
        data: where items come from.
        plan: which items.
        steps: from where to where.
        seed: of the training.
        process: which of the processes this is.
        workers: processes that fetch; 0 fetches in this one. The items do not depend on it.
    """
    piped = workers > 0 and shared_memory() < ENOUGH
    if piped and process.is_first:
        log.warning(
            "%s has %d MiB: batches go through pipes, which is slower; give the container more "
            "(docker run --ipc=host, or --shm-size=2g)",
            SHARED_MEMORY,
            shared_memory() >> 20,
        )
    kind = _PipedLoader if piped else DataLoader
    return kind(
        _Items(data, seed),
        batch_sampler=_Keys(plan, process.rank, steps),
        num_workers=workers,
        pin_memory=process.device.type == "cuda" and not piped,
        worker_init_fn=_quiet_worker,
        prefetch_factor=4 if workers else None,
        collate_fn=_as_arrays if piped else None,
    )


def shared_memory() -> int:
    """Bytes that processes can share, used or not; as much as one likes where there is no such folder."""
    try:
        return shutil.disk_usage(SHARED_MEMORY).total
    except OSError:
        return sys.maxsize


class _PipedLoader(DataLoader[TrainingItem]):
    """A loader whose workers send arrays, which no memory is shared for."""

    def __iter__(self) -> Iterator[TrainingItem]:  # type: ignore[override]
        for batch in super().__iter__():
            yield {name: torch.from_numpy(value) for name, value in batch.items()}


def _as_arrays(items: list[TrainingItem]) -> dict[str, NDArray[Any]]:
    """A batch; torch's own way of making one would share its memory at once."""
    return {name: np.stack([item[name].numpy() for item in items]) for name in items[0]}


def _quiet_worker(_: int) -> None:
    """Workers share the cores already; threads inside them would only get in each other's way."""
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
