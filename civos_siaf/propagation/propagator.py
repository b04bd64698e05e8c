"""Annotated frames of one video spread to all others, round after round.

Source: docs/specification/mivos.md section 6.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from civos_siaf.networks.aggregate import aggregate
from civos_siaf.networks.padding import Padding
from civos_siaf.networks.propagation_network import (
    FrameBefore,
    Memory,
    PropagationNetwork,
    others,
)
from civos_siaf.propagation.confidence import SAMPLED, appearing, confidence
from civos_siaf.propagation.difference_fusion import Difference, FusionNetwork, fuse
from civos_siaf.propagation.feature_cache import FeatureCache, encoded_frame
from civos_siaf.propagation.images import FrameImages
from civos_siaf.propagation.mask_store import MaskState, MaskStore
from civos_siaf.propagation.memory_bank import AnnotatedMemory, MemoryBank
from civos_siaf.propagation.settings import PropagationSettings
from civos_siaf.propagation.sweeps import Sweep, sweeps_from, truncated_sweeps
from civos_siaf.protocol import Arrived, Progress, no_frame_callback, no_progress
from civos_siaf.video.frames import Frames

_log = logging.getLogger(__name__)


class PropagationStep(NamedTuple):
    """What happened on one frame of a sweep; the tensors only where masks were fused.

    Attributes:
        frame: its number.
        memory_frames: how many frames were read from memory.
        fused_with: the annotated frame whose older masks were fused with the new ones, or None.
        current: probabilities (K+1, H', W') of this round.
        previous: those stored before.
        attention: (K, 2, H', W').
        result: what was stored.
    """

    frame: int
    memory_frames: int
    fused_with: int | None
    current: Tensor
    previous: Tensor | None
    attention: Tensor | None
    result: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class PropagatorState:
    """Everything an interaction changes."""

    masks: MaskState
    annotated: tuple[AnnotatedMemory, ...]
    num_objects: int


class Propagator:
    """The masks of one video, and how an annotated frame changes them.

    Args:
        network: in eval mode.
        fusion: fuses old and new masks between annotated frames; None: the new ones replace the old.
        frames: the video.
        num_objects: K.
        settings: see there.
        observer: told of every visited frame.
    """

    def __init__(
        self,
        network: PropagationNetwork,
        fusion: FusionNetwork | None,
        frames: Frames,
        *,
        num_objects: int,
        settings: PropagationSettings | None = None,
        observer: Callable[[PropagationStep], None] | None = None,
    ) -> None:
        self.settings = settings or PropagationSettings()
        self.network = network
        self.fusion = fusion
        self.observer = observer
        self.padding = Padding.to_multiple(frames.height, frames.width, network.stride)
        self.images = FrameImages(frames, self.padding, next(network.parameters()).device)
        self.masks = MaskStore(
            len(frames),
            num_objects,
            self.padding,
            max_bytes=self.settings.mask_bytes,
            folder=self.settings.folder,
        )
        self.features = FeatureCache(
            partial(encoded_frame, network, self.images, self.settings),
            max_bytes=self.settings.feature_bytes,
            dtype=self.settings.feature_dtype,
        )
        self._bank = MemoryBank(
            top_k=self.settings.top_k,
            max_memory_frames=self.settings.max_memory_frames,
            shared_keys=network.shared_keys,
        )
        self._annotated: tuple[AnnotatedMemory, ...] = ()

    @property
    def num_objects(self) -> int:
        """K."""
        return self.masks.num_objects

    @property
    def annotated(self) -> tuple[int, ...]:
        """The annotated frames in order of annotation, with repetitions."""
        return tuple(entry.frame for entry in self._annotated)

    def add_objects(self, count: int = 1) -> None:
        """Make room for further objects; they are nowhere until a frame is annotated with them."""
        self.masks.num_objects += count

    def interact(
        self,
        prob: Tensor,
        frame: int,
        progress: Progress = no_progress,
        *,
        arrived: Arrived = no_frame_callback,
    ) -> NDArray[np.uint8]:
        """Annotate a frame and spread its masks; labels (T, H, W) of all frames. See `annotate`."""
        self.annotate(prob, frame, progress, arrived=arrived)
        return self.masks.video()

    @torch.inference_mode()
    def annotate(
        self,
        prob: Tensor,
        frame: int,
        progress: Progress = no_progress,
        *,
        arrived: Arrived = no_frame_callback,
        coming: Collection[int] = (),
    ) -> None:
        """Annotate a frame and spread its masks up to the next annotated frames.

        Args:
            prob: (K+1, H, W) or padded (K+1, H', W'), index 0 = background, stored as they are.
            frame: its number.
            progress: called after every visited frame.
            arrived: sees the labels of frames as they are found, first the annotated one.
            coming: frames that will be annotated next. What would be replaced then is not visited.

        Raises:
            ValueError: another shape, or the disk has no room for the masks.
            OSError: the disk is full all the same.
        """
        before = self.snapshot()
        try:
            new = self._padded(prob)
            old = self.masks.prob(frame).to(new.device)
            memory = self._encode_memory(frame, new[1:])
            self.masks.forget_shown()
            self.masks.write(frame, new)
            labels = self.masks.cropped(frame)
            entry = AnnotatedMemory(frame, memory, appearing([labels]))
            self._annotated = (*self._remembered(frame), entry)
            difference = Difference.between(old[1:], new[1:], memory)
            if arrived is not no_frame_callback:
                arrived(frame, labels, 1.0)  # what a person has fixed is sure
            self._spread_all(
                self._sweeps(frame, coming), progress, arrived, given={frame: new}, difference=difference
            )
        except BaseException:
            self.restore(before)
            raise

    @torch.inference_mode()
    def repropagate(self, progress: Progress = no_progress, *, arrived: Arrived = no_frame_callback) -> None:
        """Spread the masks of all annotated frames anew; what was between them before is forgotten.

        Every other frame is reached from the nearest annotated one. Arguments and errors: see `annotate`.
        """
        before = self.snapshot()
        try:
            parts = truncated_sweeps(self.annotated, len(self.masks))
            sweeps = [Sweep(part.source, part.frames.stop, bounded=False) for part in parts]
            self._spread_all(sweeps, progress, arrived)
        except BaseException:
            self.restore(before)
            raise

    def _spread_all(
        self,
        sweeps: Sequence[Sweep],
        progress: Progress,
        arrived: Arrived,
        *,
        given: Mapping[int, Tensor] | None = None,
        difference: Difference | None = None,
    ) -> None:
        """Visit the frames of all sweeps, from stored masks but for the ones that are given.

        `difference` is what those fuse by that end on annotated frames.
        """
        total, done = sum(len(sweep.frames) for sweep in sweeps), 0
        _log.debug("%d sweeps over %d frames", len(sweeps), total)
        self.masks.check_room(total)
        counted = self._appearing()
        target = self._fit_target() if self.network.guided and sweeps else None
        for sweep in sweeps:
            known = (given or {}).get(sweep.origin)
            start = self.masks.prob(sweep.origin).to(self.images.device) if known is None else known
            for step in self._spread(sweep, difference, start, target):
                done += 1
                self._tell(step, sweep, arrived, counted)
                progress(done, total)

    def show(self, prob: Tensor, frame: int) -> None:
        """Show masks on a frame without storing or spreading them; arguments as in `annotate`."""
        self.masks.show(frame, self._padded(prob))

    def snapshot(self) -> PropagatorState:
        """The state now; cheap, as unchanged frames are shared."""
        return PropagatorState(self.masks.snapshot(), self._annotated, self.num_objects)

    def restore(self, state: PropagatorState) -> None:
        """Everything as it was."""
        self.masks.restore(state.masks)
        self.masks.num_objects = state.num_objects
        self._annotated = state.annotated

    def _remembered(self, frame: int) -> tuple[AnnotatedMemory, ...]:
        """The memory that stays when a frame is annotated."""
        if self.settings.keep_outdated:
            return self._annotated
        return tuple(entry for entry in self._annotated if entry.frame != frame)

    def _sweeps(self, frame: int, coming: Collection[int]) -> list[Sweep]:
        """The sweeps from a frame that visit any other.

        One whose masks replace the old ones ends on the nearest frame that is coming: from there on they
        would be replaced in their turn.
        """
        if self.settings.repropagate:
            parts = [] if coming else truncated_sweeps(self.annotated, len(self.masks))
            return [Sweep(part.source, part.frames.stop, bounded=False) for part in parts]
        sweeps = sweeps_from(frame, self.annotated, len(self.masks))
        fuses = self.fusion is not None
        cut = [sweep if fuses and sweep.bounded else sweep.until(coming) for sweep in sweeps]
        return [sweep for sweep in cut if sweep.frames]

    def _appearing(self) -> frozenset[int]:
        """The objects on all annotated frames."""
        latest = {entry.frame: entry.appearing for entry in self._annotated}
        return frozenset().union(*latest.values())

    def _fit_target(self) -> Tensor:
        """The target model (K, D) of a guided network, from the annotated frames and their masks."""
        network, size = self.network, self.num_objects
        known = {entry.frame: entry.num_objects for entry in self._annotated}
        seen, masks, weights = [], [], []
        for frame, objects in known.items():
            prob = self.masks.prob(frame).to(self.images.device)[1:, None]
            inside = F.avg_pool2d(prob.float(), network.stride).flatten(1)
            # Of an object that came later a frame says nothing.
            counts = (torch.arange(size, device=prob.device) < objects).float()[:, None]
            seen.append(network.target_features(self.features[frame]))
            masks.append(inside)
            weights.append(counts.expand_as(inside))
        return network.fit_target(torch.cat(seen, 1), torch.cat(masks, 1), torch.cat(weights, 1))

    def _spread(
        self, sweep: Sweep, difference: Difference | None, start: Tensor, target: Tensor | None
    ) -> Iterator[PropagationStep]:
        """Visit the frames of a sweep; what goes into memory is never fused.

        Source: docs/specification/mivos.md section 6.2.

        Args:
            sweep: the frames.
            difference: what the annotation changed; None: nothing is fused.
            start: probabilities (K+1, H', W') of the annotated frame.
            target: for guided networks, see `FrameBefore`.
        """
        self._bank.begin(self._annotated if self.settings.earlier_annotated else self._annotated[-1:])
        last_kept = sweep.origin
        last, current = sweep.origin, start
        for frame in sweep.frames:
            features = self.features[frame]
            read = self._bank.num_frames
            before = self._before(last, current, target) if self.network.guided else None
            with self.settings.autocast(self.images.device):
                logits = self.network.decode(self._bank.read(features.key), features, before)
            last, current = frame, aggregate(logits[:, 0].float().sigmoid())
            if frame != sweep.frames[-1]:
                keep = abs(frame - last_kept) >= self.settings.mem_every
                self._bank.add(self._encode_memory(frame, current[1:]), keep=keep)
                last_kept = frame if keep else last_kept
            step = PropagationStep(frame, read, None, current, None, None, current)
            if sweep.bounded and self.fusion is not None and difference is not None:
                step = self._fused(self.fusion, step, sweep, difference)
            self.masks.write(frame, step.result)
            if self.observer is not None:
                self.observer(step)
            yield step

    def _before(self, frame: int, prob: Tensor, target: Tensor | None) -> FrameBefore:
        masks = prob[1:, None]
        return FrameBefore(self.features[frame], masks, others(masks), target)

    def _fused(
        self, network: FusionNetwork, step: PropagationStep, sweep: Sweep, difference: Difference
    ) -> PropagationStep:
        key = self.features[step.frame].key
        previous = self.masks.prob(step.frame).to(step.current.device)
        with self.settings.autocast(self.images.device):
            attention = difference.attention(key, self.padding.size)
            result = fuse(
                network,
                self.images[step.frame],
                previous,
                step.current,
                attention=attention,
                distances=sweep.distances(step.frame),
            )
        return step._replace(fused_with=sweep.limit, previous=previous, attention=attention, result=result)

    def _tell(self, step: PropagationStep, sweep: Sweep, arrived: Arrived, counted: Collection[int]) -> None:
        """Tell of a visited frame.

        A fusion network chooses between two masks, and its probabilities are no measure of doubt, neither
        now nor when they are the older ones: where it was used, the doubt is that of the new masks, and of
        where the older ones disagree, the more the nearer their annotated frame.
        """
        if arrived is no_frame_callback:
            return
        inside = self.padding.crop(step.result)[:, ::SAMPLED, ::SAMPLED]
        if step.previous is not None:
            nearness, _ = sweep.distances(step.frame)
            old, new = (self.padding.crop(x)[:, ::SAMPLED, ::SAMPLED] for x in (step.previous, step.current))
            decided = F.one_hot(old.argmax(dim=0), len(old)).permute(2, 0, 1)
            inside = torch.lerp(decided.to(new.dtype), new, nearness)
        arrived(step.frame, self.masks.cropped(step.frame), confidence(inside, counted))

    def _encode_memory(self, frame: int, prob: Tensor) -> Memory:
        features = self.features[frame] if self.network.memory_needs_frame else None
        with self.settings.autocast(self.images.device):
            return self.network.encode_memory(self.images[frame], prob[:, None], features)

    def _padded(self, prob: Tensor) -> Tensor:
        expected = (self.num_objects + 1, self.padding.height, self.padding.width)
        prob = prob.detach().to(self.images.device, torch.float32)
        if tuple(prob.shape) == (expected[0], *self.padding.size):
            return prob
        if tuple(prob.shape) != expected:
            raise ValueError(f"masks must have shape {expected} (K+1, H, W), got {tuple(prob.shape)}")
        padded = self.padding.pad(prob)
        if not self.settings.empty_rim:
            padded[0] = self.padding.pad(prob[0], value=1.0)
        return padded
