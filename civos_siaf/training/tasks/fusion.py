"""Training of difference-aware fusion on what a frozen propagation made.

Source: docs/specification/mivos.md sections 5.3, 5.4.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from civos_siaf.data.samples import TrainingItem
from civos_siaf.networks.imagenet import normalize
from civos_siaf.networks.mask_fusion import MaskFusion
from civos_siaf.networks.memory_read import read_batch
from civos_siaf.networks.propagation_network import PropagationNetwork
from civos_siaf.training.losses import BootstrappedCrossEntropy
from civos_siaf.training.task import Losses, Task
from civos_siaf.training.tasks.montage import montage, outlined, picture
from civos_siaf.training.tasks.object_rows import IGNORED, UNKNOWN, ObjectRows, mean_iou


class FusionTask(Task):
    """Two propagations of a frame's masks become one.

    A batch is made of items of `FusionItems`; attention is computed here, by the frozen network.

    Args:
        network: what is trained.
        propagation: made the masks; it stays as it is.
        architecture: the fusion network's name in `weights`.
        loss: cross entropy on the fused classes.
    """

    def __init__(
        self,
        network: MaskFusion,
        propagation: PropagationNetwork,
        *,
        architecture: str,
        loss: BootstrappedCrossEntropy,
    ) -> None:
        super().__init__()
        self.network: MaskFusion = network
        self.propagation: PropagationNetwork = propagation.requires_grad_(False)
        self.architecture = architecture
        self.loss = loss

    def train(self, mode: bool = True) -> FusionTask:
        """As in torch, but the propagation network stays in eval mode."""
        super().train(mode)
        self.propagation.eval()
        return self

    def forward(self, batch: TrainingItem, step: int) -> Losses:
        """See `Task`; scalars: `iou` of the fused, the older and the newer masks.

        Raises:
            ValueError: a batch without objects, or labels above `num_objects`.
        """
        rows = ObjectRows.of(batch["num_objects"], batch["labels"], batch["index"])
        labels = batch["labels"]
        logits = self._fuse(batch, rows)[0]
        total = self.loss(logits, torch.where(labels == UNKNOWN, IGNORED, labels), step)
        scalars = {"iou": mean_iou(logits.argmax(dim=1), labels, rows)}
        for name in ("previous", "current"):
            alone = rows.classes(_of_rows(batch[name], rows)[:, 0]).argmax(dim=1)
            scalars[f"iou_{name}"] = mean_iou(alone, labels, rows)
        return Losses(total, scalars)

    def _fuse(self, batch: TrainingItem, rows: ObjectRows) -> tuple[Tensor, Tensor]:
        """Logits (B, K+1, H, W) and attention (P, 2, H, W)."""
        image = normalize(batch["image"])
        attention = self._attention(batch, image, rows)
        distances = batch["distances"][rows.sample]
        logits = self.network(
            image[rows.sample],
            _of_rows(batch["previous"], rows),
            _of_rows(batch["current"], rows),
            attention=attention,
            n_c=distances[:, 0],
            n_r=distances[:, 1],
        )
        return rows.classes(logits[:, 0].float().sigmoid()), attention

    @torch.no_grad()
    def _attention(self, batch: TrainingItem, image: Tensor, rows: ObjectRows) -> Tensor:
        """Where the change on the reference would be seen on the target, (P, 2, H, W).

        Source: docs/specification/mivos.md section 5.1.
        """
        reference = normalize(batch["reference"])
        new, old = _of_rows(batch["reference_masks"], rows), _of_rows(batch["old"], rows)
        features = None
        if self.propagation.memory_needs_frame:
            features = self.propagation.encode_frame(reference).rows(rows.sample)
        memory = self.propagation.encode_objects(reference[rows.sample], new, rows.others(new), features)
        query = self.propagation.encode_frame(image).key[rows.sample]
        change = torch.cat([(new - old).clamp(0, 1), (old - new).clamp(0, 1)], dim=1)
        maps = F.interpolate(change, size=query.shape[2:], mode="area")
        keys, values = (x.flatten(2).transpose(1, 2) for x in (memory.key, maps))
        carried = read_batch(keys, values, query.flatten(2), top_k=None).reshape(maps.shape)
        return F.interpolate(carried, size=image.shape[2:], mode="bilinear", align_corners=False)

    @torch.no_grad()
    def pictures(self, batch: TrainingItem) -> NDArray[np.uint8]:
        """One row per item: truth, older, newer, fused masks, attention (green: added, red: removed)."""
        few = {name: value[:4] for name, value in batch.items()}
        rows = ObjectRows.of(few["num_objects"], few["labels"], few["index"])
        logits, attention = self._fuse(few, rows)
        older, newer = (rows.classes(_of_rows(few[n], rows)[:, 0]) for n in ("previous", "current"))
        first = torch.zeros_like(few["image"])
        for row, (sample, number) in enumerate(zip(rows.sample, rows.number, strict=True)):
            if number == 0:
                first[sample, :2] = attention[row].flip(0)
        maps = [few["labels"], *(x.argmax(dim=1) for x in (older, newer, logits))]
        return montage(
            [
                [*(outlined(few["image"][i], labels[i]) for labels in maps), picture(first[i])]
                for i in range(len(first))
            ]
        )


def _of_rows(masks: Tensor, rows: ObjectRows) -> Tensor:
    """Masks (B, 2, H, W) by object, (P, 1, H, W)."""
    return masks[rows.sample, rows.number][:, None]
