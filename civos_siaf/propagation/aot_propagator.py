"""Annotated frames of one video spread by AOT, round after round.

Source: SIAF, section III-C; docs/specification/siaf.md sections 8, 9.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from civos_siaf.networks.identity_network import FrameMemory, IdentityNetwork
from civos_siaf.networks.object_groups import num_groups, probabilities, split_labels
from civos_siaf.propagation.aot_memory import ReferenceMemories
from civos_siaf.propagation.aot_sweeps import AotSweeps, Visited
from civos_siaf.propagation.confidence import appearing, confidence
from civos_siaf.propagation.feature_cache import FeatureCache, encoded_frame
from civos_siaf.propagation.images import AotImages, network_size, resize_labels
from civos_siaf.propagation.label_store import LabelState, LabelStore
from civos_siaf.propagation.settings import AotSettings
from civos_siaf.propagation.sweeps import TruncatedSweep, truncated_sweeps
from civos_siaf.protocol import Arrived, Progress, no_frame_callback, no_progress
from civos_siaf.video.frames import Frames

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class AotState:
    """Everything that annotations and rounds change.

    Attributes:
        labels: of all frames.
        memories: of annotated frames.
        objects: of annotated frames, those that were known when they were annotated.
        new: frames annotated since the last round.
        num_objects: K.
    """

    labels: LabelState
    memories: dict[int, FrameMemory]
    objects: dict[int, frozenset[int]]
    new: frozenset[int]
    num_objects: int


class AotPropagator:
    """The labels of one video, and how annotated frames change them.

    Annotated frames keep their labels, and their memory serves all later rounds. All other frames are
    propagated from the nearest annotated one.

    Args:
        network: in eval mode.
        frames: the video.
        num_objects: K.
        settings: see there.
    """

    def __init__(
        self,
        network: IdentityNetwork,
        frames: Frames,
        *,
        num_objects: int,
        settings: AotSettings | None = None,
    ) -> None:
        self.settings = settings or AotSettings()
        self.network = network
        self.num_objects = num_objects
        size = network_size(
            frames.height,
            frames.width,
            align_corners=network.align_corners,
            max_long=self.settings.max_long,
            max_short=self.settings.max_short,
        )
        self.images = AotImages(frames, size, next(network.parameters()).device)
        self.features = FeatureCache(
            partial(encoded_frame, network, self.images, self.settings),
            max_bytes=self.settings.feature_bytes,
            dtype=self.settings.feature_dtype,
        )
        self.labels = LabelStore(len(frames), frames.size)
        self.memories = ReferenceMemories(network)
        self._sweeps = AotSweeps(network, self.images, self.features, self.settings)
        self._objects: dict[int, frozenset[int]] = {}
        self._new: frozenset[int] = frozenset()

    @property
    def annotated(self) -> tuple[int, ...]:
        """The annotated frames of all rounds, ascending."""
        return tuple(self.memories)

    def annotate(
        self, frame: int, labels: NDArray[np.uint8], *, objects: Collection[int] | None = None
    ) -> None:
        """Fix the labels of a frame, in the place of what was known of it.

        Args:
            frame: its number.
            labels: (H, W).
            objects: those that are known by now: where they are not in these labels, they are not in the
                frame. None: all.

        Raises:
            ValueError: labels of another size, or above the number of objects.
        """
        if labels.max(initial=0) > self.num_objects:
            raise ValueError(f"label {labels.max()} with {self.num_objects} objects")
        self.labels[frame] = labels
        known = range(1, self.num_objects + 1) if objects is None else objects
        self._objects[frame] = frozenset(known)
        self._new |= {frame}
        self._remember(frame, torch.from_numpy(labels))

    def propagate(
        self, progress: Progress = no_progress, *, arrived: Arrived = no_frame_callback
    ) -> NDArray[np.uint8]:
        """Labels (T, H, W) of all frames; this ends the round. Without new annotations nothing changes.

        Args:
            progress: called after every visited frame.
            arrived: sees the labels of frames as they are found, first the annotated ones.
        """
        if not self._new:
            return self.labels.video()
        before = self.snapshot()
        try:
            self._regroup()
            outdated = self._outdated()
            updates = self._updates(outdated)
            sweeps = self._new_sweeps()
            total = sum(map(len, (*sweeps, *(sweep for part, _ in updates for sweep in part))))
            _log.debug("annotated %s: %d sweeps, %d frames to visit", list(self._new), len(sweeps), total)
            done, found_later = 0, {}
            for part, sources in updates:
                for visited in self._run(part, sources):
                    if visited.frame in outdated:
                        found_later[visited.frame] = visited.labels.cpu().numpy()
                    done += 1
                    progress(done, total)
            for frame, found in found_later.items():
                self._complete(frame, found, outdated[frame])
            counted = self._tell_annotated(arrived)
            references = self.annotated if self.settings.repropagate else self._new
            for visited in self._run(sweeps, references):
                self._take(visited, arrived, counted)
                done += 1
                progress(done, total)
            self._new = frozenset()
        except BaseException:
            self.restore(before)
            raise
        return self.labels.video()

    def add_objects(self, count: int = 1) -> None:
        """Make room for further objects.

        Frames annotated before get them in the round in which they are annotated somewhere, where these
        frames are background.
        """
        self.num_objects += count

    def resume(
        self, labels: LabelState, annotated: Mapping[int, Collection[int]], *, num_objects: int
    ) -> None:
        """Take over what another propagator of this video has found.

        Args:
            labels: of all frames.
            annotated: the frames that the others come from, with the objects that were known there.
            num_objects: K.

        Raises:
            ValueError: an annotated frame without labels.
        """
        before = self.snapshot()
        self.labels.restore(labels)
        self.num_objects = num_objects
        self.memories.restore({})
        self._objects, self._new = {}, frozenset()
        for frame, objects in annotated.items():
            own = self.labels[frame]
            if own is None:
                self.restore(before)
                raise ValueError(f"annotated frame {frame} has no labels")
            self._objects[frame] = frozenset(objects)
            self._remember(frame, torch.from_numpy(own))

    def snapshot(self) -> AotState:
        """The state now; cheap, as labels and memories are shared."""
        return AotState(
            self.labels.snapshot(),
            self.memories.snapshot(),
            dict(self._objects),
            self._new,
            self.num_objects,
        )

    def restore(self, state: AotState) -> None:
        """Everything as it was."""
        self.labels.restore(state.labels)
        self.memories.restore(state.memories)
        self._objects = dict(state.objects)
        self._new = state.new
        self.num_objects = state.num_objects

    def _new_sweeps(self) -> list[TruncatedSweep]:
        """The sweeps of this round."""
        sweeps = truncated_sweeps(self.annotated, len(self.labels))
        if self.settings.repropagate:
            return sweeps
        return [sweep for sweep in sweeps if sweep.source in self._new]

    def _tell_annotated(self, arrived: Arrived) -> frozenset[int]:
        """What a person has fixed is sure; the objects that are there."""
        if arrived is no_frame_callback:
            return frozenset()
        found = {frame: self.labels[frame] for frame in self.annotated}
        known = {frame: labels for frame, labels in found.items() if labels is not None}
        for frame, labels in known.items():
            arrived(frame, labels, 1.0)
        return appearing(known.values())

    def _take(self, visited: Visited, arrived: Arrived, counted: Collection[int]) -> None:
        """Keep the labels of a frame and tell of them."""
        self.labels[visited.frame] = labels = visited.labels.cpu().numpy()
        if arrived is not no_frame_callback:
            sure = confidence(probabilities(visited.logits, self.num_objects), counted)
            arrived(visited.frame, labels, sure)

    def _run(self, sweeps: list[TruncatedSweep], references: Collection[int]) -> Iterator[Visited]:
        memories = {frame: self.memories[frame] for frame in references}
        return self._sweeps.run(sweeps, memories, num_objects=self.num_objects)

    def _regroup(self) -> None:
        """Make memories anew that are of fewer groups of objects than there are now."""
        for frame, memory in self.memories.snapshot().items():
            labels = self.labels[frame]
            if len(memory[0].value) != num_groups(self.num_objects) and labels is not None:
                self._remember(frame, torch.from_numpy(labels))

    def _outdated(self) -> dict[int, frozenset[int]]:
        """Objects by annotated frame that were not known when it was annotated."""
        known: frozenset[int] = frozenset().union(*self._objects.values())
        return {frame: known - own for frame, own in self._objects.items() if known - own}

    def _updates(
        self, outdated: Mapping[int, frozenset[int]]
    ) -> list[tuple[list[TruncatedSweep], list[int]]]:
        """Sweeps that find on outdated frames what they lack, with the frames that these read."""
        updated = [frame for frame in self.annotated if frame not in outdated]
        if updated:
            return [(self._sweeps_to(outdated, updated), updated)] if outdated else []
        updates = []
        for frame, lacking in outdated.items():
            sources = [other for other, own in self._objects.items() if own & lacking]
            nearest = min(sources, key=lambda other: (abs(other - frame), other))
            step = 1 if frame > nearest else -1
            sweep = TruncatedSweep(nearest, range(nearest + step, frame + step, step))
            updates.append(([sweep], sources))
        return updates

    def _sweeps_to(self, outdated: Collection[int], updated: Collection[int]) -> list[TruncatedSweep]:
        """Sweeps from frames annotated with all objects as far as the outdated ones."""
        cut = []
        for sweep in truncated_sweeps(updated, len(self.labels)):
            last = max((place for place, frame in enumerate(sweep.frames) if frame in outdated), default=-1)
            if last >= 0:
                cut.append(TruncatedSweep(sweep.source, sweep.frames[: last + 1]))
        return cut

    def _complete(self, frame: int, new: NDArray[np.uint8], objects: Collection[int]) -> None:
        """Write objects that were found on an annotated frame where it is background."""
        labels = self.labels[frame]
        assert labels is not None
        here = np.isin(new, list(objects)) & (labels == 0)
        labels[here] = new[here]
        self.labels[frame] = labels
        self._objects[frame] |= frozenset(objects)
        self._remember(frame, torch.from_numpy(labels))

    def _remember(self, frame: int, labels: Tensor) -> None:
        small = resize_labels(labels, self.images.size).to(self.images.device)
        with self.settings.autocast(self.images.device):
            self.memories.annotate(
                frame, self.features[frame], split_labels(small, num_groups(self.num_objects))
            )
