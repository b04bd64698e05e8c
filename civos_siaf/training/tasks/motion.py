"""Training of the network that corrects clicked masks by motion."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from civos_siaf.data.samples import TrainingItem
from civos_siaf.networks.click_network import ClickNetwork
from civos_siaf.networks.motion_refiner import LIMIT, MotionRefiner
from civos_siaf.training.losses import normalized_focal_loss, soft_jaccard
from civos_siaf.training.seeds import step_rng
from civos_siaf.training.task import Losses, Task
from civos_siaf.training.tasks.clicks import add_clicks, hard_iou


class MotionTask(Task):
    """The answers of a frozen click network, and masks that went wrong, are corrected.

    A batch is made of items of `MotionItems`. Some items are first shown to the click network with their
    wrong mask, as a later round would; for some the wrong mask itself stands for the answer, because the
    network answers better on videos that it was trained on than on others.

    Args:
        network: what is trained.
        clicks: answers; it stays as it is.
        architecture: the trained network's name in `weights`.
        max_iterations: up to so many clicks follow the first ones, each at an error of the answer.
        corrected: share of items that begin from their wrong mask.
        replaced: share of items whose wrong mask is the answer.
        jaccard_weight: weight of a soft Jaccard loss.
    """

    def __init__(
        self,
        network: MotionRefiner,
        clicks: ClickNetwork,
        *,
        architecture: str,
        max_iterations: int = 2,
        corrected: float = 0.3,
        replaced: float = 0.4,
        jaccard_weight: float = 1.0,
    ) -> None:
        super().__init__()
        self.network: MotionRefiner = network
        self.clicks: ClickNetwork = clicks.requires_grad_(False)
        self.architecture = architecture
        self.max_iterations = max_iterations
        self.corrected, self.replaced = corrected, replaced
        self.jaccard_weight = jaccard_weight

    def train(self, mode: bool = True) -> MotionTask:
        """As in torch, but the click network stays in eval mode."""
        super().train(mode)
        self.clicks.eval()
        return self

    def forward(self, batch: TrainingItem, step: int) -> Losses:
        """See `Task`; scalars: `iou` after the correction, and `iou_before`."""
        logits, points = self._answers(batch, int(step_rng(step).integers(self.max_iterations + 1)))
        refined = logits + self.network(batch["image"], logits, points, batch["motion"]).float()
        mask = batch["mask"]
        total = normalized_focal_loss(refined, mask).mean()
        total = total + self.jaccard_weight * soft_jaccard(refined.sigmoid(), mask).mean()
        return Losses(total, {"iou": hard_iou(refined.detach(), mask), "iou_before": hard_iou(logits, mask)})

    @torch.no_grad()
    def _answers(self, batch: TrainingItem, iterations: int) -> tuple[Tensor, Tensor]:
        """Logits (B, 1, H, W) to correct, and the clicks (B, 2N, 3) that they answer."""
        mask, index, start = batch["mask"], batch["index"], batch["start"]
        draws = np.array([step_rng(0x307, index=number).random(2) for number in index.tolist()])
        begun = torch.from_numpy(draws[:, 0] < self.corrected).to(mask.device)
        replaced = torch.from_numpy(draws[:, 1] < self.replaced).to(mask.device)
        points = batch["points"].clone()
        previous = start * begun[:, None, None, None]
        if begun.any():
            points[begun] = -1
            add_clicks(points, previous, mask, index, slot=0, only=begun, both_signs=0.5)
        answer = self._ask(batch["image"], previous, points)
        for iteration in range(1, iterations + 1):
            add_clicks(points, answer.sigmoid(), mask, index, slot=iteration, both_signs=0.5)
            answer = self._ask(batch["image"], answer.sigmoid(), points)
        torch.clear_autocast_cache()
        wrong = torch.logit(start.float(), eps=0.02)
        return torch.where(replaced[:, None, None, None], wrong, answer.clamp(-LIMIT, LIMIT)), points

    def _ask(self, image: Tensor, previous: Tensor, points: Tensor) -> Tensor:
        answer: Tensor = self.clicks(torch.cat([image, previous], dim=1), points).instances
        return answer.float()

    @torch.no_grad()
    def pictures(self, batch: TrainingItem) -> NDArray[np.uint8]:
        """One row per item: image, size of the motion beyond the camera's, truth, mask before and after."""
        logits, points = self._answers(batch, 0)
        refined = logits + self.network(batch["image"], logits, points, batch["motion"]).float()
        moving = batch["motion"][:, 2:4].square().sum(dim=1, keepdim=True).sqrt()
        moving = moving / moving.amax(dim=(1, 2, 3), keepdim=True).clamp(min=1)
        planes = (moving, batch["mask"].clamp(0, 1), logits.sigmoid(), refined.sigmoid())
        rows = [
            torch.cat([batch["image"][i], *(plane[i].expand(3, -1, -1) for plane in planes)], dim=2)
            for i in range(min(4, len(logits)))
        ]
        picture = torch.cat(rows, dim=1).clamp(0, 1).cpu().float().numpy()
        return np.ascontiguousarray((picture.transpose(1, 2, 0) * 255).astype(np.uint8))
