"""Annotated frames of one video spread by Cutie, round after round."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from civos_siaf.masks import one_hot
from civos_siaf.networks.cutie_video import CutieMemory, CutieVideo
from civos_siaf.networks.padding import Padding
from civos_siaf.networks.propagation_network import FrameFeatures
from civos_siaf.propagation.confidence import SAMPLED, appearing, confidence
from civos_siaf.propagation.feature_cache import FeatureCache
from civos_siaf.propagation.images import FrameImages
from civos_siaf.propagation.label_store import LabelState, LabelStore
from civos_siaf.propagation.settings import SpeedSettings
from civos_siaf.propagation.sweeps import truncated_sweeps
from civos_siaf.protocol import Arrived, Progress, no_frame_callback, no_progress
from civos_siaf.video.frames import Frames


@dataclass(frozen=True, slots=True, eq=False)
class CutieState:
    """Everything that annotations and rounds change.

    Attributes:
        labels: of all frames.
        num_objects: K.
        annotated: by annotated frame, the objects that had been seen anywhere by then; where they are not in
            its labels, they are not in the frame.
    """

    labels: LabelState
    num_objects: int
    annotated: Mapping[int, frozenset[int]] = field(default_factory=dict)


class LabelMasks:
    """The labels of a video as masks that interactions begin with.

    Args:
        labels: of all frames.
        padding: of the frames.
        num_objects: K.
    """

    def __init__(self, labels: LabelStore, padding: Padding, num_objects: int) -> None:
        self.stored = labels
        self.padding = padding
        self.num_objects = num_objects

    def prob(self, frame: int) -> Tensor:
        """One-hot (K+1, H', W')."""
        return torch.from_numpy(one_hot(self.labels(frame), self.num_objects)).float()

    def labels(self, frame: int) -> NDArray[np.uint8]:
        """Labels (H', W')."""
        return np.asarray(self.padding.pad(torch.from_numpy(self.inside(frame))))

    def inside(self, frame: int) -> NDArray[np.uint8]:
        """Labels (H, W)."""
        labels = self.stored[frame]
        return np.zeros(self.stored.size, np.uint8) if labels is None else labels

    def video(self) -> NDArray[np.uint8]:
        """Labels (T, H, W)."""
        return self.stored.video()


class CutiePropagator:
    """The labels of one video, and how annotated frames change them.

    Annotated frames keep their labels and stay in memory for good. All others are propagated from the
    nearest annotated one, once the last frame of a round is annotated.

    Args:
        network: in eval mode.
        frames: the video.
        num_objects: K.
        settings: of the network's speed.
    """

    def __init__(
        self, network: CutieVideo, frames: Frames, *, num_objects: int, settings: SpeedSettings
    ) -> None:
        self.network = network
        self.frames = frames
        self.settings = settings
        self.padding = Padding.to_multiple(frames.height, frames.width, network.stride)
        self.images = FrameImages(frames, self.padding, network.device)
        self.masks = LabelMasks(LabelStore(len(frames), frames.size), self.padding, num_objects)
        self.features = FeatureCache(
            self._encode, max_bytes=settings.feature_bytes, dtype=settings.feature_dtype
        )
        self._image = torch.empty(0)
        self._annotated: dict[int, frozenset[int]] = {}

    @property
    def num_objects(self) -> int:
        """K."""
        return self.masks.num_objects

    def add_objects(self, count: int = 1) -> None:
        """Make room for further objects.

        Frames annotated before get them in the round in which they are annotated somewhere, where these
        frames are background.
        """
        self.masks.num_objects += count

    def annotate(
        self,
        prob: Tensor,
        frame: int,
        progress: Progress = no_progress,
        *,
        arrived: Arrived = no_frame_callback,
        coming: Collection[int] = (),
    ) -> None:
        """Fix the labels of a frame, and propagate if no other follows in this round.

        Args:
            prob: (K+1, H, W) or padded (K+1, H', W'), index 0 = background.
            frame: its number.
            progress: called after every visited frame.
            arrived: sees the labels of frames as they are found.
            coming: frames that will be annotated next.
        """
        before = self.snapshot()
        try:
            self._fix(frame, self._labels(prob))
            if not coming:
                self._propagate(progress, arrived)
        except BaseException:
            self.restore(before)
            raise

    def show(self, prob: Tensor, frame: int) -> None:
        """Annotate a frame without spreading its masks."""
        self._fix(frame, self._labels(prob))

    def snapshot(self) -> CutieState:
        """The state now; cheap, as unchanged frames are shared."""
        return CutieState(self.masks.stored.snapshot(), self.num_objects, dict(self._annotated))

    def restore(self, state: CutieState) -> None:
        """Everything as it was."""
        self.masks.stored.restore(state.labels)
        self.masks.num_objects = state.num_objects
        self._annotated = dict(state.annotated)

    def _fix(self, frame: int, labels: NDArray[np.uint8]) -> None:
        self.masks.stored[frame] = labels
        seen: frozenset[int] = frozenset().union(*self._annotated.values())
        self._annotated[frame] = seen | appearing([labels])

    def _propagate(self, progress: Progress, arrived: Arrived) -> None:
        objects = sorted(frozenset().union(*self._annotated.values()))
        if not objects:
            for frame in range(len(self.frames)):
                self.masks.stored[frame] = np.zeros(self.frames.size, np.uint8)
            return
        self._complete(objects)
        memory = self._memory(self._annotated, objects)
        if arrived is not no_frame_callback:
            for frame in sorted(self._annotated):
                arrived(frame, self.masks.inside(frame), 1.0)  # what a person has fixed is sure
        sweeps = truncated_sweeps(self._annotated, len(self.frames))
        total, done = sum(map(len, sweeps)), 0
        for sweep in sweeps:
            running = memory.sweep(sweep.source)
            for frame in sweep.frames:
                prob = self._step(running, frame, end=frame == sweep.frames[-1])
                labels = self._numbered(prob, objects)
                self.masks.stored[frame] = labels
                if arrived is not no_frame_callback:
                    arrived(frame, labels, confidence(prob[:, ::SAMPLED, ::SAMPLED].float()))
                done += 1
                progress(done, total)

    def _complete(self, objects: Collection[int]) -> None:
        """Find objects on frames that were annotated before anybody had seen these."""
        lacking = {t: frozenset(objects) - seen for t, seen in self._annotated.items()}
        outdated = {t: new for t, new in lacking.items() if new}
        updated = [t for t in self._annotated if t not in outdated]
        if outdated and updated:
            memory = self._memory(updated, objects)
            for sweep in truncated_sweeps(updated, len(self.frames)):
                last = max((n for n, t in enumerate(sweep.frames) if t in outdated), default=-1)
                running = memory.sweep(sweep.source) if last >= 0 else None
                for frame in sweep.frames[: last + 1]:
                    assert running is not None
                    found = self._numbered(self._step(running, frame), objects)
                    if frame in outdated:
                        labels = self.masks.inside(frame)
                        here = np.isin(found, list(outdated[frame])) & (labels == 0)
                        labels[here] = found[here]
                        self.masks.stored[frame] = labels
        self._annotated = dict.fromkeys(self._annotated, frozenset(objects))

    def _memory(self, annotated: Collection[int], objects: Collection[int]) -> CutieMemory:
        memory = self.network.memory(self._features, sorted(objects))
        with self.settings.autocast(self.network.device):
            for frame in sorted(annotated):
                labels = torch.from_numpy(self.masks.inside(frame))
                memory.annotate(frame, self.network.image(self.frames[frame]), labels)
        return memory

    def _step(self, running: Any, frame: int, *, end: bool = False) -> Tensor:
        with self.settings.autocast(self.network.device):
            prob: Tensor = running.step(frame, self.network.image(self.frames[frame]), end=end)
        return prob

    def _numbered(self, prob: Tensor, objects: Collection[int]) -> NDArray[np.uint8]:
        """Labels (H, W) from probabilities in the order of the objects."""
        numbers = np.array([0, *sorted(objects)], np.uint8)
        return np.asarray(numbers[prob.argmax(dim=0).cpu().numpy()])

    def _labels(self, prob: Tensor) -> NDArray[np.uint8]:
        inside = self.padding.crop(prob) if tuple(prob.shape[1:]) == self.padding.size else prob
        return np.asarray(inside.argmax(dim=0).to(torch.uint8).cpu().numpy())

    def _features(self, frame: int, image: Tensor) -> FrameFeatures:
        self._image = image
        return self.features[frame]

    def _encode(self, frame: int) -> FrameFeatures:
        return self.network.encode(self._image)
