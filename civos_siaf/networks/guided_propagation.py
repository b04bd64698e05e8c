"""The light space-time memory network with a sense of place, and with a model of what objects look like."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from civos_siaf.networks.light_propagation import LightPropagation, double
from civos_siaf.networks.local_matching import carry_locally
from civos_siaf.networks.propagation_network import FrameBefore, FrameFeatures
from civos_siaf.networks.target_model import fit_target_model, target_scores

MAPS = 5
"""Guiding maps of an object: mask and others of the frame before, both carried by matching, target score."""


class GuidedPropagation(LightPropagation):
    """`LightPropagation` whose decoder also sees where the object was and what the annotated frames taught.

    The memory is read from the whole picture, so whatever looks like the object answers too. The masks of
    the frame before, as they are and carried by matching within a window, say where it can be. A linear
    classifier, fitted on all annotated frames with their background, says what it does not look like.

    Args:
        radius: of the window, in positions of stride 16.
        others: as for `LightPropagation`.
    """

    guided = True

    def __init__(
        self,
        *,
        key_channels: int = 64,
        value_channels: int = 128,
        width8: int = 64,
        width4: int = 32,
        radius: int = 3,
    ) -> None:
        super().__init__(
            key_channels=key_channels, value_channels=value_channels, width8=width8, width4=width4
        )
        self.radius = radius
        self.guide16 = nn.Conv2d(MAPS, value_channels, 3, padding=1)
        self.guide8 = nn.Conv2d(MAPS, width8, 3, padding=1)
        self.guide4 = nn.Conv2d(MAPS, width4, 3, padding=1)
        for conv in (self.guide16, self.guide8, self.guide4):
            # Weights learned without guidance begin with the answers that they had.
            nn.init.zeros_(conv.weight)
            assert conv.bias is not None
            nn.init.zeros_(conv.bias)
        self.log_sharpness = nn.Parameter(torch.tensor(key_channels**-0.5).log())

    def target_features(self, frame: FrameFeatures) -> Tensor:
        """(N, h*w, D) of N frames: trunk features of strides 16 and 8, at stride 16, and a constant one."""
        f16, f8 = frame.parts[0].float(), frame.parts[1].float()
        joined = torch.cat([f16, F.avg_pool2d(f8, 2), torch.ones_like(f16[:, :1])], dim=1)
        return joined.flatten(2).transpose(1, 2)

    def fit_target(self, features: Tensor, masks: Tensor, weights: Tensor | None = None) -> Tensor:
        """See `PropagationNetwork`."""
        return fit_target_model(features, masks, weights)

    def decode(self, readout: Tensor, frame: FrameFeatures, before: FrameBefore | None = None) -> Tensor:
        """See `PropagationNetwork`."""
        if before is None:
            return super().decode(readout, frame)
        coarse, fine = self._guides(frame, before)
        context, skip8, skip4 = frame.parts[3:]
        x = self.compress(torch.cat([readout, context.expand(len(readout), -1, -1, -1)], dim=1))
        x = x + self.guide16(coarse)
        middle = F.avg_pool2d(fine, 2)
        x = self.out8(F.relu(double(self.reduce8(x)) + skip8 + self.guide8(middle)))
        x = self.out4(F.relu(double(self.reduce4(x)) + skip4 + self.guide4(fine)))
        return F.interpolate(self.pred(x), scale_factor=4, mode="bilinear", align_corners=False)

    def _guides(self, frame: FrameFeatures, before: FrameBefore) -> tuple[Tensor, Tensor]:
        """The guiding maps at strides 16 and 4, (K, 5, h, w) and (K, 5, 4h, 4w)."""
        with torch.autocast(frame.key.device.type, enabled=False):
            both = torch.cat([before.masks, before.rest], dim=1).float()
            fine = F.avg_pool2d(both, 4)
            coarse = F.avg_pool2d(fine, 4)
            carried = carry_locally(
                frame.key[:, :-1].float(),
                before.features.key[:, :-1].float(),
                coarse,
                radius=self.radius,
                sharpness=self.log_sharpness.exp(),
            )
            size = coarse.shape[2:]
            if before.target is None:
                scores = coarse.new_zeros(len(coarse), 1, *size)
            else:
                scores = target_scores(before.target, self.target_features(frame)).view(-1, 1, *size)
            rest = torch.cat([carried, scores], dim=1)
            enlarged = F.interpolate(rest, scale_factor=4, mode="bilinear", align_corners=False)
            return torch.cat([coarse, rest], dim=1), torch.cat([fine, enlarged], dim=1)
