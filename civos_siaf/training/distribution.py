"""One process of a training: alone, or one of several started by torchrun, on one machine or on many."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist

from civos_siaf.runtime.device import torch_device

Value = TypeVar("Value")
PATIENCE = timedelta(hours=12)
"""How long processes wait for each other: the first one validates alone."""


@dataclass(frozen=True, slots=True)
class Process:
    """Which process this is.

    Attributes:
        rank: 0..world_size-1; rank 0 writes files.
        world_size: number of processes.
        device: where its tensors live.
    """

    rank: int = 0
    world_size: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def is_first(self) -> bool:
        """Whether this process writes logs and files."""
        return self.rank == 0

    def agree(self, value: Value) -> Value:
        """What the first process has found, in all of them."""
        if self.world_size == 1 or not dist.is_initialized():
            return value
        shared: list[Value] = [value]
        dist.broadcast_object_list(shared, src=0)
        return shared[0]

    def wait(self) -> None:
        """Until all processes are here."""
        if self.world_size > 1:
            dist.barrier()


@contextmanager
def join(device: str = "auto") -> Iterator[Process]:
    """Join the processes that torchrun's environment variables describe; alone where there are none.

    Args:
        device: "cpu", "cuda", "cuda:1", ...; auto takes the GPU of this process' local rank, if any.

    Raises:
        ValueError: CUDA is asked for and there is none, or fewer GPUs than processes on this machine.
    """
    rank, world_size = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    process = Process(rank, world_size, _device(device))
    cuda = process.device.type == "cuda"
    if cuda:
        # Pinned memory too belongs to the current GPU.
        torch.cuda.set_device(process.device)
    if world_size == 1:
        yield process
        return
    dist.init_process_group("nccl" if cuda else "gloo", timeout=PATIENCE)
    try:
        yield process
    finally:
        dist.destroy_process_group()


def _device(name: str) -> torch.device:
    return torch_device(name)
