"""Training of space-time memory networks on short clips (spec mivos 8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from civos_siaf.aggregate import aggregate_logits
from civos_siaf.data.samples import Item
from civos_siaf.networks.memory_read import read_batch
from civos_siaf.networks.propagation_network import FrameFeatures, Memory, PropagationNetwork
from civos_siaf.propagation.images import normalize
from civos_siaf.training.losses_mivos import BootstrappedCrossEntropy
from civos_siaf.training.losses_region import soft_jaccard
from civos_siaf.training.seeds import step_rng
from civos_siaf.training.strided_convolutions import keep_full_precision
from civos_siaf.training.task import Losses, Task
from civos_siaf.training.tasks.montage import montage, outlined

UNKNOWN = 255
_IGNORED = -100


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
        prefixes = [""] if freeze_bn is True else list(freeze_bn or [])
        self._frozen = frozen_norms(network, prefixes)

    def train(self, mode: bool = True) -> PropagationTask:
        """As in torch, but frozen batch norms stay in eval mode."""
        super().train(mode)
        for module in self._frozen:
            module.eval()
        return self

    def forward(self, batch: Item, step: int) -> Losses:
        """See `Task`; scalars: `ce`, `jaccard` (a loss) and `iou` of the last frame, mean over objects.

        Raises:
            ValueError: a batch without any object or with one frame only, or labels above an item's objects.
        """
        clip = _ClipBatch.of(batch)
        images, labels = batch["images"], batch["labels"]
        logits = self._predict(images, labels, clip, self._truths(batch, step))
        target = torch.where(labels == UNKNOWN, _IGNORED, labels)[:, 1:]
        ce = torch.stack([self.loss(x, target[:, t], step) for t, x in enumerate(logits)]).sum()
        total, scalars = ce, {"ce": ce.detach()}
        jaccard = torch.stack([self._jaccard(x, target[:, t], clip) for t, x in enumerate(logits)]).sum()
        if self.jaccard_weight:
            total = total + self.jaccard_weight * jaccard
        scalars["jaccard"] = jaccard.detach()
        scalars["iou"] = mean_iou(logits[-1].argmax(dim=1), labels[:, -1], clip.sample, clip.number)
        return Losses(total, scalars)

    def _predict(
        self, images: Tensor, labels: Tensor, clip: _ClipBatch, truths: NDArray[np.bool_]
    ) -> list[Tensor]:
        """Logits (B, K+1, H, W) of frames 1..T-1; classes that an item lacks are at minus infinity."""
        size, frames = images.shape[:2]
        flat = normalize(images.flatten(0, 1)).contiguous(memory_format=torch.channels_last)
        features = self.network.encode_frame(flat)
        numbers = torch.arange(size * frames, device=images.device).view(size, frames)
        masks = (labels[:, 0][clip.sample] == clip.number.view(-1, 1, 1) + 1).float()[:, None]
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
            masks = logits.softmax(dim=1)[clip.sample, clip.number + 1][:, None]
            if truths[t].any():
                true = (labels[:, t][clip.sample] == clip.number.view(-1, 1, 1) + 1).float()[:, None]
                given = torch.from_numpy(truths[t]).to(images.device)[clip.sample].view(-1, 1, 1, 1)
                masks = torch.where(given, true, masks)
        return result

    def _remember(
        self, images: Tensor, features: FrameFeatures, rows: Tensor, masks: Tensor, clip: _ClipBatch
    ) -> Memory:
        needed = features.rows(rows) if self.network.memory_needs_frame else None
        return self.network.encode_objects(images[rows], masks, clip.others(masks), needed)

    def _truths(self, batch: Item, step: int) -> NDArray[np.bool_]:
        """(T, B): which clips get the truth into memory after which frames."""
        frames, items = batch["images"].shape[1], batch["index"].tolist()
        draws = [step_rng(step, index=number).random(frames) for number in items]
        return np.asarray(np.stack(draws, axis=1) < self.truth_probability)

    @staticmethod
    def _jaccard(logits: Tensor, target: Tensor, clip: _ClipBatch) -> Tensor:
        prob = logits.softmax(dim=1)[clip.sample, clip.number + 1][:, None]
        own = target[clip.sample]
        binary = (own == clip.number.view(-1, 1, 1) + 1).long()
        return soft_jaccard(prob, torch.where(own == _IGNORED, -1, binary)[:, None]).mean()

    @torch.no_grad()
    def pictures(self, batch: Item) -> NDArray[np.uint8]:
        """Two rows per item: its frames with the true outlines, and with the predicted ones."""
        few = {name: value[:3] for name, value in batch.items()}
        images, labels = few["images"], few["labels"]
        clip = _ClipBatch.of(few)
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


@dataclass(frozen=True, slots=True, eq=False)
class _ClipBatch:
    """The objects of all items of a batch in a row.

    Attributes:
        sample: (P,) to which item an object belongs.
        number: (P,) its number there, from 0.
        size: B.
        most: K.
    """

    sample: Tensor
    number: Tensor
    size: int
    most: int

    @classmethod
    def of(cls, batch: Item) -> _ClipBatch:
        counts = batch["num_objects"]
        if batch["images"].shape[1] < 2 or int(counts.max()) < 1:
            raise ValueError(
                "a batch needs 2 frames and an object in some item, got "
                f"{batch['images'].shape[1]} frames and {counts.tolist()} objects"
            )
        highest = torch.where(batch["labels"] == UNKNOWN, 0, batch["labels"]).flatten(1).amax(dim=1)
        if bool((highest > counts).any()):
            raise ValueError(
                f"items {batch['index'].tolist()} have labels up to {highest.tolist()}, "
                f"but {counts.tolist()} objects"
            )
        most = int(counts.max())
        present = torch.arange(most, device=counts.device) < counts[:, None]
        sample, number = present.nonzero(as_tuple=True)
        return cls(sample, number, len(counts), most)

    def others(self, masks: Tensor) -> Tensor:
        """For each object (P, 1, H, W) the sum of its item's other ones."""
        sums = masks.new_zeros(self.size, *masks.shape[1:]).index_add(0, self.sample, masks)
        return sums[self.sample] - masks

    def classes(self, prob: Tensor) -> Tensor:
        """Probabilities (P, H, W) of objects to logits (B, K+1, H, W)."""
        every = prob.new_zeros(self.size, self.most, *prob.shape[1:])
        every = every.index_put((self.sample, self.number), prob)
        logits = aggregate_logits(every.transpose(0, 1)).transpose(0, 1)
        there = torch.zeros(self.size, self.most + 1, dtype=torch.bool, device=prob.device)
        there[:, 0] = True
        there[self.sample, self.number + 1] = True
        return logits.masked_fill(~there[:, :, None, None], float("-inf"))


def frozen_norms(network: nn.Module, prefixes: Sequence[str]) -> list[nn.Module]:
    """Batch norms whose names begin with one of the prefixes.

    Raises:
        ValueError: a prefix with which no batch norm begins.
    """
    norms = {
        name: module
        for name, module in network.named_modules()
        if isinstance(module, nn.modules.batchnorm._BatchNorm)
    }
    for prefix in prefixes:
        if prefix and not any(name.startswith(prefix) for name in norms):
            raise ValueError(f"no batch norm begins with {prefix!r}")
    return [module for name, module in norms.items() if name.startswith(tuple(prefixes))]


def mean_iou(labels: Tensor, truth: Tensor, sample: Tensor, number: Tensor) -> Tensor:
    """Mean IoU over objects.

    Args:
        labels: (B, H, W) as predicted.
        truth: (B, H, W); 255 is left out.
        sample: (P,) item of each object.
        number: (P,) its number there, from 0.

    Returns:
        A scalar; an object that is rightly absent counts 1.
    """
    ids, known = number.view(-1, 1, 1) + 1, (truth != UNKNOWN)[sample]
    a, b = (labels[sample] == ids) & known, (truth[sample] == ids) & known
    overlap, union = (a & b).sum(dim=(1, 2)).float(), (a | b).sum(dim=(1, 2)).float()
    return torch.where(union > 0, overlap / union.clamp(min=1), 1.0).mean()
