"""Training of scribble-to-mask (docs/specification/mivos.md section 3.3)."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from civos_siaf.data.samples import TrainingItem
from civos_siaf.networks.aggregate import aggregate_logits
from civos_siaf.networks.imagenet import normalize
from civos_siaf.training.losses import BootstrappedCrossEntropy
from civos_siaf.training.network_changes import keep_full_precision
from civos_siaf.training.task import Losses, Task
from civos_siaf.training.tasks.montage import montage, outlined, picture


class S2mTask(Task):
    """An object's scribbles and previous mask become its mask.

    A batch is made of items of `S2mItems`.

    Args:
        network: `S2m` or one with the same inputs.
        architecture: its name in `weights`.
        loss: cross entropy on background and object.
    """

    def __init__(self, network: nn.Module, *, architecture: str, loss: BootstrappedCrossEntropy) -> None:
        super().__init__()
        keep_full_precision(network)
        self.network = network
        self.architecture = architecture
        self.loss = loss

    def forward(self, batch: TrainingItem, step: int) -> Losses:
        """Losses of a batch (tensors with the batch first, and `index` (B,) int64) at a step from 0 on.

        Scalars: `iou`, and `iou_previous` of the masks it began from.
        """
        logits = self._logits(batch)
        truth = batch["mask"][:, 0].long()
        classes = aggregate_logits(logits.sigmoid()[None, :, 0]).transpose(0, 1)
        total = self.loss(classes, truth, step)
        scalars = {
            "iou": _iou(logits[:, 0] > 0, truth),
            "iou_previous": _iou(batch["previous"][:, 0] > 0.5, truth),
        }
        return Losses(total, scalars)

    def _logits(self, batch: TrainingItem) -> Tensor:
        maps = [batch[name] for name in ("previous", "positive", "negative")]
        logits: Tensor = self.network(torch.cat([normalize(batch["image"]), *maps], dim=1))
        return logits.float()

    @torch.no_grad()
    def pictures(self, batch: TrainingItem) -> NDArray[np.uint8]:
        """One row per item: previous mask with scribbles, truth, answer, probability."""
        few = {name: value[:4] for name, value in batch.items()}
        logits = self._logits(few)
        rows = []
        for i, image in enumerate(few["image"]):
            begun = outlined(image, few["previous"][i, 0].byte())
            for name, colour in (("positive", (0, 255, 0)), ("negative", (255, 0, 0))):
                begun[few[name][i, 0].cpu().numpy() > 0] = colour
            answer = outlined(image, (logits[i, 0] > 0).byte())
            rows.append(
                [begun, outlined(image, few["mask"][i, 0].byte()), answer, picture(logits[i].sigmoid())]
            )
        return montage(rows)


def _iou(answer: Tensor, truth: Tensor) -> Tensor:
    """Mean IoU of masks (B, H, W); two empty ones agree."""
    a, b = answer.bool().flatten(1), truth.bool().flatten(1)
    overlap, union = (a & b).sum(dim=1).float(), (a | b).sum(dim=1).float()
    return torch.where(union > 0, overlap / union.clamp(min=1), 1.0).mean()
