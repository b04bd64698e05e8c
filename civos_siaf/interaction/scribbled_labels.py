"""Scribbles on single frames as labels: scribble-to-mask in the place of a network that sees several."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from civos_siaf.interaction.across_frame_interaction import PromptedFrame
from civos_siaf.interaction.frame_interaction import FrameView
from civos_siaf.interaction.scribble_interaction import ScribbleInteraction
from civos_siaf.networks.imagenet import normalize
from civos_siaf.networks.padding import Padding
from civos_siaf.prompts import Prompt

STRIDE = 16


class StrokeLabels(Protocol):
    """Makes labels of frames with strokes, such as `AcrossFrameInteraction`."""

    accepts: tuple[type[Prompt], ...]
    """The kinds of prompts it understands."""

    def predict(
        self,
        frames: Sequence[PromptedFrame],
        *,
        num_objects: int,
        objects: Collection[int] | None = None,
    ) -> list[NDArray[np.uint8]]:
        """Labels (H, W) of each frame; see `AcrossFrameInteraction.predict`."""


class ScribbledLabels:
    """Each frame by itself, from its scribbles and the labels that it has, as MiVOS does it.

    Args:
        masks: scribble-to-mask.
    """

    def __init__(self, masks: ScribbleInteraction) -> None:
        self.masks = masks
        self.accepts = masks.accepts
        self.device = next(masks.network.parameters()).device

    @torch.inference_mode()
    def predict(
        self,
        frames: Sequence[PromptedFrame],
        *,
        num_objects: int,
        objects: Collection[int] | None = None,
    ) -> list[NDArray[np.uint8]]:
        """Labels (H, W) of each frame.

        Args:
            frames: in any order.
            num_objects: K.
            objects: those that can be anywhere; None: all.
        """
        return [self._labels(frame, num_objects, objects) for frame in frames]

    def _labels(
        self, frame: PromptedFrame, num_objects: int, objects: Collection[int] | None
    ) -> NDArray[np.uint8]:
        height, width = frame.rgb.shape[:2]
        padding = Padding.to_multiple(height, width, STRIDE)
        before = np.zeros((height, width), np.uint8) if frame.labels is None else frame.labels
        pixels = torch.tensor(frame.rgb).to(self.device).permute(2, 0, 1).float() / 255
        view = FrameView(
            index=0,
            rgb=frame.rgb,
            image=padding.pad(normalize(pixels))[None],
            padding=padding,
            prob=torch.zeros(num_objects + 1, *padding.size),  # of which only the number is looked at
            labels=np.asarray(padding.pad(torch.from_numpy(before.copy())).numpy()),
        )
        masks = padding.crop(self.masks.predict(view, [frame.prompts]))
        if objects is not None:
            masks = masks.clone()
            masks[sorted(set(range(1, num_objects + 1)) - set(objects))] = -1.0
        return np.asarray(masks.argmax(dim=0).to(torch.uint8).cpu().numpy())
