"""Features of a frame to logits of identities.

Source: docs/specification/siaf.md section 6, equation 6 of the paper.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from civos_siaf.networks.afi.backbones import MAPS, NUM_IDENTITIES


class MaskHead(nn.Module):
    """Everything at stride 4, joined, two convolutions, and logits.

    Args:
        inputs: channels of the features across frames, and of the high and low ones of the frame.
        width: channels inside.
    """

    def __init__(self, inputs: tuple[int, int, int], *, width: int = 256) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(*_convolution(sum(inputs), width), *_convolution(width, width))
        self.logits = nn.Conv2d(width, NUM_IDENTITIES, 1)

    def forward(self, across: Tensor, high: Tensor, low: Tensor, votes: Tensor | None = None) -> Tensor:
        """Features of any size to logits (N, 11, h, w) of the size of the low ones.

        `votes` (N, 22, ...) are of no use here.
        """
        joined = torch.cat([_resized(across, low), _resized(high, low), low], dim=1)
        return torch.as_tensor(self.logits(self.convolutions(joined)))


class NarrowMaskHead(nn.Module):
    """The same with few channels; what is coarse is reduced before it is resized.

    Reducing and resizing may change places: so this is a 1x1 convolution of all three joined, and then
    narrow 3x3 ones. What the prompts vote for is added to the logits, and to the features.

    Args:
        inputs: as in `MaskHead`.
        width: channels inside.
        votes: whether there are any.
        trust: factor on votes as logits, in the beginning.
    """

    def __init__(
        self, inputs: tuple[int, int, int], *, width: int = 48, votes: bool = True, trust: float = 4.0
    ) -> None:
        super().__init__()
        # Not right after a convolution: it is the norm of a sum, never folded into one of its parts.
        self.norm = nn.BatchNorm2d(width)
        self.across, self.high, self.low = (nn.Conv2d(c, width, 1) for c in inputs)
        self.votes = nn.Conv2d(MAPS, width, 1, bias=False) if votes else None
        self.trust = nn.Parameter(torch.full((MAPS // NUM_IDENTITIES,), trust)) if votes else None
        if self.votes is not None:
            nn.init.zeros_(self.votes.weight)
        self.convolutions = nn.Sequential(*_convolution(width, width), *_convolution(width, width))
        self.logits = nn.Conv2d(width, NUM_IDENTITIES, 1)

    def forward(self, across: Tensor, high: Tensor, low: Tensor, votes: Tensor | None = None) -> Tensor:
        """Features of any size to logits (N, 11, h, w) of the size of the low ones.

        Votes (N, 22, h, w) of the prompts, of any size.
        """
        joined = self.low(low) + _resized(self.across(across), low) + _resized(self.high(high), low)
        if self.votes is not None and votes is not None:
            joined = joined + _resized(self.votes(votes), low)
        logits = self.logits(self.convolutions(F.relu(self.norm(joined))))
        if self.trust is not None and votes is not None:
            kinds = torch.unflatten(votes, 1, (-1, NUM_IDENTITIES)) * self.trust.view(1, -1, 1, 1, 1)
            logits = logits + _resized(kinds.sum(dim=1), logits)
        return torch.as_tensor(logits)


def _convolution(in_channels: int, out_channels: int) -> list[nn.Module]:
    conv = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
    return [conv, nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True)]


def _resized(x: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(x, size=like.shape[2:], mode="bilinear", align_corners=False)
