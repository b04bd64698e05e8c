"""What AOT remembers of a video: reference frames for good, others during a sweep.

Source: docs/specification/aot.md section 10.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from civos_siaf.networks.identity_network import FrameMemory, IdentityNetwork, KeyValue
from civos_siaf.networks.propagation_network import FrameFeatures


class ReferenceMemories:
    """The memories of annotated frames by frame: exact, so they are made once and serve every later round.

    A reference frame's memory depends on its image and its masks alone, not on other frames.

    Args:
        network: in eval mode.
    """

    def __init__(self, network: IdentityNetwork) -> None:
        self.network = network
        self._kept: dict[int, FrameMemory] = {}

    @torch.inference_mode()
    def annotate(self, frame: int, features: FrameFeatures, labels: Tensor) -> None:
        """Remember a frame, in the place of what was known of it.

        Args:
            frame: its number.
            features: of its image.
            labels: (E, H, W) of each group of objects, of the size of the network's image.
        """
        _, memory = self.network.reference(features, self.network.identify(labels))
        self._kept[frame] = memory

    def forget(self, frame: int) -> None:
        """Drop a frame.

        Raises:
            ValueError: it is not remembered.
        """
        if frame not in self._kept:
            raise ValueError(f"frame {frame} is not among the remembered ones, {sorted(self._kept)}")
        del self._kept[frame]

    def __getitem__(self, frame: int) -> FrameMemory:
        return self._kept[frame]

    def __contains__(self, frame: int) -> bool:
        return frame in self._kept

    def __iter__(self) -> Iterator[int]:
        return iter(sorted(self._kept))

    def __len__(self) -> int:
        return len(self._kept)

    def all(self) -> list[FrameMemory]:
        """Every frame's memory, by number of the frame."""
        return [self._kept[frame] for frame in self]

    def snapshot(self) -> dict[int, FrameMemory]:
        """What is remembered now; memories are shared, not copied."""
        return dict(self._kept)

    def restore(self, kept: Mapping[int, FrameMemory]) -> None:
        """What was remembered at the time of a snapshot."""
        self._kept = dict(kept)

    @property
    def num_bytes(self) -> int:
        """Bytes of all tensors."""
        return sum(
            x.numel() * x.element_size() for memory in self._kept.values() for layer in memory for x in layer
        )


class LongTermMemory:
    """Keys and values of frames side by side in buffers that grow; for inference only.

    Args:
        max_memory_frames: most frames that are kept; beyond it the oldest goes that is no reference.
            References are all kept. None: no limit, as the original.

    Raises:
        ValueError: a limit below 1.
    """

    def __init__(self, *, max_memory_frames: int | None = None) -> None:
        if max_memory_frames is not None and max_memory_frames < 1:
            raise ValueError(f"max_memory_frames must be 1 or more, got {max_memory_frames}")
        self.max_memory_frames = max_memory_frames
        self._buffers: list[list[Tensor]] = []
        self._positions = 0
        self._frames = 0
        self._passing: deque[int] = deque()

    @property
    def num_frames(self) -> int:
        """Frames that can be read now."""
        return self._frames

    @property
    def num_tokens(self) -> int:
        """Positions that can be read now."""
        return self._frames * self._positions

    def clear(self) -> None:
        """Forget all frames; buffers stay."""
        self._frames = 0
        self._passing.clear()

    @torch.inference_mode()
    def add(self, memory: FrameMemory, *, reference: bool) -> None:
        """Put in a frame.

        Raises:
            ValueError: its size is not that of the frames before.
        """
        positions = memory[0].key.shape[2]
        if self._frames and positions != self._positions:
            raise ValueError(f"a frame of {positions} positions among frames of {self._positions}")
        self._positions = positions
        full = self.max_memory_frames is not None and self._frames >= self.max_memory_frames
        if full and self._passing:
            slot = self._passing.popleft()
        elif full and not reference:
            return
        else:
            slot = self._frames
            self._frames += 1
        if not reference:
            self._passing.append(slot)
        flat = [tensor for layer in memory for tensor in layer]
        self._make_room(flat)
        for buffer, tensor in zip(self._flat(), flat, strict=True):
            buffer[:, :, slot * positions : (slot + 1) * positions] = tensor

    def read(self) -> FrameMemory:
        """All frames as one memory, views that the next `add` may change."""
        end = self.num_tokens
        return tuple(KeyValue(key[:, :, :end], value[:, :, :end]) for key, value in self._buffers)

    def select(self, rows: Tensor) -> None:
        """Go on with these rows (P,) of the batch; what is shared by the batch stays so."""
        self._buffers = [[picked(buffer, rows) for buffer in layer] for layer in self._buffers]

    def _flat(self) -> list[Tensor]:
        return [buffer for layer in self._buffers for buffer in layer]

    def _make_room(self, tensors: Sequence[Tensor]) -> None:
        """Let every buffer hold all frames, and the batch of what comes."""
        old = self._flat()
        if self._frames == 1 and any(len(a) != len(b) for a, b in zip(old, tensors, strict=False)):
            # Nothing to keep, and reading must give the batch of now.
            old = []
        fitting = all(len(a) >= len(b) for a, b in zip(old, tensors, strict=False))
        if old and fitting and old[0].shape[2] >= self.num_tokens:
            return
        frames = max(4, 2 * self._frames)
        if self.max_memory_frames is not None:
            frames = max(self._frames, min(frames, self.max_memory_frames))
        new = []
        for index, tensor in enumerate(tensors):
            batch = max(len(tensor), len(old[index]) if old else 0)
            buffer = tensor.new_empty(batch, tensor.shape[1], frames * self._positions, tensor.shape[3])
            if old:
                known = min(old[index].shape[2], buffer.shape[2])
                buffer[:, :, :known] = old[index][:, :, :known]
            new.append(buffer)
        self._buffers = [list(pair) for pair in zip(new[::2], new[1::2], strict=True)]


def picked(x: Tensor, rows: Tensor) -> Tensor:
    """Rows (P,) of a batch; a batch of 1 serves all and stays."""
    return x if len(x) == 1 else x[rows]


def batched(memories: Sequence[FrameMemory]) -> FrameMemory:
    """Memories of groups or sweeps, of the same number of frames each, along the batch."""
    return tuple(
        KeyValue(*(torch.cat(parts) for parts in zip(*layer, strict=True)))
        for layer in zip(*memories, strict=True)
    )
