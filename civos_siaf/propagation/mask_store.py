"""The masks of a video: probabilities and labels of every frame (docs/specification/mivos.md section 6)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from civos_siaf.networks.padding import Padding
from civos_siaf.propagation.label_store import label_video, pack, unpack
from civos_siaf.propagation.tensor_spill import TensorHandle, TensorSpill

START_BACKGROUND = 1e-7
"""Probability of the background where nothing was ever predicted; that of the objects is 0."""


@dataclass(frozen=True, slots=True, eq=False)
class MaskState:
    """All masks at a moment; unchanged frames are shared with other moments."""

    prob: tuple[TensorHandle | None, ...]
    labels: tuple[bytes | None, ...]
    shown: dict[int, bytes]


class MaskStore:
    """Padded probabilities (K+1, H', W') and labels of T frames, and labels that are shown in their place.

    Args:
        num_frames: T.
        num_objects: K.
        padding: of the frames.
        max_bytes: probabilities kept in memory; the rest goes into a temporary file.
        max_video_bytes: label videos larger than this are decoded frame by frame when they are looked at.
        folder: for temporary files.
    """

    def __init__(
        self,
        num_frames: int,
        num_objects: int,
        padding: Padding,
        *,
        max_bytes: int = 2**30,
        max_video_bytes: int = 2**30,
        folder: Path | str | None = None,
    ) -> None:
        self.num_objects = num_objects
        self.padding = padding
        self._max_video_bytes = max_video_bytes
        self._shelf = TensorSpill(max_bytes=max_bytes, folder=folder)
        self._prob: list[TensorHandle | None] = [None] * num_frames
        self._labels: list[bytes | None] = [None] * num_frames
        self._shown: dict[int, bytes] = {}

    def __len__(self) -> int:
        return len(self._prob)

    def prob(self, frame: int) -> Tensor:
        """Probabilities (K+1, H', W') on the CPU; objects that came later have 0."""
        put = self._prob[frame]
        channels = self.num_objects + 1
        known = put.get() if put is not None else None
        if known is not None and len(known) == channels:
            return known
        out = torch.zeros(channels, *self.padding.size)
        if known is None:
            out[0] = START_BACKGROUND
        else:
            out[: len(known)] = known
        return out

    def labels(self, frame: int) -> NDArray[np.uint8]:
        """Labels (H', W'), those shown if there are any."""
        return _unpacked(self._shown.get(frame, self._labels[frame]), self.padding)

    def check_room(self, num_frames: int) -> None:
        """See whether the probabilities of so many frames can be written.

        Raises:
            ValueError: the disk has too little room.
        """
        height, width = self.padding.size
        self._shelf.check_room(num_frames, 4 * (self.num_objects + 1) * height * width)

    def write(self, frame: int, prob: Tensor) -> None:
        """Store probabilities (K+1, H', W') and their labels."""
        self._prob[frame] = self._shelf.put(prob)
        self._labels[frame] = _packed(prob)

    def show(self, frame: int, prob: Tensor) -> None:
        """Let the labels of these probabilities be seen; what is stored does not change."""
        self._shown[frame] = _packed(prob)

    def forget_shown(self) -> None:
        """Let what is stored be seen again."""
        self._shown = {}

    def video(self) -> NDArray[np.uint8]:
        """Labels (T, H, W) of all frames, a copy."""
        labels, shown, padding = tuple(self._labels), dict(self._shown), self.padding

        def read(frame: int) -> NDArray[np.uint8]:
            return _cropped(_unpacked(shown.get(frame, labels[frame]), padding), padding)

        size = (padding.height, padding.width)
        return label_video(len(labels), size, read, max_bytes=self._max_video_bytes)

    def cropped(self, frame: int) -> NDArray[np.uint8]:
        """Labels (H, W) of a frame."""
        return _cropped(self.labels(frame), self.padding)

    def snapshot(self) -> MaskState:
        """The masks now."""
        return MaskState(tuple(self._prob), tuple(self._labels), dict(self._shown))

    def restore(self, state: MaskState) -> None:
        """The masks as they were."""
        self._prob, self._labels, self._shown = list(state.prob), list(state.labels), dict(state.shown)


def _packed(prob: Tensor) -> bytes:
    """Labels of (K+1, H', W'), the lowest on ties, compressed: they take a hundredth of the space."""
    best = prob[0]
    labels = torch.zeros_like(best, dtype=torch.uint8)
    # Object by object: ten times as fast on a CPU as argmax over the first axis.
    for k in range(1, len(prob)):
        labels.masked_fill_(prob[k] > best, k)
        best = torch.maximum(best, prob[k])
    return pack(labels.cpu().numpy())


def _unpacked(packed: bytes | None, padding: Padding) -> NDArray[np.uint8]:
    return np.zeros(padding.size, np.uint8) if packed is None else unpack(packed, padding.size)


def _cropped(labels: NDArray[np.uint8], padding: Padding) -> NDArray[np.uint8]:
    return np.asarray(padding.crop(torch.from_numpy(labels)))
