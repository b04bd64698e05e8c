"""The space-time memory of one sweep (docs/specification/mivos.md section 6.2)."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

import torch
from torch import Tensor

from civos_siaf.networks.memory_read import read_memory
from civos_siaf.networks.propagation_network import Memory


@dataclass(frozen=True, slots=True, eq=False)
class AnnotatedMemory:
    """What an annotated frame left in memory, for good.

    Attributes:
        frame: its number.
        memory: of the objects that existed when it was annotated.
        appearing: objects in its masks.
    """

    frame: int
    memory: Memory
    appearing: frozenset[int] = frozenset()

    @property
    def num_objects(self) -> int:
        """How many objects it knows."""
        return len(self.memory.value)


class MemoryBank:
    """Keys and values as rows in a buffer: annotated frames, kept frames, and the frame before.

    Args:
        top_k: see `read_memory`.
        max_memory_frames: most kept frames; beyond it every second of them is dropped. None: no limit.
        shared_keys: all objects have the same keys.

    Raises:
        ValueError: a limit below 1.
    """

    def __init__(
        self, *, top_k: int | None = 50, max_memory_frames: int | None = None, shared_keys: bool = False
    ) -> None:
        if max_memory_frames is not None and max_memory_frames < 1:
            raise ValueError(f"max_memory_frames must be 1 or more, got {max_memory_frames}")
        self.top_k = top_k
        self.max_memory_frames = max_memory_frames
        self.shared_keys = shared_keys
        self._keys = torch.empty(0)
        self._values = torch.empty(0)
        self._positions = 0
        self._starts: list[int] = []
        self._begun: tuple[AnnotatedMemory, ...] = ()
        self._annotated = self._kept = 0
        self._previous = False

    @property
    def num_frames(self) -> int:
        """Frames that can be read now."""
        return self._annotated + self._kept + self._previous

    @property
    def num_bytes(self) -> int:
        """Size of the buffers."""
        return sum(x.numel() * x.element_size() for x in (self._keys, self._values))

    def begin(self, annotated: Sequence[AnnotatedMemory]) -> None:
        """Forget everything and start a sweep from the annotated frames, in the order of annotation.

        An object is looked for only in frames annotated since it exists.

        Raises:
            ValueError: no annotated frame.
        """
        if not annotated:
            raise ValueError("a sweep needs at least one annotated frame in memory")
        num_objects, known_before = annotated[-1].num_objects, len(self._starts)
        known = [entry.num_objects for entry in annotated]
        self._starts = [next(i for i, n in enumerate(known) if n > k) for k in range(num_objects)]
        self._annotated, self._kept, self._previous = 0, 0, False
        if known_before == num_objects:
            # What the sweep before began with is still in its place.
            self._annotated = sum(takewhile(bool, map(operator.is_, self._begun, annotated)))
        self._begun = self._begun[: self._annotated]
        for entry in annotated[self._annotated :]:
            self._write(self._annotated, entry.memory, num_objects)
            self._annotated += 1
        self._begun = tuple(annotated)

    def add(self, memory: Memory, *, keep: bool) -> None:
        """Put in a frame of the sweep; unless it is kept, only until the next one comes."""
        self._write(self._annotated + self._kept, memory, len(self._starts))
        self._kept += keep
        self._previous = not keep
        if self.max_memory_frames is not None and self._kept > self.max_memory_frames:
            self._thin()

    def read(self, key: Tensor) -> Tensor:
        """Read for a frame's key (1, C_k, h, w): (K, C_v, h, w)."""
        end = self.num_frames * self._positions
        columns = key[0].flatten(1)
        parts = []
        for start in sorted(set(self._starts)):
            # Objects come with rising numbers, so those with the same start are neighbours.
            own = [k for k, first in enumerate(self._starts) if first == start]
            group = slice(own[0], own[-1] + 1)
            rows = slice(start * self._positions, end)
            keys = self._keys[slice(None) if self.shared_keys else group, rows]
            parts.append(read_memory(keys, self._values[group, rows], columns, top_k=self.top_k))
        return torch.cat(parts).view(len(self._starts), -1, *key.shape[2:])

    def _write(self, slot: int, memory: Memory, num_objects: int) -> None:
        groups = 1 if self.shared_keys else num_objects
        self._positions = memory.key[0, 0].numel()
        rows = slice(slot * self._positions, (slot + 1) * self._positions)
        self._keys = _with_room(self._keys, (groups, rows.stop, memory.key.shape[1]), memory.key)
        self._values = _with_room(self._values, (num_objects, rows.stop, memory.value.shape[1]), memory.value)
        self._keys[: len(memory.key), rows] = memory.key.flatten(2).transpose(1, 2)
        self._values[: len(memory.value), rows] = memory.value.flatten(2).transpose(1, 2)

    def _thin(self) -> None:
        """Drop every second kept frame, beginning with the oldest."""
        first = self._annotated
        for target, source in enumerate(range(first + 1, first + self._kept, 2), start=first):
            to = slice(target * self._positions, (target + 1) * self._positions)
            origin = slice(source * self._positions, (source + 1) * self._positions)
            for rows in (self._keys, self._values):
                rows[:, to] = rows[:, origin]
        self._kept //= 2
        self._previous = False


def _with_room(rows: Tensor, shape: tuple[int, int, int], like: Tensor) -> Tensor:
    """`rows` (N, M, C) if they suffice for `shape`, else a copy with twice the places that are needed."""
    if (
        rows.ndim == 3
        and rows.dtype == like.dtype
        and rows.shape[0] == shape[0]
        and rows.shape[2] == shape[2]
    ):
        if rows.shape[1] >= shape[1]:
            return rows
        larger = rows.new_zeros(shape[0], 2 * shape[1], shape[2])
        larger[:, : rows.shape[1]] = rows
        return larger
    return like.new_zeros(shape[0], shape[1], shape[2])
