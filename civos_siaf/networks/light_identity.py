"""A light identity network: AOT's memory on MobileNetV2, with identities that need no learning.

AOT gives every object a learned embedding, and its decoder learns to tell eleven of them apart, in hundreds
of thousands of steps. Here an identity is carried as a few channels of its own, made from its masks by one
small network that all identities share. So nothing depends on which identity an object has, and the cost is
that of eleven objects at any time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from civos_siaf.networks.aot.identity import CHANNELS, identity_one_hot
from civos_siaf.networks.aot.local_attention import tiled
from civos_siaf.networks.identity_network import FrameMemory, IdentityNetwork, KeyValue, Matched, Seen
from civos_siaf.networks.light_propagation import BACKBONE, STAGES, double
from civos_siaf.networks.propagation_network import FrameFeatures

RADIUS = 7
PIECES = 4
"""A position of stride 16 knows its share of each identity at stride 8."""
ROWS = 512
"""Queries that are matched with the long-term memory at a time."""


class LightIdentity(IdentityNetwork):
    """Long-term matching with all remembered frames, short-term with a window of the frame before.

    Both match by the distance of what two frames show at two positions. What is read of an identity goes
    through one decoder, the same for all, that also sees the frame and the strongest other identity; its
    answer is added to what was read.

    Args:
        key_channels: C_k, one of them for the distance.
        mask_channels: learned channels of an identity in memory, beside its mask.
        widths: channels per identity in the decoder, at strides 16, 8 and 4.
    """

    trunk: Any

    def __init__(
        self,
        *,
        key_channels: int = 64,
        mask_channels: int = 12,
        widths: tuple[int, int, int] = (32, 24, 16),
    ) -> None:
        super().__init__(align_corners=False)
        self.trunk = timm.create_model(BACKBONE, features_only=True, pretrained=False, out_indices=(1, 2, 3))
        # timm leaves a deeper stage in, and runs it.
        del self.trunk.blocks[STAGES:]
        c4, c8, c16 = self.trunk.feature_info.channels()
        self.mask_channels = mask_channels
        self.key_proj = nn.Conv2d(c16, key_channels - 1, 3, padding=1)
        self.masks = MaskEncoder(mask_channels)
        self.frame_value = nn.Conv2d(c16, mask_channels, 1)
        self.window_bias = nn.Parameter(torch.zeros(1, (2 * RADIUS + 1) ** 2))
        self.decoder = IdentityDecoder((c4, c8, c16), mask_channels + PIECES, widths)

    def encode_frame(self, image: Tensor) -> FrameFeatures:
        """See `IdentityNetwork`; parts: values of the frame, then what the decoder adds."""
        self._require_size(image)
        f4, f8, f16 = self.trunk(image)
        point = self.key_proj(f16).float()
        key = torch.cat([point, torch.ones_like(point[:, :1])], dim=1)
        return FrameFeatures(key, (self.frame_value(f16), *self.decoder.frame_parts(f4, f8, f16)))

    def identify(self, labels: Tensor) -> Tensor:
        """See `IdentityNetwork`; (E, n, 11 * channels)."""
        return self.identify_masks(identity_one_hot(labels))

    def identify_masks(self, masks: Tensor) -> Tensor:
        """See `IdentityNetwork`; (E, n, 11 * channels)."""
        found = self.masks(masks.flatten(0, 1)[:, None])
        tokens = found.view(*masks.shape[:2], found.shape[1], -1).permute(0, 3, 1, 2)
        return torch.as_tensor(tokens.flatten(2))

    def reference(self, frame: FrameFeatures, identity: Tensor) -> tuple[list[Tensor], FrameMemory]:
        """See `IdentityNetwork`."""
        seen = self._seen(frame)
        memory = self.remember(seen, identity)
        return self._maps(frame, memory[0], memory[0]), memory

    def match(self, frame: FrameFeatures, long: FrameMemory, short: FrameMemory) -> Matched:
        """See `IdentityNetwork`; the maps are (E, 2 * 11 * channels, h, w), long-term first."""
        return Matched(self._maps(frame, long[0], short[0]), self._seen(frame))

    def remember(self, seen: Sequence[Seen], identity: Tensor) -> FrameMemory:
        """See `IdentityNetwork`."""
        key, tokens = seen[0]
        parts = identity.view(*identity.shape[:2], CHANNELS, -1)
        learned = F.relu(parts[..., : self.mask_channels] + tokens[:, :, None])
        value = torch.cat([learned, parts[..., self.mask_channels :].expand(len(learned), -1, -1, -1)], dim=3)
        return (KeyValue(key, value.flatten(2)[:, None]),)

    def decode(self, maps: Sequence[Tensor], frame: FrameFeatures) -> Tensor:
        """See `IdentityNetwork`."""
        read = maps[0]
        long, short = read.view(len(read), 2, CHANNELS, -1, *read.shape[2:]).unbind(dim=1)
        return torch.as_tensor(self.decoder(long, short, frame.parts[1:]))

    def _seen(self, frame: FrameFeatures) -> list[Seen]:
        point = frame.key[:, :-1]
        # With the query's ones: the negative squared distance, up to the query's own length.
        key = torch.cat([2 * point, -point.square().sum(dim=1, keepdim=True)], dim=1)
        return [Seen(key.flatten(2).transpose(1, 2)[:, None], frame.parts[0].flatten(2).transpose(1, 2))]

    def _maps(self, frame: FrameFeatures, long: KeyValue, short: KeyValue) -> list[Tensor]:
        size = (frame.key.shape[2], frame.key.shape[3])
        query = frame.key.flatten(2).transpose(1, 2)[:, None]
        with torch.autocast(query.device.type, enabled=False):
            query = query.float()
            read = [read_all(query, long.key.float(), long.value.float())]
            read.append(self._read_window(query, short.key.float(), short.value.float(), size))
        joined = torch.cat(read, dim=3)[:, 0].transpose(1, 2)
        return [joined.reshape(*joined.shape[:2], *size)]

    def _read_window(self, query: Tensor, key: Tensor, value: Tensor, size: tuple[int, int]) -> Tensor:
        count = len(self.window_bias[0])
        nothing = query.new_zeros(1, 1, 1)
        by_query = nothing.expand(1, query.shape[3], count)
        to_value = nothing.expand(1, count, value.shape[3])
        return tiled(query, key, value, by_query, self.window_bias.float(), to_value, size)


class MaskEncoder(nn.Module):
    """Masks down to stride 16: learned channels, then their shares at stride 8.

    Args:
        channels: learned ones.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.to8 = nn.Conv2d(1, 8, 3, stride=2, padding=1)
        self.to16 = nn.Conv2d(8, channels, 3, stride=2, padding=1)

    def forward(self, masks: Tensor) -> Tensor:
        """(P, 1, H, W) to (P, channels + 4, H/16, W/16)."""
        small = F.avg_pool2d(masks, 4)
        learned = self.to16(F.relu(self.to8(small)))
        return torch.cat([learned, F.pixel_unshuffle(F.avg_pool2d(small, 2), 2)], dim=1)


class IdentityDecoder(nn.Module):
    """From what was read of each identity to its logit at stride 4.

    Args:
        channels: of the trunk at strides 4, 8 and 16.
        read: channels of an identity in each of the two memories.
        widths: per identity, at strides 16, 8 and 4.
    """

    def __init__(self, channels: tuple[int, int, int], read: int, widths: tuple[int, int, int]) -> None:
        super().__init__()
        c4, c8, c16 = channels
        w16, w8, w4 = widths
        self.skip16, self.skip8, self.skip4 = (
            nn.Conv2d(c16, w16, 1),
            nn.Conv2d(c8, w8, 1),
            nn.Conv2d(c4, w4, 1),
        )
        self.enter = nn.Conv2d(2 * read + 2 * PIECES, w16, 3, padding=1)
        self.conv16 = nn.Conv2d(w16, w16, 3, padding=1)
        self.enter8 = nn.Conv2d(w16 + 4, w8, 3, padding=1)
        self.conv8 = nn.Conv2d(w8, w8, 3, padding=1)
        self.enter4 = nn.Conv2d(w8, w4, 1)
        self.conv4 = nn.Conv2d(w4, w4, 3, padding=1)
        self.out = nn.Conv2d(w4, 1, 3, padding=1)
        # At first the answer is what was read.
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(torch.as_tensor(self.out.bias))
        self.trust = nn.Parameter(torch.tensor([0.5, 0.5]))

    def frame_parts(self, f4: Tensor, f8: Tensor, f16: Tensor) -> tuple[Tensor, ...]:
        """What does not depend on objects, for `forward`."""
        return self.skip16(f16), self.skip8(f8), self.skip4(f4)

    def forward(self, long: Tensor, short: Tensor, parts: tuple[Tensor, ...]) -> Tensor:
        """What was read, (E, 11, read, h, w) each, and the result of `frame_parts` to (E, 11, 4h, 4w)."""
        skip16, skip8, skip4 = parts
        own = [x[:, :, -PIECES:] for x in (long, short)]
        rivals = [strongest_other(x) for x in own]
        x = torch.cat([long, short, *rivals], dim=2)
        groups = len(x)
        x = F.relu(_shared(self.enter(x.flatten(0, 1)), skip16, groups))
        x = F.relu(x + self.conv16(x))
        pieces = F.pixel_shuffle(torch.cat([*own, *rivals], dim=2).flatten(0, 1), 2)
        x = F.relu(_shared(self.enter8(torch.cat([double(x), pieces.to(x.dtype)], dim=1)), skip8, groups))
        x = F.relu(x + self.conv8(x))
        x = F.relu(_shared(double(self.enter4(x)), skip4, groups))
        x = self.out(F.relu(x + self.conv4(x))).float()
        shares = double(pieces[:, :2].float()).clamp(1e-3, 1)
        # Natural logarithms, so that the soft-max of what was read alone gives it back.
        x = x + (shares.log() * self.trust[:, None, None]).sum(dim=1, keepdim=True)
        return torch.as_tensor(x.view(groups, CHANNELS, *x.shape[2:]))


def read_all(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Attention of (B, 1, n, D) to (B, 1, m, D) with values (E, 1, m, D'), shared by all of a batch of 1."""
    starts = range(0, query.shape[2], ROWS)
    rows = [(query[:, :, i : i + ROWS] @ key.transpose(2, 3)).softmax(dim=3) @ value for i in starts]
    return torch.cat(rows, dim=2)


def strongest_other(x: Tensor) -> Tensor:
    """For each of the identities (E, 11, ...) the largest value of the others."""
    top, which = x.topk(2, dim=1)
    numbers = torch.arange(x.shape[1], device=x.device).view(1, -1, *[1] * (x.dim() - 2))
    return torch.where(which[:, :1] == numbers, top[:, 1:], top[:, :1])


def _shared(x: Tensor, frame: Tensor, groups: int) -> Tensor:
    """Add what belongs to a frame (1 or E, C, h, w) to all its identities (E * 11, C, h, w)."""
    return (x.view(groups, CHANNELS, *x.shape[1:]) + frame[:, None]).flatten(0, 1)
