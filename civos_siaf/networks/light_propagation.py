"""A light space-time memory network: one MobileNetV2 trunk for all, keys shared by objects."""

from __future__ import annotations

from typing import Any

import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from civos_siaf.networks.propagation_network import FrameFeatures, Memory, PropagationNetwork

BACKBONE = "mobilenetv2_100"
STAGES = 5
"""Stages of the backbone down to stride 16."""


class LightPropagation(PropagationNetwork):
    """Takes the place of `Stm` at a small part of its cost.

    The trunk sees every frame once. All objects attend alike, by the distance of what two frames show at two
    positions; a memory's value comes from the trunk's features and a small branch over the masks.

    Args:
        key_channels: C_k, one of them for the distance.
        value_channels: C_v.
        width8: channels of the decoder at stride 8.
        width4: channels of the decoder at stride 4.
    """

    memory_needs_frame = True
    shared_keys = True
    trunk: Any

    def __init__(
        self, *, key_channels: int = 64, value_channels: int = 128, width8: int = 64, width4: int = 32
    ) -> None:
        super().__init__()
        self.trunk = timm.create_model(BACKBONE, features_only=True, pretrained=False, out_indices=(1, 2, 3))
        # timm leaves a deeper stage in, and runs it.
        del self.trunk.blocks[STAGES:]
        c4, c8, c16 = self.trunk.feature_info.channels()
        self.key_proj = nn.Conv2d(c16, key_channels - 1, 3, padding=1)
        self.frame_proj = nn.Conv2d(c16, value_channels, 1)
        self.skip8 = nn.Conv2d(c8, width8, 1)
        self.skip4 = nn.Conv2d(c4, width4, 1)
        self.mask_branch = MaskBranch(c4, c8, c16)
        self.value_proj = nn.Sequential(
            _block(2 * c16, value_channels), nn.Conv2d(value_channels, value_channels, 3, padding=1)
        )
        self.compress = _block(2 * value_channels, value_channels)
        self.reduce8 = nn.Conv2d(value_channels, width8, 1)
        self.out8 = _block(width8, width8)
        self.reduce4 = nn.Conv2d(width8, width4, 1)
        self.out4 = _block(width4, width4)
        self.pred = nn.Conv2d(width4, 1, 3, padding=1)

    def encode_frame(self, image: Tensor) -> FrameFeatures:
        """See `PropagationNetwork`; parts: trunk features of strides 16, 8, 4, then what the decoder adds."""
        f4, f8, f16 = self.trunk(image)
        parts = (f16, f8, f4, self.frame_proj(f16), self.skip8(f8), self.skip4(f4))
        return FrameFeatures(_query_key(self.key_proj(f16)), parts)

    def encode_objects(
        self, images: Tensor, masks: Tensor, rest: Tensor, frames: FrameFeatures | None = None
    ) -> Memory:
        """See `PropagationNetwork`; there is one key per image."""
        frames = self.encode_frame(images) if frames is None else frames
        f16, f8, f4 = frames.parts[:3]
        own = self.mask_branch(torch.cat([masks, rest], dim=1), f4, f8)
        joined = torch.cat([own, f16.expand(len(own), -1, -1, -1)], dim=1)
        return Memory(_memory_key(frames.key), self.value_proj(joined))

    def decode_low(self, readout: Tensor, frame: FrameFeatures) -> Tensor:
        """See `PropagationNetwork`."""
        context, skip8, skip4 = frame.parts[3:]
        x = self.compress(torch.cat([readout, context.expand(len(readout), -1, -1, -1)], dim=1))
        x = self.out8(F.relu(double(self.reduce8(x)) + skip8))
        x = self.out4(F.relu(double(self.reduce4(x)) + skip4))
        return torch.as_tensor(self.pred(x))


class MaskBranch(nn.Module):
    """Masks down to stride 16, with the frame's features added on the way."""

    def __init__(self, c4: int, c8: int, c16: int) -> None:
        super().__init__()
        self.to4 = nn.Sequential(_block(2, 16, stride=2), _block(16, c4, stride=2))
        self.to8 = _block(c4, c8, stride=2)
        self.to16 = _block(c8, c16, stride=2)

    def forward(self, masks: Tensor, f4: Tensor, f8: Tensor) -> Tensor:
        """Masks and others (K, 2, H, W) to (K, c16, H/16, W/16)."""
        return torch.as_tensor(self.to16(self.to8(self.to4(masks) + f4) + f8))


def _query_key(point: Tensor) -> Tensor:
    """(B, C, h, w) to (B, C + 1, h, w): the points themselves, then ones.

    With `_memory_key` the dot product of two keys is the negative squared distance of their points, up to the
    query's own length, which no soft-max over the memory sees.
    """
    point = point.float()
    return torch.cat([point, torch.ones_like(point[:, :1])], dim=1)


def _memory_key(query_key: Tensor) -> Tensor:
    """What a frame's key becomes in memory: twice the points, then their negative squared lengths."""
    point = query_key[:, :-1].float()
    return torch.cat([2 * point, -point.square().sum(dim=1, keepdim=True)], dim=1).to(query_key.dtype)


def _block(in_channels: int, out_channels: int, *, stride: int = 1) -> nn.Sequential:
    """A 3x3 convolution with batch norm and activation; the names are our own."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    )


def double(x: Tensor) -> Tensor:
    """Maps (B, C, h, w) at twice the resolution."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
