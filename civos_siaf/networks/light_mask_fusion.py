"""A light fusion network: that of MiVOS at half resolution with fewer channels."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from civos_siaf.networks.mask_fusion import MaskFusion


class LightMaskFusion(MaskFusion):
    """Takes the place of `MaskFusion`; the image has even sides.

    Args:
        width: channels inside.
    """

    def __init__(self, *, width: int = 16) -> None:
        super().__init__(width=width)

    def forward(
        self,
        image: Tensor,
        previous: Tensor,
        current: Tensor,
        *,
        attention: Tensor,
        n_c: float | Tensor,
        n_r: float | Tensor,
    ) -> Tensor:
        """See `MaskFusion.forward`."""
        halves = (F.avg_pool2d(x, 2) for x in (image, previous, current))
        logits = super().forward(*halves, attention=F.avg_pool2d(attention, 2), n_c=n_c, n_r=n_r)
        return torch.as_tensor(F.interpolate(logits, scale_factor=2, mode="bilinear", align_corners=False))
