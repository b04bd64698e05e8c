"""What a training step costs, computed on a CPU: bytes of weights and activations, operations."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.flop_counter import FlopCounterMode

from civos_siaf.training.task import Task

BACKWARD = 2
"""Operations of a backward pass, in forward passes."""
ADAM = 2
"""Numbers that Adam keeps for each trained one."""


@dataclass(frozen=True)
class StepCosts:
    """Costs of a step.

    Attributes:
        parameters: of the task, frozen ones included.
        trained: those that are trained.
        activations: bytes kept for the backward pass, for the items of the batch that was given.
        operations: of one forward pass of that batch; a multiplication and an addition are two.
        items: of that batch.
    """

    parameters: int
    trained: int
    activations: int
    operations: int
    items: int

    def memory(self, batch_size: int, *, ema: bool = False) -> int:
        """Bytes for weights, gradients, Adam's two averages, the averaged weights, and activations.

        Left out: what a convolution needs while it runs, fragments, and the driver's own share.
        """
        weights = 4 * (self.parameters + self.trained * (1 + ADAM + ema))
        return weights + self.activations * batch_size // self.items

    def training(self, steps: int, items_per_step: int) -> float:
        """Operations of a whole training, forward and backward."""
        return (1 + BACKWARD) * self.operations / self.items * items_per_step * steps


def step_costs(task: Task, batch: Mapping[str, Tensor], *, step: int = 0, half: bool = False) -> StepCosts:
    """Run one forward pass and count.

    Args:
        task: what is trained.
        batch: its items, collated.
        step: passed on to the task.
        half: autocast to bfloat16; half floats take the same memory.
    """
    own = {p.untyped_storage().data_ptr() for p in (*task.parameters(), *task.buffers())}
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    autocast = torch.autocast("cpu", torch.bfloat16) if half else nullcontext()
    counter = FlopCounterMode(display=False)
    with counter, saved_tensors_hooks(pack, lambda tensor: tensor), autocast:
        losses = task.train()(dict(batch), step)
    del losses
    parameters = list(task.parameters())
    return StepCosts(
        parameters=sum(p.numel() for p in parameters),
        trained=sum(p.numel() for p in parameters if p.requires_grad),
        activations=sum(kept.values()),
        operations=counter.get_total_flops(),
        items=len(next(iter(batch.values()))),
    )
