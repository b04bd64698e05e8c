"""Training of networks that turn marks on several frames into masks of all of them.

Source: docs/specification/siaf.md section 10.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from civos_siaf.data.interaction_items import wanted
from civos_siaf.data.samples import TrainingItem
from civos_siaf.data.users.marks import MarkUser
from civos_siaf.networks.imagenet import normalize
from civos_siaf.training.losses import AotLoss
from civos_siaf.training.network_changes import keep_full_precision
from civos_siaf.training.seeds import step_rng
from civos_siaf.training.task import Losses, Task
from civos_siaf.training.tasks.montage import marked, montage, outlined
from civos_siaf.training.tasks.propagation import frozen_norms

MAX_OBJECTS = 10
CHANNELS = MAX_OBJECTS + 1
UNKNOWN = 255
UNUSED = -1e4
CHANGED = ("labels", "marks", "previous", "num_objects")
"""What a second round changes about an item."""


class InteractionNetwork(Protocol):
    """What turns marks into masks, such as `networks.afi.Afi`."""

    def quarter(self, images: Tensor, marks: Tensor, previous: Tensor) -> Tensor:
        """Logits (B, T, 11, H/4, W/4) of images (B, T, 3, H, W), marks and masks (B, T, 11, H, W)."""


class InteractionTask(Task):
    """Marks and previous masks of T frames become the masks of all T, with identities in random channels.

    A batch is made of `InteractionItems`: `images` (B, T, 3, H, W) in [0, 1], `labels` (B, T, H, W) of 0..N
    and 255 (unknown), `marks` and `previous` (B, T, H, W) of 0..N and -1, `num_objects`, `on_policy` and
    `index` (B,). Where `on_policy` is set, the network answers the marks first; its answer is the previous
    mask, and the marks are those of a user who corrects it.

    Args:
        network: what is trained.
        architecture: its name in `weights`.
        loss: of each frame; they are averaged over frames and samples.
        user: corrects the network's own masks.
        freeze_bn: batch norms keep their statistics, only scale and shift are trained; or the beginnings of
            the names of those that do.
        draw_identities: of the ten, for each item; off for networks to which identities are all the same:
            they get the channels that a batch uses, and no more.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        architecture: str,
        loss: AotLoss,
        user: MarkUser,
        freeze_bn: bool | Sequence[str] = False,
        draw_identities: bool = True,
    ) -> None:
        super().__init__()
        # For speed; the weights stay the same.
        keep_full_precision(network)
        self.network = network
        self.architecture = architecture
        self.loss, self.user = loss, user
        self.draw_identities = draw_identities
        self._frozen = frozen_norms(network, freeze_bn)

    def forward(self, batch: TrainingItem, step: int) -> Losses:
        """See `Task`; scalars: `iou`, mean over objects and frames, `frames`, `on_policy`, the share of such
        items, and `migrated`, the IoU on frames where an object was not marked and had no previous mask; it
        is missing where there are none.

        Raises:
            ValueError: more than ten objects.
        """
        if int(batch["num_objects"].max()) > MAX_OBJECTS:
            raise ValueError(
                f"items {batch['index'].tolist()} have {batch['num_objects'].tolist()} objects, 10 at most"
            )
        batch = self.second_round(batch, step)
        order = self._order(batch["index"], step)
        labels, counts = batch["labels"], batch["num_objects"]
        logits = self.logits(batch, order)
        frames = labels.shape[1]
        each = self.loss(logits.flatten(0, 1), labels.flatten(0, 1), counts.repeat_interleave(frames), step)
        scalars = scores(answer(logits.detach(), labels.shape[-2:], counts), batch)
        scalars["frames"] = torch.tensor(float(frames))
        scalars["on_policy"] = batch["on_policy"].float().mean()
        return Losses(each.mean(), scalars)

    def logits(self, batch: TrainingItem, order: Tensor) -> Tensor:
        """Logits (B, T, 11, H/4, W/4), by object number.

        Args:
            batch: see above.
            order: (B, 11), the channel of each identity.
        """
        marks, previous = (clip_one_hot(batch[name], order) for name in ("marks", "previous"))
        network = cast("InteractionNetwork", self.network)
        images = normalize(batch["images"])
        if not self.draw_identities:
            used = int(batch["num_objects"].max()) + 1
            out = network.quarter(images, marks[:, :, :used], previous[:, :, :used])
            return F.pad(out, (0, 0, 0, 0, 0, CHANNELS - used), value=UNUSED)
        out = network.quarter(images, marks, previous)
        places = order[:, None, :, None, None].expand_as(out)
        return out.gather(2, places)

    @torch.no_grad()
    def second_round(self, batch: TrainingItem, step: int) -> TrainingItem:
        """The batch with the network's own masks, and corrections of them, where that is asked for."""
        rows = batch["on_policy"].nonzero()[:, 0]
        if not len(rows):
            return batch
        part = {name: value[rows] for name, value in batch.items()}
        training = self.training
        self.eval()
        logits = self.logits(part, self._order(part["index"], step))
        self.train(training)
        # Autocast would give the training pass the weights that it cast here, which have no gradient.
        torch.clear_autocast_cache()
        size = part["labels"].shape[-2:]
        predicted = answer(logits, size, part["num_objects"]).cpu().numpy().astype(np.uint8)
        out = {name: value.clone() if name in CHANGED else value for name, value in batch.items()}
        for row, previous in zip(rows.tolist(), predicted, strict=True):
            labels = batch["labels"][row].cpu().numpy().astype(np.uint8)
            rng = step_rng(step, index=int(batch["index"][row]))
            marks = self.user.correct(labels, previous, rng)
            known = wanted(labels, marks, previous.astype(np.int64))
            values = (known.labels, known.marks, known.previous, known.num_objects)
            for name, value in zip(CHANGED, values, strict=True):
                out[name][row] = torch.as_tensor(value)
        return out

    def _order(self, index: Tensor, step: int) -> Tensor:
        """For each item (B, 11) the channels of background, which keeps 0, and of objects 1..10."""
        if not self.draw_identities:
            return torch.arange(CHANNELS, device=index.device).expand(len(index), -1)
        draws = [1 + step_rng(step, index=number).permutation(MAX_OBJECTS) for number in index.tolist()]
        order = np.pad(np.stack(draws), ((0, 0), (1, 0)))
        return torch.from_numpy(order).to(index.device)

    @torch.no_grad()
    def pictures(self, batch: TrainingItem) -> NDArray[np.uint8]:
        """Three rows per item: the truth, what was there before with the marks, and the answer."""
        few = self.second_round({name: value[:2] for name, value in batch.items()}, 0)
        images, labels, previous = few["images"], few["labels"], few["previous"].clamp(min=0)
        logits = self.logits(few, self._order(few["index"], 0))
        predicted = answer(logits, labels.shape[-2:], few["num_objects"])
        rows = []
        for i, frames in enumerate(images):
            before = [outlined(*both) for both in zip(frames, previous[i], strict=True)]
            rows += [
                [outlined(*both) for both in zip(frames, labels[i], strict=True)],
                [marked(*both) for both in zip(before, few["marks"][i], strict=True)],
                [outlined(*both) for both in zip(frames, predicted[i], strict=True)],
            ]
        return montage(rows)


def clip_one_hot(numbers: Tensor, order: Tensor) -> Tensor:
    """Numbers (B, T, H, W) of -1..10 as float planes (B, T, 11, H, W), number k in channel order[:, k].

    Where a number is -1 all planes are zero.
    """
    channels = order.gather(1, numbers.clamp(min=0).flatten(1)).view_as(numbers)
    channels = torch.where(numbers < 0, -1, channels)
    planes = torch.arange(CHANNELS, device=numbers.device).view(-1, 1, 1)
    return (channels[:, :, None] == planes).float()


def answer(logits: Tensor, size: Sequence[int], counts: Tensor) -> Tensor:
    """Labels (B, T, H, W) of `size` (H, W) from logits (B, T, 11, h, w), for `counts` (B,) objects."""
    there = logits[:, :, : int(counts.max()) + 1].float()
    full = F.interpolate(there.flatten(0, 1), list(size), mode="bilinear", align_corners=False)
    full = full.view(*there.shape[:3], *size)
    absent = torch.arange(there.shape[2], device=logits.device) > counts[:, None]
    return torch.argmax(full.masked_fill(absent[:, None, :, None, None], float("-inf")), dim=2)


def scores(predicted: Tensor, batch: TrainingItem) -> dict[str, Tensor]:
    """Mean IoU of predicted labels (B, T, H, W) over objects and frames, 0-dimensional.

    `iou` is of all that are there or predicted; `migrated` of those of first rounds that are there and not
    marked on that frame, if any.
    """
    labels, classes = batch["labels"], CHANNELS + 1
    truth = torch.where(labels == UNKNOWN, CHANNELS, labels)
    size, frames = labels.shape[:2]
    clip = torch.arange(size * frames, device=labels.device).view(size, frames, 1, 1)
    pairs = ((clip * classes + truth) * CHANNELS + predicted).flatten()
    table = torch.bincount(pairs, minlength=size * frames * classes * CHANNELS)
    table = table.view(size, frames, classes, CHANNELS)[:, :, :CHANNELS].float()
    both = table.diagonal(dim1=2, dim2=3)[..., 1:]
    there = table.sum(dim=3)[..., 1:]
    either = there + table.sum(dim=2)[..., 1:] - both
    iou = both / either.clamp(min=1)
    out = {"iou": iou[either > 0].mean() if bool((either > 0).any()) else iou.new_ones(())}
    numbers = torch.arange(1, CHANNELS, device=labels.device)
    drawn = (batch["marks"].flatten(2)[:, :, None] == numbers[:, None]).any(dim=3)
    first = (batch["previous"] < 0).flatten(1).all(dim=1)[:, None, None]
    moved = first & ~drawn & (there > 0)
    if bool(moved.any()):
        out["migrated"] = iou[moved].mean()
    return out
