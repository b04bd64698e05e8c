"""Any number of objects through one video, from first frames with masks.

Source: docs/specification/aot.md sections 10, 11.
"""

from __future__ import annotations

import torch
from torch import Tensor

from civos_siaf.networks.identity_network import IdentityNetwork, mask_unused
from civos_siaf.networks.object_groups import (
    enlarged_labels,
    group_counts,
    merge_logits,
    num_groups,
    split_labels,
)
from civos_siaf.networks.propagation_network import FrameFeatures
from civos_siaf.propagation.aot_engine import AotEngine


class AotTracker:
    """Engines for groups of ten objects. Groups that begin with the same frame share an engine as a batch.

    Labels here have the size of the network's image.

    Args:
        network: in eval mode.
        mem_every: see `AotEngine`.
        max_memory_frames: see `LongTermMemory`.
    """

    def __init__(
        self, network: IdentityNetwork, *, mem_every: int, max_memory_frames: int | None = None
    ) -> None:
        self.network = network
        self.num_objects = 0
        self._mem_every = mem_every
        self._max_memory_frames = max_memory_frames
        self._engines: list[AotEngine] = []
        self._groups: list[int] = []

    @property
    def engines(self) -> tuple[AotEngine, ...]:
        """One for every frame with which groups began."""
        return tuple(self._engines)

    @torch.inference_mode()
    def add_reference(self, frame: FrameFeatures, labels: Tensor, *, num_objects: int) -> None:
        """Remember a frame with given labels (H, W); objects may be new.

        For a frame just propagated it takes the place of `update`.

        Raises:
            ValueError: fewer objects than before, or labels above their number.
        """
        if num_objects < self.num_objects:
            raise ValueError(f"objects only come: there were {self.num_objects}, now {num_objects}")
        known = labels[labels != 255]
        if known.numel() and int(known.max()) > num_objects:
            raise ValueError(f"label {int(known.max())} with {num_objects} objects")
        self.num_objects = num_objects
        missing = num_groups(num_objects) - sum(self._groups)
        if missing > 0:
            self._engines.append(
                AotEngine(self.network, mem_every=self._mem_every, max_memory_frames=self._max_memory_frames)
            )
            self._groups.append(missing)
        for engine, own in zip(self._engines, self._split(labels), strict=True):
            engine.add_reference(self.network.reference(frame, self.network.identify(own))[1])

    def propagate(self, frame: FrameFeatures) -> Tensor:
        """Logits (E, 11, H/4, W/4) of all groups for the next frame, see `AotEngine.propagate`.

        Raises:
            ValueError: there is no reference frame yet.
        """
        if not self._engines:
            raise ValueError("nothing to propagate: no reference frame was added")
        return torch.cat([engine.propagate(frame) for engine in self._engines])

    def update(self, labels: Tensor) -> None:
        """Remember the frame just propagated with its labels (H, W)."""
        for engine, own in zip(self._engines, self._split(labels), strict=True):
            engine.update(own)

    def merged(self, logits: Tensor, size: tuple[int, int]) -> Tensor:
        """What `propagate` gave as logits of all objects in a size (H, W).

        Returns:
            (1 + 10 E, H, W), index 0 = background; those of unused identities are very low.
        """
        known = mask_unused(logits, group_counts(self.num_objects))
        return merge_logits(self.network.resize(known, size))

    def labels(self, logits: Tensor, size: tuple[int, int]) -> Tensor:
        """What `propagate` gave as labels (H, W) uint8: the strongest of `merged`, in less time."""
        return enlarged_labels(self.network, logits, self.num_objects, size)

    def _split(self, labels: Tensor) -> tuple[Tensor, ...]:
        parts = split_labels(labels, sum(self._groups))
        return torch.split(parts, self._groups)
