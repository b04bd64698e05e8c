"""Training of click networks with clicks that answer to the network's own errors.

Source: docs/specification/ritm.md section 11.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from civos_siaf.data.samples import TrainingItem
from civos_siaf.networks.click_network import ClickNetwork
from civos_siaf.training.losses import binary_cross_entropy, normalized_focal_loss, soft_jaccard
from civos_siaf.training.network_changes import keep_full_precision
from civos_siaf.training.seeds import step_rng
from civos_siaf.training.task import Losses, Task

THRESHOLD = 0.49


class ClickTask(Task):
    """Iterative training of a click network.

    A batch holds `image` (B, 3, H, W) in [0, 1], `mask` (B, 1, H, W) of 0, 1 and -1 (ignored), `points`
    (B, 2N, 3), first clicks, see `disk_maps`, and may hold `start` (B, 1, H, W), masks to begin from; an
    item with an empty one begins from nothing.

    Args:
        network: what is trained.
        architecture: its name in `weights`.
        max_iterations: up to so many clicks follow the first ones, each at an error of the network's answer.
        aux_weight: weight of the auxiliary head's cross-entropy.
        jaccard_weight: weight of a soft Jaccard loss; RITM has none.
        both_signs: probability that an error's answer is one click of each sign, as the robot's strategy f3
            gives them; RITM clicks once, at the thicker kind of error.
    """

    def __init__(
        self,
        network: ClickNetwork,
        *,
        architecture: str,
        max_iterations: int = 3,
        aux_weight: float = 0.4,
        jaccard_weight: float = 0.0,
        both_signs: float = 0.0,
    ) -> None:
        super().__init__()
        # For speed; the weights stay the same.
        keep_full_precision(network)
        self.network: ClickNetwork = network
        self.architecture = architecture
        self.max_iterations = max_iterations
        self.aux_weight = aux_weight
        self.jaccard_weight = jaccard_weight
        self.both_signs = both_signs

    def forward(self, batch: TrainingItem, step: int) -> Losses:
        """Losses of a batch (tensors with the batch first, and `index` (B,) int64) at a step from 0 on.

        Scalars: `nfl` and `iou` of the final answer.
        """
        iterations = int(step_rng(step).integers(self.max_iterations + 1))
        previous, points = self._play(batch, iterations)
        image = self._with_mask(batch["image"], previous)
        output = self.network(image, points)
        instances, mask = output.instances.float(), batch["mask"]
        nfl = normalized_focal_loss(instances, mask).mean()
        total = nfl
        if output.instances_aux is not None and self.aux_weight:
            total = total + self.aux_weight * binary_cross_entropy(output.instances_aux.float(), mask).mean()
        if self.jaccard_weight:
            total = total + self.jaccard_weight * soft_jaccard(instances.sigmoid(), mask).mean()
        return Losses(total, {"nfl": nfl.detach(), "iou": hard_iou(instances.detach(), mask)})

    @torch.no_grad()
    def _play(self, batch: TrainingItem, iterations: int) -> tuple[Tensor, Tensor]:
        """The previous mask and all clicks with which the last pass is made."""
        mask, index = batch["mask"], batch["index"]
        previous = batch["start"].clone() if "start" in batch else torch.zeros_like(mask)
        points = batch["points"].clone()
        started = previous.flatten(1).amax(dim=1) > 0.5
        if started.any():
            points[started] = -1
            add_clicks(points, previous, mask, index, slot=0, only=started, both_signs=self.both_signs)
        training = self.network.training
        self.network.eval()
        for iteration in range(1, iterations + 1):
            answer = self.network(self._with_mask(batch["image"], previous), points).instances
            previous = answer.float().sigmoid()
            add_clicks(points, previous, mask, index, slot=iteration, both_signs=self.both_signs)
        self.network.train(training)
        # Autocast would give the training pass the weights that it cast here, which have no gradient.
        torch.clear_autocast_cache()
        return previous, points

    def _with_mask(self, image: Tensor, previous: Tensor) -> Tensor:
        return torch.cat([image, previous], dim=1) if self.network.with_prev_mask else image

    @torch.no_grad()
    def pictures(self, batch: TrainingItem) -> NDArray[np.uint8]:
        """One row per item: image with clicks, truth, previous mask, answer."""
        previous, points = self._play(batch, self.max_iterations)
        answer = self.network(self._with_mask(batch["image"], previous), points).instances.float().sigmoid()
        rows = []
        for i in range(min(4, len(answer))):
            image = _picture(batch["image"][i])
            _draw_points(image, points[i].cpu().numpy())
            greys = [_picture(x[i].clamp(0, 1).expand(3, -1, -1)) for x in (batch["mask"], previous, answer)]
            rows.append(np.concatenate([image, *greys], axis=1))
        return np.concatenate(rows)


def add_clicks(
    points: Tensor,
    previous: Tensor,
    mask: Tensor,
    index: Tensor,
    *,
    slot: int,
    only: Tensor | None = None,
    both_signs: float = 0.0,
) -> None:
    """Put one click per item into `points`, at an error of the previous answer.

    Source: docs/specification/ritm.md section 11.

    Args:
        points: (B, 2N, 3), changed. The click takes place N - `slot` of its sign, or the first one for 0.
        previous: (B, 1, H, W) in [0, 1].
        mask: (B, 1, H, W) of 0, 1 and -1.
        index: (B,) numbers of the items, from which the choice among an error's pixels is drawn.
        slot: number of the click.
        only: (B,) bool, the items that get one; None: all.
        both_signs: probability of a click at each kind of error, not at the thicker one alone.
    """
    places = points.shape[1] // 2
    answers = previous[:, 0].float().cpu().numpy()
    truths = mask[:, 0].cpu().numpy()
    for i, number in enumerate(index.tolist()):
        if only is not None and not only[i]:
            continue
        rng = step_rng(slot, index=number)
        both = bool(both_signs) and rng.random() < both_signs
        for y, x, positive in error_clicks(answers[i], truths[i], rng, both_signs=both):
            place = (places - slot) % places + (0 if positive else places)
            points[i, place] = points.new_tensor([y, x, slot])


def error_clicks(
    answer: NDArray[np.float32], truth: NDArray[np.float32], rng: np.random.Generator, *, both_signs: bool
) -> list[tuple[int, int, bool]]:
    """Clicks in the inner half of the thicker kind of error, or of both kinds.

    Args:
        answer: probabilities (H, W).
        truth: (H, W) of 0, 1 and -1.
        rng: chooses the pixels.
        both_signs: a click on what is missed and one on what is too much.

    Returns:
        Row, column and whether it is positive; nothing where there is no error.
    """
    missed = _depth((truth == 1) & (answer < THRESHOLD))
    excess = _depth((truth == 0) & (answer > THRESHOLD))
    first = bool(missed.max() > excess.max())
    clicks = []
    for positive in (first, not first) if both_signs else (first,):
        depth = missed if positive else excess
        candidates = np.flatnonzero(depth > max(depth.max() / 2, 0))
        if len(candidates):
            y, x = divmod(int(rng.choice(candidates)), depth.shape[1])
            clicks.append((y, x, positive))
    return clicks


def hard_iou(logits: Tensor, mask: Tensor) -> Tensor:
    """Mean IoU of a batch (B, 1, H, W), ignored pixels left out."""
    known, truth, answer = mask != -1, mask == 1, logits > 0
    overlap = (truth & answer & known).sum(dim=(1, 2, 3)).float()
    union = ((truth | answer) & known).sum(dim=(1, 2, 3)).float()
    return (overlap / union.clamp(min=1)).mean()


def _depth(region: NDArray[np.bool_]) -> NDArray[np.float32]:
    padded = np.pad(region, 1).astype(np.uint8)
    return np.asarray(cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1], dtype=np.float32)


def _picture(image: Tensor) -> NDArray[np.uint8]:
    return np.ascontiguousarray((image.cpu().float().numpy().transpose(1, 2, 0) * 255).astype(np.uint8))


def _draw_points(image: NDArray[np.uint8], points: NDArray[np.float32]) -> None:
    for row, (y, x, _) in enumerate(points):
        if y >= 0 or x >= 0:
            colour = (0, 255, 0) if row < len(points) // 2 else (255, 0, 0)
            cv2.circle(image, (round(float(x)), round(float(y))), 3, colour, -1)
