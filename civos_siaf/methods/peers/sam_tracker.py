"""Objects of one video under a tracker of the SAM 2 family: masks of prompted frames, then of all frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from civos_siaf.methods.peers.sam_settings import SamSettings, Sweeps
from civos_siaf.networks.propagation_network import FrameFeatures
from civos_siaf.networks.sam_video import ObjectMemory, Output, SamPrompt, SamVideo
from civos_siaf.propagation.feature_cache import FeatureCache
from civos_siaf.propagation.sweeps import truncated_sweeps
from civos_siaf.propagation.tensor_spill import TensorHandle, TensorSpill
from civos_siaf.protocol import Labels, Progress
from civos_siaf.video.frames import Frames

SURE = 10.0
"""Logit of a mask that is known as a label only."""


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """What is known of one object.

    Attributes:
        answers: outputs of its prompted frames.
        corrected: of these, the frames that had been propagated before they were first prompted; their masks
            are found with the memory of the others.
        logits: mask logits (1, h, w) of propagated frames, as far as they are known.
        propagated: there has been a round with it.
        stale: prompted since the last propagation.
    """

    answers: Mapping[int, Output] = field(default_factory=dict)
    corrected: frozenset[int] = frozenset()
    logits: Mapping[int, TensorHandle] = field(default_factory=dict)
    propagated: bool = False
    stale: bool = False


class SamTracker:
    """The network, the features of the frames and the logits of the objects.

    Args:
        network: in eval mode.
        frames: the video.
        settings: see there.
    """

    def __init__(self, network: SamVideo, frames: Frames, settings: SamSettings) -> None:
        self.network = network
        self.frames = frames
        self.settings = settings
        self.features = FeatureCache(
            self._encode, max_bytes=settings.feature_bytes, dtype=settings.feature_dtype
        )
        self._shelf = TensorSpill(max_bytes=settings.mask_bytes, folder=settings.folder)

    @property
    def video(self) -> tuple[int, int, int]:
        """(T, H, W)."""
        return len(self.frames), self.frames.height, self.frames.width

    def answer(self, track: Track, frame: int, prompt: SamPrompt, previous: Tensor | None) -> Track:
        """A track after prompts on one of its frames.

        Args:
            track: of the object.
            frame: its number.
            prompt: all that counts there.
            previous: mask logits (1, h, w) or (1, H, W) that the prompts correct.
        """
        corrected = track.corrected
        if track.propagated and frame not in track.answers:
            corrected |= {frame}
        memory = ObjectMemory(dict(track.answers)) if frame in corrected else None
        with self.settings.autocast(self.network.device):
            found = self.network.answer(
                frame,
                self.features[frame],
                prompt,
                video=self.video,
                previous=None if previous is None else previous[None],
                memory=memory,
            )
        return replace(track, answers={**track.answers, frame: found}, corrected=corrected, stale=True)

    def logits(self, track: Track, frame: int, labels: Labels | None, object_id: int) -> Tensor | None:
        """Mask logits (1, h, w) of an object on a frame, or (1, H, W) where only labels are known.

        Args:
            track: of the object.
            frame: its number.
            labels: (H, W), what was found there before; None: nothing.
            object_id: of the object.
        """
        if frame in track.answers:
            return track.answers[frame]["pred_masks"][0]
        if frame in track.logits:
            return track.logits[frame].get()
        if track.propagated and labels is not None:
            return (torch.from_numpy(labels == object_id).float() * 2 - 1)[None] * SURE
        return None

    def propagate(
        self, tracks: Mapping[int, Track], progress: Progress, found: Callable[[int, dict[int, Track]], None]
    ) -> dict[int, Track]:
        """Spread the objects that were prompted since the last time; the others are as they were.

        Those that were loaded are spread again with them.

        Args:
            tracks: by object.
            progress: called after every visited frame.
            found: called with each frame, and all tracks, as soon as all objects are known there.
        """
        now = dict(tracks)
        groups = _groups(tracks)
        plans = {own: _plan(own, len(self.frames), self.settings.sweeps) for own in groups}
        steps = {own: sum(len(frames) for _, *both in plan for frames in both) for own, plan in plans.items()}
        total = sum(steps.values())
        height, width = self.network.mask_size
        self._shelf.check_room(sum(steps[own] * len(groups[own]) for own in groups), 4 * height * width)
        done = 0
        for place, (prompted, objects) in enumerate(groups.items()):
            fresh: dict[int, dict[int, TensorHandle]] = {k: {} for k in objects}
            for k in objects:
                now[k] = replace(now[k], logits=fresh[k], propagated=True, stale=False)
            last = place == len(groups) - 1
            if last:
                for frame in prompted:
                    found(frame, now)
            for frame, logits in self._run(plans[prompted], [tracks[k].answers for k in objects]):
                for k, own in zip(objects, logits, strict=True):
                    if frame not in now[k].answers:
                        fresh[k][frame] = self._shelf.put(own[None])
                if last and frame not in prompted:
                    found(frame, now)
                done += 1
                progress(done, total)
        return now

    def upsampled(self, logits: Tensor) -> Tensor:
        """Logits (1, h, w) as (H, W), on the CPU."""
        size = self.frames.size
        if tuple(logits.shape[-2:]) != size:
            logits = F.interpolate(logits[None].float(), size, mode="bilinear", align_corners=False)[0]
        return logits[0].float().cpu()

    def _run(
        self, plan: Sequence[tuple[int, range, range]], answers: Sequence[Mapping[int, Output]]
    ) -> Iterator[tuple[int, Tensor]]:
        """Frames with the logits (K, h, w) of a group of objects."""
        reach = self.settings.max_memory_frames or self.network.reach
        for source, forwards, backwards in plan:
            memories = [ObjectMemory(dict(own)) for own in answers]
            for frames in (forwards, backwards):
                sweep = self.network.sweep(
                    memories, self.features.__getitem__, video=self.video, reverse=frames is backwards
                )
                for frame in frames:
                    with self.settings.autocast(self.network.device):
                        logits = sweep.step(frame)
                    for memory in memories:
                        _forget(memory, frame, source, reach)
                    yield frame, logits

    def _encode(self, frame: int) -> FrameFeatures:
        with self.settings.autocast(self.network.device):
            return self.network.encode(self.frames[frame])


def _groups(tracks: Mapping[int, Track]) -> dict[tuple[int, ...], list[int]]:
    """Objects to be spread, by their prompted frames: those with the same ones run together.

    They are those with new prompts, and those of which only labels are known, as after loading: where
    another object gives pixels away, labels do not tell what is below.
    """
    groups: dict[tuple[int, ...], list[int]] = {}
    for k, track in sorted(tracks.items()):
        if track.stale or not track.logits:
            groups.setdefault(tuple(sorted(track.answers)), []).append(k)
    return groups


def _plan(prompted: Sequence[int], num_frames: int, sweeps: Sweeps) -> list[tuple[int, range, range]]:
    """Of each source the frames that are tracked forwards and backwards from it."""
    if sweeps == "earliest":
        first = min(prompted)
        return [(first, range(first + 1, num_frames), range(first - 1, -1, -1))]
    plan = {source: [range(0), range(0)] for source in prompted}
    for sweep in truncated_sweeps(prompted, num_frames):
        plan[sweep.source][sweep.frames[0] < sweep.source] = sweep.frames
    return [(source, forwards, backwards) for source, (forwards, backwards) in plan.items()]


def _forget(memory: ObjectMemory, frame: int, source: int, reach: int) -> None:
    """Drop tracked frames that neither the rest of this sweep nor the beginning of the next one reads."""
    forwards = frame > source
    for old in list(memory.tracked):
        needed = abs(old - frame) < reach or (forwards and old - source < reach)
        if not needed:
            del memory.tracked[old]
