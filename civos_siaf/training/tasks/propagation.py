"""Training of space-time memory networks on short clips (docs/specification/mivos.md section 8)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from civos_siaf.data.samples import TrainingItem
from civos_siaf.networks.imagenet import normalize
from civos_siaf.networks.memory_read import read_batch
from civos_siaf.networks.propagation_network import FrameFeatures, Memory, PropagationNetwork
from civos_siaf.training.losses import BootstrappedCrossEntropy, soft_jaccard
from civos_siaf.training.network_changes import keep_full_precision
from civos_siaf.training.seeds import step_rng
from civos_siaf.training.task import Losses, Task
from civos_siaf.training.tasks.montage import montage, outlined
from civos_siaf.training.tasks.object_rows import IGNORED, UNKNOWN, ObjectRows, mean_iou


class PropagationTask(Task):
    """The first frame's truth is spread over a clip; every further mask goes into memory as it was predicted.

    A batch holds `images` (B, T, 3, H, W) in [0, 1], `labels` (B, T, H, W) of 0..K and 255 (unknown),
    `num_objects` (B,) and `index` (B,). Sides are multiples of the network's stride. An item with fewer than
    K objects has fewer classes.

    Args:
        network: what is trained.
        architecture: its name in `weights`.
        loss: cross entropy on the classes of each frame; frames are added.
        jaccard_weight: weight of a soft Jaccard loss, a mean over objects; MiVOS has none.
        top_k: as in `read_memory`; MiVOS trains with all positions.
        freeze_bn: batch norms keep their statistics, only scale and shift are trained; or the beginnings of
            the names of those that do.
        truth_probability: chance that a clip's memory gets true masks for the predicted ones of a frame.
    """

    def __init__(
        self,
        network: PropagationNetwork,
        *,
        architecture: str,
        loss: BootstrappedCrossEntropy,
        jaccard_weight: float = 0.0,
        top_k: int | None = None,
        freeze_bn: bool | Sequence[str] = True,
        truth_probability: float = 0.0,
    ) -> None:
        super().__init__()
        # Both for speed; the weights stay the same.
        keep_full_precision(network)
        self.network: PropagationNetwork = network.to(memory_format=torch.channels_last)
        self.architecture = architecture
        self.loss = loss
        self.jaccard_weight = jaccard_weight
        self.top_k = top_k
        self.truth_probability = truth_probability
        self._frozen = frozen_norms(network, freeze_bn)

    def forward(self, batch: TrainingItem, step: int) -> Losses:
        """See `Task`; scalars: `ce`, `jaccard` (a loss) and `iou` of the last frame, mean over objects.

        Raises:
            ValueError: a batch without any object or with one frame only, or labels above an item's objects.
        """
        clip = _objects(batch)
        images, labels = batch["images"], batch["labels"]
        logits = self._predict(images, labels, clip, self._truths(batch, step))
        target = torch.where(labels == UNKNOWN, IGNORED, labels)[:, 1:]
        ce = torch.stack([self.loss(x, target[:, t], step) for t, x in enumerate(logits)]).sum()
        total, scalars = ce, {"ce": ce.detach()}
        jaccard = torch.stack([self._jaccard(x, target[:, t], clip) for t, x in enumerate(logits)]).sum()
        if self.jaccard_weight:
            total = total + self.jaccard_weight * jaccard
        scalars["jaccard"] = jaccard.detach()
        scalars["iou"] = mean_iou(logits[-1].argmax(dim=1), labels[:, -1], clip)
        return Losses(total, scalars)

    def _predict(
        self, images: Tensor, labels: Tensor, clip: ObjectRows, truths: NDArray[np.bool_]
    ) -> list[Tensor]:
        """Logits (B, K+1, H, W) of frames 1..T-1; classes that an item lacks are at minus infinity."""
        size, frames = images.shape[:2]
        flat = normalize(images.flatten(0, 1)).contiguous(memory_format=torch.channels_last)
        features = self.network.encode_frame(flat)
        numbers = torch.arange(size * frames, device=images.device).view(size, frames)
        masks = clip.masks(labels[:, 0])
        keys, values, result = [], [], []
        for t in range(1, frames):
            memory = self._remember(flat, features, numbers[clip.sample, t - 1], masks, clip)
            keys.append(memory.key.flatten(2).transpose(1, 2))
            values.append(memory.value.flatten(2).transpose(1, 2))
            now = features.rows(numbers[clip.sample, t])
            read = read_batch(
                torch.cat(keys, dim=1), torch.cat(values, dim=1), now.key.flatten(2), top_k=self.top_k
            )
            answer = (
                self.network.decode(read.reshape(*read.shape[:2], *now.key.shape[2:]), now).float().sigmoid()
            )
            logits = clip.classes(answer[:, 0])
            result.append(logits)
            masks = clip.of_objects(logits.softmax(dim=1))
            if truths[t].any():
                true = clip.masks(labels[:, t])
                given = torch.from_numpy(truths[t]).to(images.device)[clip.sample].view(-1, 1, 1, 1)
                masks = torch.where(given, true, masks)
        return result

    def _remember(
        self, images: Tensor, features: FrameFeatures, rows: Tensor, masks: Tensor, clip: ObjectRows
    ) -> Memory:
        needed = features.rows(rows) if self.network.memory_needs_frame else None
        return self.network.encode_objects(images[rows], masks, clip.others(masks), needed)

    def _truths(self, batch: TrainingItem, step: int) -> NDArray[np.bool_]:
        """(T, B): which clips get the truth into memory after which frames."""
        frames, items = batch["images"].shape[1], batch["index"].tolist()
        draws = [step_rng(step, index=number).random(frames) for number in items]
        return np.asarray(np.stack(draws, axis=1) < self.truth_probability)

    @staticmethod
    def _jaccard(logits: Tensor, target: Tensor, clip: ObjectRows) -> Tensor:
        known = (target != IGNORED)[clip.sample][:, None]
        masks = torch.where(known, clip.masks(target), -1.0)
        return soft_jaccard(clip.of_objects(logits.softmax(dim=1)), masks).mean()

    @torch.no_grad()
    def pictures(self, batch: TrainingItem) -> NDArray[np.uint8]:
        """Two rows per item: its frames with the true outlines, and with the predicted ones."""
        few = {name: value[:3] for name, value in batch.items()}
        images, labels = few["images"], few["labels"]
        clip = _objects(few)
        truths = np.zeros((images.shape[1], len(images)), dtype=bool)
        answers = [x.argmax(dim=1) for x in self._predict(images, labels, clip, truths)]
        predicted = torch.stack([labels[:, 0], *answers], dim=1)
        return montage(
            [
                [outlined(image, mask) for image, mask in zip(images[i], which[i], strict=True)]
                for i in range(len(images))
                for which in (labels, predicted)
            ]
        )


def _objects(batch: TrainingItem) -> ObjectRows:
    if batch["images"].shape[1] < 2:
        raise ValueError(f"a clip needs 2 frames, got {batch['images'].shape[1]}")
    return ObjectRows.of(batch["num_objects"], batch["labels"], batch["index"])


def frozen_norms(network: nn.Module, which: bool | Sequence[str]) -> list[nn.Module]:
    """All batch norms, none, or those whose names begin with one of some prefixes.

    Raises:
        ValueError: a prefix with which no batch norm begins.
    """
    prefixes = [""] if which is True else list(which or [])
    norms = {
        name: module
        for name, module in network.named_modules()
        if isinstance(module, nn.modules.batchnorm._BatchNorm)
    }
    for prefix in prefixes:
        if prefix and not any(name.startswith(prefix) for name in norms):
            raise ValueError(f"no batch norm begins with {prefix!r}")
    return [module for name, module in norms.items() if name.startswith(tuple(prefixes))]
