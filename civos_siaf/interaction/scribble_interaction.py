"""Scribbles to masks, as MiVOS' DAVIS processor does it (docs/specification/mivos.md sections 3.2, 10)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from civos_siaf.interaction.frame_interaction import FrameView
from civos_siaf.networks.aggregate import aggregate
from civos_siaf.prompts import Prompt, Prompts, Scribble
from civos_siaf.prompts.strokes import draw

NOTHING = -1


class ScribbleInteraction:
    """Runs scribble-to-mask for every object, from its present mask and this round's scribbles.

    Args:
        network: `S2m` or one with the same inputs, in eval mode.
        dilate: widen the scribbles to three pixels.
        scale_to_padded: stretch the scribbles to the padded size (published), instead of moving them by the
            padding.
        max_batch: most objects in one forward pass.
    """

    accepts: tuple[type[Prompt], ...] = (Scribble,)

    def __init__(
        self, network: nn.Module, *, dilate: bool = True, scale_to_padded: bool = True, max_batch: int = 8
    ) -> None:
        self.network = network
        self.dilate = dilate
        self.scale_to_padded = scale_to_padded
        self.max_batch = max_batch

    @torch.inference_mode()
    def predict(self, view: FrameView, calls: Sequence[Prompts]) -> Tensor:
        """Masks (K+1, H, W), or padded (K+1, H', W'), index 0 = background.

        Padded, nearly one-hot. Scribbles of all calls count.
        """
        scribbles = [scribble for prompts in calls for scribble in prompts.scribbles]
        maps = torch.from_numpy(self._drawn(view, scribbles)).to(view.image.device)
        labels = torch.from_numpy(view.labels.copy()).to(view.image.device)
        ids = torch.arange(1, view.num_objects + 1, device=maps.device).view(-1, 1, 1)
        scribbled = torch.stack([maps == ids, (maps != ids) & (maps != NOTHING)], dim=1).float()
        if self.dilate:
            scribbled = F.max_pool2d(scribbled, 3, stride=1, padding=1)
        own = torch.cat([(labels == ids)[:, None].float(), scribbled], dim=1)
        logits = [
            self.network(torch.cat([view.image.expand(len(part), -1, -1, -1), part], dim=1))
            for part in torch.split(own, self.max_batch)
        ]
        return aggregate(torch.cat(logits)[:, 0].float().sigmoid(), hard=True)

    def _drawn(self, view: FrameView, scribbles: Sequence[Scribble]) -> NDArray[np.int16]:
        """Label map (H', W') of the scribbles."""
        padding = view.padding
        height, width = padding.size
        factor, shift = np.ones(2), np.array([padding.left, padding.top], dtype=np.float64)
        if self.scale_to_padded:
            inside = np.maximum((padding.width - 1, padding.height - 1), 1)
            factor, shift = np.array([width - 1, height - 1]) / inside, np.zeros(2)
        moved = [Scribble(s.frame, s.object_id, s.points * factor + shift) for s in scribbles]
        return draw(moved, height=height, width=width, empty=NOTHING)
