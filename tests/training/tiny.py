"""A network, a task and data so small that whole trainings fit into a test."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from civos_siaf.data.samples import TrainingItem
from civos_siaf.training.task import Losses, Task


class TinyNetwork(nn.Module):
    def __init__(self, *, dropout: float = 0.2) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 4, 3, padding=1),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.Dropout(dropout),
        )
        self.head = nn.Conv2d(4, 1, 1)

    def forward(self, image: Tensor) -> Tensor:
        return torch.as_tensor(self.head(self.body(image)))


class TinyTask(Task):
    architecture = "tiny"

    def __init__(
        self, network: nn.Module | None = None, *, fail_at: int = -1, frozen: Sequence[nn.Module] = ()
    ) -> None:
        super().__init__()
        self.network = network or TinyNetwork()
        self._frozen = frozen
        self.fail_at = fail_at

    def forward(self, batch: TrainingItem, step: int) -> Losses:
        logits = self.network(batch["image"])
        loss = nn.functional.binary_cross_entropy_with_logits(logits, batch["mask"])
        return Losses(
            loss * (float("nan") if step == self.fail_at else 1.0), {"mean": logits.detach().mean()}
        )

    def pictures(self, batch: TrainingItem) -> np.ndarray:
        answer = self.network(batch["image"])[0].sigmoid().expand(3, -1, -1)
        return (answer.float().numpy().transpose(1, 2, 0) * 255).astype(np.uint8)


class TinyData:
    def item(self, index: int, rng: np.random.Generator, *, step: int) -> TrainingItem:
        image = rng.random((3, 8, 8), dtype=np.float32) + step * 1e-3
        return {"image": torch.from_numpy(image), "mask": torch.from_numpy(image[:1] > 0.5).float()}


class MeanScore:
    best = "score"

    def __call__(self, network: nn.Module) -> dict[str, float]:
        with torch.no_grad():
            return {"score": -float(network(torch.zeros(1, 3, 8, 8)).abs().mean())}
