"""Prompts on one frame become masks of all objects there: what every such part is given and gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from civos_siaf.networks.padding import Padding
from civos_siaf.prompts import MaskPrompt, Prompt, Prompts
from civos_siaf.video.frames import Rgb


@dataclass(frozen=True, slots=True, eq=False)
class FrameView:
    """A frame that prompts correct.

    Attributes:
        index: its number.
        rgb: (H, W, 3) uint8.
        image: (1, 3, H', W'), normalised and padded.
        padding: between the two sizes.
        prob: probabilities (K+1, H', W') of what is known.
        labels: (H', W') uint8, what is seen now.
        find_motion: gives the frame's `motion_maps` (8, h, w); None: nothing is known of its neighbours.
    """

    index: int
    rgb: Rgb
    image: Tensor
    padding: Padding
    prob: Tensor
    labels: NDArray[np.uint8]
    find_motion: Callable[[int], NDArray[np.float32]] | None = None

    @property
    def num_objects(self) -> int:
        """K."""
        return len(self.prob) - 1

    def motion(self) -> NDArray[np.float32] | None:
        """How the frame's pixels move, if that can be known; found only when it is asked for."""
        return None if self.find_motion is None else self.find_motion(self.index)


class FrameInteraction(Protocol):
    """Turns a round's prompts on a frame into masks."""

    accepts: tuple[type[Prompt], ...]
    """The kinds of prompts it understands."""

    def predict(self, view: FrameView, calls: Sequence[Prompts]) -> Tensor:
        """Masks (K+1, H, W), or padded (K+1, H', W'), index 0 = background.

        Args:
            view: the frame before this round, with the masks that were given in it.
            calls: the prompts on this frame, one item for each time that some were given.
        """


def paint_view(view: FrameView, prompts: Sequence[MaskPrompt]) -> FrameView:
    """A view on which some objects are replaced by masks (H, W) as they are, in probability and labels."""
    prob, labels = view.prob.clone(), view.labels.copy()
    for prompt in prompts:
        mask = view.padding.pad(torch.tensor(prompt.mask)).to(prob.device)
        prob[0] += prob[prompt.object_id]
        prob *= ~mask
        prob[prompt.object_id] = mask.to(prob.dtype)
        padded = MaskPrompt(prompt.frame, prompt.object_id, mask.cpu().numpy())
        labels = paint_labels(labels, [padded])
    return replace(view, prob=prob, labels=labels)


def paint_labels(labels: NDArray[np.uint8], prompts: Sequence[MaskPrompt]) -> NDArray[np.uint8]:
    """Labels (H, W) with some objects replaced by masks as they are, a copy."""
    painted = labels.copy()
    for prompt in prompts:
        painted[painted == prompt.object_id] = 0
        painted[prompt.mask] = prompt.object_id
    return np.asarray(painted)
