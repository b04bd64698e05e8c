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

    channels: tuple[int, ...]
    prob: tuple[TensorHandle | None, ...]
    labels: tuple[bytes | None, ...]
    shown: dict[int, bytes]


class MaskStore:
    """Padded probabilities (K+1, H', W') and labels of T frames, and labels that are shown in their place.

    Among the channels that compete for a pixel there can be distractors beside the K objects: what looks like
    an object and is none. Outside, they are background.

    Attributes:
        channels: the label of each channel after the background, in the order in which they came; 0 for a
            distractor.

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
        self.channels = tuple(range(1, num_objects + 1))
        self.padding = padding
        self._max_video_bytes = max_video_bytes
        self._shelf = TensorSpill(max_bytes=max_bytes, folder=folder)
        self._prob: list[TensorHandle | None] = [None] * num_frames
        self._labels: list[bytes | None] = [None] * num_frames
        self._shown: dict[int, bytes] = {}

    def __len__(self) -> int:
        return len(self._prob)

    @property
    def num_objects(self) -> int:
        """K."""
        return sum(label > 0 for label in self.channels)

    def add_objects(self, count: int = 1) -> None:
        """Make room for further objects."""
        first = self.num_objects + 1
        self.channels += tuple(range(first, first + count))

    def add_distractor(self) -> None:
        """Make room for something that looks like an object."""
        self.channels += (0,)

    def to_channels(self, prob: Tensor) -> Tensor:
        """Probabilities (K+1, H', W') with a channel for each distractor, which is nowhere."""
        if 0 not in self.channels:
            return prob
        rows = [prob[label] if label else torch.zeros_like(prob[0]) for label in self.channels]
        return torch.stack([prob[0], *rows])

    def to_objects(self, prob: Tensor) -> Tensor:
        """Probabilities of the channels as those (K+1, H', W') of the objects."""
        if 0 not in self.channels:
            return prob
        places = list(enumerate(self.channels, 1))
        objects = [0, *(place for place, label in places if label)]
        out = prob[objects]
        out[0] += sum(prob[place] for place, label in places if not label)
        return out

    def prob(self, frame: int) -> Tensor:
        """Probabilities (K+1, H', W') on the CPU; objects that came later have 0."""
        return self.to_objects(self.channel_prob(frame))

    def channel_prob(self, frame: int) -> Tensor:
        """As `prob`, of all channels."""
        put = self._prob[frame]
        channels = len(self.channels) + 1
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
        return self._labelled(_unpacked(self._shown.get(frame, self._labels[frame]), self.padding))

    def _labelled(self, channels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Labels in place of the numbers of channels."""
        if 0 not in self.channels:
            return channels
        return np.array([0, *self.channels], np.uint8)[channels]

    def check_room(self, num_frames: int) -> None:
        """See whether the probabilities of so many frames can be written.

        Raises:
            ValueError: the disk has too little room.
        """
        height, width = self.padding.size
        self._shelf.check_room(num_frames, 4 * (len(self.channels) + 1) * height * width)

    def write(self, frame: int, prob: Tensor) -> None:
        """Store probabilities of all channels and their labels."""
        self._prob[frame] = self._shelf.put(prob)
        self._labels[frame] = _packed(prob)

    def show(self, frame: int, prob: Tensor) -> None:
        """Let the labels of probabilities (K+1, H', W') be seen; what is stored does not change."""
        self._shown[frame] = _packed(self.to_channels(prob))

    def forget_shown(self) -> None:
        """Let what is stored be seen again."""
        self._shown = {}

    def video(self) -> NDArray[np.uint8]:
        """Labels (T, H, W) of all frames, a copy."""
        labels, shown, padding = tuple(self._labels), dict(self._shown), self.padding

        table = np.array([0, *self.channels], np.uint8)

        def read(frame: int) -> NDArray[np.uint8]:
            return table[_cropped(_unpacked(shown.get(frame, labels[frame]), padding), padding)]

        size = (padding.height, padding.width)
        return label_video(len(labels), size, read, max_bytes=self._max_video_bytes)

    def cropped(self, frame: int) -> NDArray[np.uint8]:
        """Labels (H, W) of a frame."""
        return _cropped(self.labels(frame), self.padding)

    def snapshot(self) -> MaskState:
        """The masks now."""
        return MaskState(self.channels, tuple(self._prob), tuple(self._labels), dict(self._shown))

    def restore(self, state: MaskState) -> None:
        """The masks as they were."""
        self.channels = state.channels
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
