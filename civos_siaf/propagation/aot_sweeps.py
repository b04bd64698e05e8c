"""Sweeps of AOT from annotated frames, one by one or several as a batch.

Source: docs/specification/siaf.md section 9.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from civos_siaf.networks.identity_network import FrameMemory, IdentityNetwork, KeyValue
from civos_siaf.networks.object_groups import enlarged_labels, num_groups, split_labels
from civos_siaf.networks.propagation_network import FrameFeatures
from civos_siaf.propagation.aot_engine import AotEngine
from civos_siaf.propagation.aot_memory import batched
from civos_siaf.propagation.feature_cache import FeatureCache
from civos_siaf.propagation.images import AotImages, resize_labels
from civos_siaf.propagation.settings import AotSettings
from civos_siaf.propagation.sweeps import TruncatedSweep


class Visited(NamedTuple):
    """A frame to which a sweep has come.

    Attributes:
        frame: its number.
        labels: (H, W) uint8, of the size of the video.
        logits: (E, 11, h, w) of all groups, those of unused identities too.
    """

    frame: int
    labels: Tensor
    logits: Tensor


class AotSweeps:
    """Runs sweeps over one video. Each has a memory of its own beside the annotated frames.

    It leaves nothing, so the result of a sweep depends on no other, and not on their order.

    Args:
        network: in eval mode.
        images: the video in the network's size.
        features: of its frames.
        settings: see there.
    """

    def __init__(
        self, network: IdentityNetwork, images: AotImages, features: FeatureCache, settings: AotSettings
    ) -> None:
        self.network = network
        self.images = images
        self.features = features
        self.settings = settings

    def run(
        self,
        sweeps: Sequence[TruncatedSweep],
        references: Mapping[int, FrameMemory],
        *,
        num_objects: int,
    ) -> Iterator[Visited]:
        """Visit the frames of all sweeps.

        Args:
            sweeps: in any order.
            references: memories of annotated frames, those of all sources among them, each for all groups of
                ten objects.
            num_objects: K.
        """
        count = self.settings.sweeps_on(self.images.device)
        # Of like length together, so that few rows of a batch end before the others.
        ordered = sorted(sweeps, key=len, reverse=True) if count > 1 else list(sweeps)
        for start in range(0, len(ordered), count):
            yield from self._together(ordered[start : start + count], references, num_objects)

    def _together(
        self, sweeps: Sequence[TruncatedSweep], references: Mapping[int, FrameMemory], num_objects: int
    ) -> Iterator[Visited]:
        groups = num_groups(num_objects)
        engine = AotEngine(
            self.network, mem_every=self.settings.mem_every, max_memory_frames=self.settings.max_memory_frames
        )
        self._begin(engine, sweeps, references)
        running = list(sweeps)
        for step in range(max(map(len, sweeps))):
            frames = [sweep.frames[step] for sweep in running]
            features = self._features(frames, groups)
            with self.settings.autocast(self.images.device):
                logits = torch.split(engine.propagate(features).float(), groups)
            labels = [
                enlarged_labels(self.network, own, num_objects, self.images.frames.size) for own in logits
            ]
            yield from map(Visited, frames, labels, logits)
            going_on = [place for place, sweep in enumerate(running) if len(sweep) > step + 1]
            if not going_on:
                break
            if len(going_on) < len(running):
                engine.select(self._rows(going_on, groups))
                running = [running[place] for place in going_on]
            small = [resize_labels(labels[place], self.images.size) for place in going_on]
            with self.settings.autocast(self.images.device):
                engine.update(torch.cat([split_labels(own, groups) for own in small]))

    def _begin(
        self, engine: AotEngine, sweeps: Sequence[TruncatedSweep], references: Mapping[int, FrameMemory]
    ) -> None:
        """Sources, and references by their distance from each source."""
        limit = self.settings.max_references

        def nearest(source: int) -> list[int]:
            return sorted(references, key=lambda frame: (abs(frame - source), frame))[:limit]

        ranks = zip(*(nearest(sweep.source) for sweep in sweeps), strict=True)
        shared = [side_by_side([references[frame] for frame in rank]) for rank in ranks]
        # The nearest to a source is the source itself.
        engine.begin(shared, shared[0])

    def _features(self, frames: Sequence[int], groups: int) -> FrameFeatures:
        """Of one frame for all its groups, or of several with a row for each of their groups."""
        every = [self.features[frame] for frame in frames]
        if len(every) == 1:
            return every[0]
        parts = zip(*(features.parts for features in every), strict=True)
        joined = FrameFeatures(torch.cat([f.key for f in every]), tuple(torch.cat(part) for part in parts))
        if groups == 1:
            return joined
        return joined.rows(self._rows(range(len(every)), 1).repeat_interleave(groups))

    def _rows(self, places: Sequence[int], groups: int) -> Tensor:
        """Rows of a batch that belong to some of its sweeps."""
        firsts = torch.tensor(list(places), device=self.images.device) * groups
        return (firsts[:, None] + torch.arange(groups, device=firsts.device)).flatten()


def side_by_side(memories: Sequence[FrameMemory]) -> FrameMemory:
    """Memories of one frame for each sweep, all of their groups, along the batch."""
    if len(memories) == 1:
        return memories[0]
    return batched(
        [
            tuple(KeyValue(key.expand(len(value), -1, -1, -1), value) for key, value in memory)
            for memory in memories
        ]
    )
