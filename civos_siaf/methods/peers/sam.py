"""SAM 2.1, EdgeTAM and SAM 3 as a method: clicks, boxes, strokes and masks, round after round."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from civos_siaf.interaction.frame_interaction import FrameInteraction, FrameView
from civos_siaf.masks import one_hot
from civos_siaf.methods.history import History
from civos_siaf.methods.peers.sam_prompts import StrokePoints, affected, prompt_of, refuse_without_object
from civos_siaf.methods.peers.sam_settings import SamSettings
from civos_siaf.methods.peers.sam_state import Moment, load_moment, save_moment
from civos_siaf.methods.peers.sam_tracker import SamTracker, Track
from civos_siaf.methods.prompt_check import check_prompts
from civos_siaf.methods.prompt_precedence import effective_prompts, split_effective, split_into_stages
from civos_siaf.networks.padding import Padding
from civos_siaf.networks.sam_video import SamPrompt, SamVideo
from civos_siaf.prompts import Box, Click, MaskPrompt, Prompt, Prompts, Scribble
from civos_siaf.propagation.confidence import confidence
from civos_siaf.propagation.images import FrameImages
from civos_siaf.propagation.label_store import LabelStore
from civos_siaf.protocol import Arrived, Labels, LabelVideo, Progress, no_frame_callback, no_progress
from civos_siaf.video.frames import Frames

STRIDE = 16
"""Of the networks that turn strokes into masks."""


class Sam:
    """A tracker of the SAM 2 family, on every kind of prompt, any number of frames and objects.

    Clicks of an object add up on a frame, over rounds. A prompt on a propagated frame corrects the mask
    there. Frames that were prompted in any round serve all later ones; objects do not see each other, and
    those without new prompts are not propagated again.

    Args:
        network: see there.
        settings: see there.
        strokes: how strokes become points.
        interaction: makes masks of strokes, which take the place of points; None: strokes are points.
        max_undo: how many rounds can be undone.
    """

    def __init__(
        self,
        network: SamVideo,
        *,
        settings: SamSettings | None = None,
        strokes: StrokePoints | None = None,
        interaction: FrameInteraction | None = None,
        max_undo: int = 3,
    ) -> None:
        self.network = network
        self.settings = settings or SamSettings()
        self.strokes = strokes or StrokePoints()
        self.interaction = interaction
        self.max_undo = max_undo

    def open(self, frames: Frames, *, num_objects: int) -> SamSession:
        """Start on a video with objects 1..num_objects."""
        tracker = SamTracker(self.network, frames, self.settings)
        return SamSession(
            tracker, self.strokes, self.interaction, num_objects=num_objects, max_undo=self.max_undo
        )


class SamSession:
    """A video segmented by a tracker of the SAM 2 family; see `civos_siaf.protocol.Session`.

    Args:
        tracker: of this video.
        strokes: see `Sam`.
        interaction: see `Sam`.
        num_objects: K.
        max_undo: how many rounds can be undone.
    """

    streams = True
    wanted_frames: tuple[int, ...] | None = None
    """Prompts may come on any frames."""
    accepts: tuple[type[Prompt], ...] = (Click, Scribble, Box, MaskPrompt)

    def __init__(
        self,
        tracker: SamTracker,
        strokes: StrokePoints,
        interaction: FrameInteraction | None,
        *,
        num_objects: int,
        max_undo: int = 3,
    ) -> None:
        self.tracker = tracker
        self.frames = tracker.frames
        self.strokes = strokes
        self.interaction = interaction
        self.max_undo = max_undo
        self._labels = LabelStore(len(self.frames), self.frames.size)
        self._now = Moment(self._labels.snapshot(), num_objects)
        self._history: History[Moment] = History(max_undo)
        padding = Padding.to_multiple(self.frames.height, self.frames.width, STRIDE)
        self._images = FrameImages(self.frames, padding, tracker.network.device)

    @property
    def num_objects(self) -> int:
        """K."""
        return self._now.num_objects

    def add_objects(self, count: int = 1) -> None:
        """Further objects, K+1 and so on; a step of its own for `undo`."""
        self._history.before_step(self._now)
        self._now = replace(self._now, num_objects=self.num_objects + count)

    def interact(self, prompts: Prompts) -> dict[int, Labels]:
        """Labels of the prompted frames; every prompted object is found by itself.

        A mask takes the place of its object, and of what was drawn for it before; what comes after corrects
        it. A box may begin an object, or correct a propagated one, but not follow clicks.

        Raises:
            ValueError: a frame or object that does not exist.
            PromptKindError: a negative click where the object has no mask, or a box after clicks.
        """
        check_prompts(prompts, self.accepts, self.frames, num_objects=self.num_objects)
        if not prompts:
            return {}
        after = self._now
        for part in split_into_stages(prompts):
            for frame in part.frames:
                after = self._answered(part.on(frame), frame, after)
        self._history.before_interaction(self._now)
        self._now = after
        return {frame: self._labels_of(frame, after.tracks, after.drawn) for frame in prompts.frames}

    def propagate(
        self, progress: Progress = no_progress, *, arrived: Arrived = no_frame_callback
    ) -> LabelVideo:
        """Labels (T, H, W) of every frame; without prompts in this round nothing changes.

        Args:
            progress: called after every visited frame.
            arrived: sees the labels of frames as soon as all objects are found there.
        """
        now = self._now
        if not any(track.stale for track in now.tracks.values()):
            return self._labels.video()

        def found(frame: int, tracks: Mapping[int, Track]) -> None:
            labels = self._labels_of(frame, tracks, now.drawn)
            self._labels[frame] = labels
            if arrived is not no_frame_callback:
                arrived(frame, labels, self._confidence(frame, tracks))

        try:
            tracks = self.tracker.propagate(now.tracks, progress, found)
        except BaseException:
            self._labels.restore(now.labels)
            raise
        self._now = replace(now, labels=self._labels.snapshot(), tracks=tracks)
        self._history.end_round()
        return self._labels.video()

    def undo(self) -> None:
        """Back to before the last `interact`, or before the last round if that was propagated.

        Raises:
            IndexError: nothing is left to undo.
        """
        self._now = self._history.back()
        self._labels.restore(self._now.labels)

    def save(self, folder: Path | str) -> None:
        """Write what the rounds before have left; to be called between rounds.

        Masks of propagated frames are written as labels, so corrections of them after `load` start from
        these and no longer from the network's logits.
        """
        save_moment(Path(folder), self._now, self.frames.size, network=self.tracker.network.name)

    def load(self, folder: Path | str) -> None:
        """Go on from what another session of this video and network has saved.

        Raises:
            FileNotFoundError: nothing was saved there.
            ValueError: it is of another video, network or format, or damaged.
        """
        network = self.tracker.network
        video = (len(self.frames), self.frames.size)
        self._now = load_moment(Path(folder), video, network=network.name, device=network.device)
        self._labels.restore(self._now.labels)
        self._history = History(self.max_undo)

    def _answered(self, prompts: Prompts, frame: int, before: Moment) -> Moment:
        """A moment after new prompts on one frame."""
        drawn = effective_prompts([before.drawn.get(frame, Prompts()), prompts])
        together = Prompts(tuple(item for part in drawn for item in part))
        there = {
            k: logits for k in before.tracks if (logits := self._logits(before.tracks, frame, k)) is not None
        }
        given = self._drawn_masks(prompts, frame, before)
        tracks = dict(before.tracks)
        for k in affected(prompts, list(there)):
            previous = there.get(k)
            if (mask := given.get(k)) is not None:
                prompt = SamPrompt(np.empty((0, 2), np.float32), np.empty(0, bool), mask=mask)
            else:
                prompt = prompt_of(together, k, self.strokes)
                seen = previous is not None and bool((previous > 0).any())
                if k not in prompts.object_ids and not seen:
                    continue  # a background stroke says nothing about what is not there
                refuse_without_object(prompt, frame, k, seen=seen)
            tracks[k] = self.tracker.answer(tracks.get(k, Track()), frame, prompt, previous)
        return replace(before, tracks=tracks, drawn={**before.drawn, frame: together})

    def _becomes_mask(self, item: Prompt) -> bool:
        return self.interaction is not None and isinstance(item, Scribble)

    def _drawn_masks(self, prompts: Prompts, frame: int, before: Moment) -> dict[int, NDArray[np.bool_]]:
        """Masks (H, W) of objects that strokes were drawn for, where these become masks."""
        if self.interaction is None or not prompts.scribbles:
            return {}
        padding = self._images.padding
        labels = self._labels_of(frame, before.tracks, before.drawn)
        padded = padding.pad(torch.from_numpy(labels)).numpy()
        view = FrameView(
            index=frame,
            rgb=self.frames[frame],
            image=self._images[frame],
            padding=padding,
            prob=torch.from_numpy(one_hot(padded, self.num_objects)).float(),
            labels=padded,
        )
        strokes = Prompts(prompts.scribbles)
        masks = self.interaction.predict(view, [strokes])
        inside = padding.crop(masks) if tuple(masks.shape[1:]) == padding.size else masks
        found = inside.argmax(dim=0).cpu().numpy()
        shown = {int(k) for k in np.unique(labels)}
        return {k: found == k for k in affected(strokes, sorted(shown)) if k}

    def _logits(self, tracks: Mapping[int, Track], frame: int, object_id: int) -> Tensor | None:
        return self.tracker.logits(tracks[object_id], frame, self._labels[frame], object_id)

    def _labels_of(self, frame: int, tracks: Mapping[int, Track], drawn: Mapping[int, Prompts]) -> Labels:
        """Labels (H, W) of a frame: the highest logit above 0, and masks as they were given."""
        best = torch.zeros(self.frames.size)
        labels = torch.zeros(self.frames.size, dtype=torch.uint8)
        for k in sorted(tracks):
            logits = self._logits(tracks, frame, k)
            if logits is not None:
                own = self.tracker.upsampled(logits)
                labels.masked_fill_(own > best, k)
                best = torch.maximum(best, own)
        found: Labels = labels.numpy()
        for prompt, later in split_effective([drawn.get(frame, Prompts())]).held:
            taken = np.isin(found, list(later))
            found[found == prompt.object_id] = 0
            found[prompt.mask & ~taken] = prompt.object_id
        return found

    def _confidence(self, frame: int, tracks: Mapping[int, Track]) -> float:
        """How sure the network is of the objects that it tracked to a frame; prompted ones are sure."""
        rows = {
            k: self._logits(tracks, frame, k) for k, track in tracks.items() if frame not in track.answers
        }
        known = [row for _, row in sorted(rows.items()) if row is not None]
        if not known:
            return 1.0
        size = self.tracker.network.mask_size
        small = [row if tuple(row.shape[-2:]) == size else _resized(row, size) for row in known]
        logits = torch.cat([torch.zeros(1, *size), *(row.float().cpu() for row in small)])
        return confidence(logits.softmax(dim=0))


def _resized(logits: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(logits[None].float(), size, mode="area")[0]
