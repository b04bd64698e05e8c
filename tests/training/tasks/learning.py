"""A few steps on one batch."""

from collections.abc import Callable, Iterable, Iterator

import torch

from civos_siaf.data.samples import TrainingItem
from civos_siaf.training.task import Losses, Task


def learning(
    task: Task, batch: Callable[[], TrainingItem], *, steps: Iterable[int], lr: float
) -> Iterator[Losses]:
    """What each step found; weights still have its gradients, and change when the next one is asked for."""
    optimizer = torch.optim.Adam(task.network.parameters(), lr=lr)
    for step in steps:
        outcome = task(batch(), step)
        outcome.total.backward()
        yield outcome
        optimizer.step()
        optimizer.zero_grad()
