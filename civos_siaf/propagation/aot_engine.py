"""AOT's inference, one frame after the other (docs/specification/aot.md section 10)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from civos_siaf.networks.identity_network import FrameMemory, IdentityNetwork, KeyValue, Matched, Seen
from civos_siaf.networks.propagation_network import FrameFeatures
from civos_siaf.propagation.aot_memory import LongTermMemory, picked


class AotEngine:
    """Up to ten objects, or E groups of ten with the same history, which go through as a batch.

    `propagate` and `update` follow each other in turn. It may also run E sweeps over a video at once: then
    features, memories and labels have a batch of E.

    Args:
        network: in eval mode.
        mem_every: every so many frames one goes into the long-term memory.
        max_memory_frames: see `LongTermMemory`.
    """

    def __init__(
        self, network: IdentityNetwork, *, mem_every: int, max_memory_frames: int | None = None
    ) -> None:
        self.network = network
        self.mem_every = mem_every
        self.long = LongTermMemory(max_memory_frames=max_memory_frames)
        self._short: FrameMemory | None = None
        self._step = self._last_kept = 0
        self._matched: Matched | None = None

    def begin(self, references: Sequence[FrameMemory], source: FrameMemory) -> None:
        """Start a sweep: forget everything but reference frames, one of which is where the sweep starts.

        Args:
            references: their memories, for E groups or sweeps; one with a batch of 1 serves all of them.
            source: memory of the frame where the sweep starts, or of E such frames.

        Raises:
            ValueError: no reference frame.
        """
        if not references:
            raise ValueError("a sweep needs at least one reference frame")
        self.long.clear()
        self._step = self._last_kept = 0
        self._matched = None
        for memory in references:
            self.long.add(memory, reference=True)
        self._short = source

    def add_reference(self, memory: FrameMemory) -> None:
        """Put in a further reference frame, from which to go on; see `IdentityNetwork.reference`.

        For a frame just propagated it takes the place of `update`.
        """
        self._matched = None
        self.long.add(memory, reference=True)
        self._short = memory
        self._last_kept = self._step

    @torch.inference_mode()
    def propagate(self, frame: FrameFeatures) -> Tensor:
        """Logits (E, 11, H/4, W/4) of the next frame, those of unused identities too.

        Raises:
            ValueError: there is no reference frame yet.
        """
        if self._short is None:
            raise ValueError("nothing to propagate: no reference frame was added")
        self._step += 1
        self._matched = self.network.match(frame, self.long.read(), self._short)
        return self.network.decode(self._matched.maps, frame)

    @torch.inference_mode()
    def update(self, labels: Tensor) -> None:
        """Remember the frame just propagated with its labels (E, H, W), of the size of the network's image.

        Raises:
            ValueError: no frame was propagated since the last update, or labels of another size.
        """
        if self._matched is None:
            raise ValueError("update follows propagate, once for every frame")
        identity = self.network.identify(labels)
        tokens = self._matched.seen[0].tokens.shape[1]
        if identity.shape[1] != tokens:
            size = tuple(labels.shape[-2:])
            raise ValueError(f"labels {size} make {identity.shape[1]} positions, the frame has {tokens}")
        memory = self.network.remember(self._matched.seen, identity)
        self._matched = None
        self._short = memory
        if self._step - self._last_kept >= self.mem_every:
            self.long.add(memory, reference=False)
            self._last_kept = self._step

    @torch.inference_mode()
    def select(self, rows: Tensor) -> None:
        """Go on with some rows (P,) of the batch only, such as sweeps that have not ended yet."""
        self.long.select(rows)
        if self._short is not None:
            self._short = tuple(KeyValue(*(picked(x, rows) for x in layer)) for layer in self._short)
        if self._matched is not None:
            seen = [Seen(*(picked(x, rows) for x in layer)) for layer in self._matched.seen]
            self._matched = self._matched._replace(seen=seen)
