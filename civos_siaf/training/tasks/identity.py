"""Training of identity networks, such as AOT, on short clips (docs/specification/aot.md section 14.2)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from civos_siaf.data.samples import TrainingItem
from civos_siaf.networks.aot.identity import CHANNELS, MAX_OBJECTS, identity_one_hot
from civos_siaf.networks.identity_network import IdentityNetwork, concatenated, mask_unused
from civos_siaf.networks.imagenet import normalize
from civos_siaf.training.losses import AotLoss
from civos_siaf.training.network_changes import keep_full_precision
from civos_siaf.training.parameters import id_bank_trains
from civos_siaf.training.seeds import step_rng
from civos_siaf.training.task import Losses, Task
from civos_siaf.training.tasks.montage import montage, outlined
from civos_siaf.training.tasks.object_rows import ObjectRows, mean_iou
from civos_siaf.training.tasks.propagation import frozen_norms


class IdentityTask(Task):
    """The first frame's truth is spread over a clip; later masks go into memory, true or as predicted.

    A batch holds `images` (B, T, 3, H, W) in [0, 1], `labels` (B, T, H, W) of 0..K and 255 (unknown),
    `num_objects` (B,), at most 10, and `index` (B,). Sides are 16k+1 with `align_corners`, otherwise 16k.

    Args:
        network: what is trained.
        architecture: its name in `weights`.
        loss: of every frame and sample.
        mem_every: every so many frames one goes into the long-term memory; 2 for AOT-L, else none.
        predictions_from: step from which predictions go into memory; None: always the truth. From then on
            identity embeddings are not trained any more, if `detach_identities`.
        detach_identities: see there; off where embeddings are made by a network of masks.
        auxiliary_steps: the loss on the first frame falls in so many steps from weight 1 to none; 0: none.
        permute: which identities the objects have is drawn for each clip.
        freeze_bn: beginnings of the names of batch norms that keep their statistics.
    """

    def __init__(
        self,
        network: IdentityNetwork,
        *,
        architecture: str,
        loss: AotLoss,
        mem_every: int = 9999,
        predictions_from: int | None = None,
        detach_identities: bool = True,
        auxiliary_steps: int = 0,
        permute: bool = True,
        freeze_bn: Sequence[str] = (),
    ) -> None:
        super().__init__()
        # For speed; the weights stay the same.
        keep_full_precision(network)
        self.network: IdentityNetwork = network
        self.architecture = architecture
        self.loss = loss
        self.mem_every = mem_every
        self.predictions_from = predictions_from
        self.detach_identities = detach_identities
        self.auxiliary_steps = auxiliary_steps
        self.permute = permute
        self._frozen = frozen_norms(network, freeze_bn)

    def forward(self, batch: TrainingItem, step: int) -> Losses:
        """See `Task`; scalars: `auxiliary`, and `iou` of the last frame, mean over objects.

        Raises:
            ValueError: one frame only, more than ten objects, or labels above an item's objects.
        """
        clip = _objects(batch)
        logits = self._predict(batch, step)
        labels, counts = batch["labels"], batch["num_objects"]
        losses = [self.loss(x, labels[:, t], counts, step).mean() for t, x in enumerate(logits) if t]
        total, scalars = torch.stack(losses).mean(), {}
        weight = self._auxiliary(step)
        if weight:
            first = self.loss(logits[0], labels[:, 0], counts, step).mean()
            total = total + weight * first
            scalars["auxiliary"] = first.detach()
        last = self.network.resize(logits[-1].detach().float(), (labels.shape[2], labels.shape[3]))
        scalars["iou"] = mean_iou(last.argmax(dim=1), labels[:, -1], clip)
        return Losses(total, scalars)

    def _auxiliary(self, step: int) -> float:
        return max(self.auxiliary_steps - step, 0) / self.auxiliary_steps if self.auxiliary_steps else 0.0

    def _predict(self, batch: TrainingItem, step: int) -> list[Tensor]:
        """Logits (B, 11, H/4, W/4) of all frames; channels without an object are very low."""
        images, labels = batch["images"], batch["labels"]
        size, frames = images.shape[:2]
        flat = normalize(images.flatten(0, 1)).contiguous(memory_format=torch.channels_last)
        features = self.network.encode_frame(flat)
        numbers = torch.arange(size * frames, device=images.device).view(size, frames)
        identities = self._identities(batch["index"].tolist(), step).to(images.device)
        counts = batch["num_objects"].tolist()
        now = features.rows(numbers[:, 0])
        maps, memory = self.network.reference(now, self._identify(labels[:, 0], identities, step))
        logits = [self._named(self.network.decode(maps, now), identities, counts)]
        long, short, kept = [memory], memory, 0
        for t in range(1, frames):
            now = features.rows(numbers[:, t])
            matched = self.network.match(now, concatenated(long), short)
            logits.append(self._named(self.network.decode(matched.maps, now), identities, counts))
            if t + 1 < frames:
                known = self._known(logits[-1], labels[:, t], step)
                short = self.network.remember(matched.seen, self._identify(known, identities, step))
                if t - kept >= self.mem_every:
                    long.append(short)
                    kept = t
        return logits

    def _identities(self, items: Sequence[int], step: int) -> Tensor:
        """(B, 11): which identity each object of an item has; background always the first."""
        rows = []
        for number in items:
            order = step_rng(step, index=number).permutation(MAX_OBJECTS) + 1
            rows.append([0, *order] if self.permute and self.training else range(CHANNELS))
        return torch.from_numpy(np.array(rows, dtype=np.int64))

    def _identify(self, labels: Tensor, identities: Tensor, step: int) -> Tensor:
        masks = identity_one_hot(labels)
        # Channel `identities[i, k]` becomes the mask of object k.
        inverse = identities.argsort(dim=1)
        found = self.network.identify_masks(masks.gather(1, _like(inverse, masks)))
        trains = not self.detach_identities or id_bank_trains(step, self.predictions_from)
        return found if trains else found.detach()

    @staticmethod
    def _named(logits: Tensor, identities: Tensor, counts: Sequence[int]) -> Tensor:
        """Logits of identities as those of objects."""
        return mask_unused(logits.gather(1, _like(identities, logits)), counts)

    def _known(self, logits: Tensor, labels: Tensor, step: int) -> Tensor:
        if self.predictions_from is None or step < self.predictions_from:
            return labels
        size = (labels.shape[1], labels.shape[2])
        return self.network.resize(logits.detach().float(), size).argmax(dim=1)

    @torch.no_grad()
    def pictures(self, batch: TrainingItem) -> NDArray[np.uint8]:
        """Two rows per item: its frames with the true outlines, and with the predicted ones."""
        few = {name: value[:3] for name, value in batch.items()}
        images, labels = few["images"], few["labels"]
        size = (labels.shape[2], labels.shape[3])
        answers = [
            self.network.resize(x.float(), size).argmax(dim=1)
            for x in self._predict(few, self.predictions_from or 0)
        ]
        predicted = torch.stack([labels[:, 0], *answers[1:]], dim=1)
        return montage(
            [
                [outlined(image, mask) for image, mask in zip(images[i], which[i], strict=True)]
                for i in range(len(images))
                for which in (labels, predicted)
            ]
        )


def _like(index: Tensor, maps: Tensor) -> Tensor:
    """(B, 11) spread over maps (B, 11, h, w), for `gather`."""
    return index[:, :, None, None].expand(-1, -1, *maps.shape[2:])


def _objects(batch: TrainingItem) -> ObjectRows:
    if batch["images"].shape[1] < 2:
        raise ValueError(f"a clip needs 2 frames, got {batch['images'].shape[1]}")
    if int(batch["num_objects"].max()) > MAX_OBJECTS:
        raise ValueError(f"at most {MAX_OBJECTS} objects, got {batch['num_objects'].tolist()}")
    return ObjectRows.of(batch["num_objects"], batch["labels"], batch["index"])
