"""The propagation network of MiVOS, with the names of its published weights.

Source: docs/specification/mivos.md section 4.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from civos_siaf.networks.propagation_network import FrameFeatures, Memory, PropagationNetwork
from civos_siaf.networks.residual_stages import stage

F16_CHANNELS = 1024
KEY_CHANNELS = 128
VALUE_CHANNELS = 512


class StmPyramid(NamedTuple):
    """Features of strides 4 (256 channels), 8 (512) and 16 (1024)."""

    f4: Tensor
    f8: Tensor
    f16: Tensor


class FrameEncoder(nn.Module):
    """ResNet-50 up to stride 16 on an image."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.res2 = stage(64, 64, 3, stride=1)
        self.layer2 = stage(256, 128, 4, stride=2)
        self.layer3 = stage(512, 256, 6, stride=2)

    def forward(self, image: Tensor) -> StmPyramid:
        """Normalised images (B, 3, H, W)."""
        f4 = self.res2(_pool(self.bn1(self.conv1(image))))
        f8 = self.layer2(f4)
        return StmPyramid(f4, f8, self.layer3(f8))


class MemoryEncoder(nn.Module):
    """ResNet-50 up to stride 16 on an image, the object's mask and the others' mask.

    Every convolution has a bias, as in the published weights.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(5, 64, 7, stride=2, padding=3)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = stage(64, 64, 3, stride=1, bias=True)
        self.layer2 = stage(256, 128, 4, stride=2, bias=True)
        self.layer3 = stage(512, 256, 6, stride=2, bias=True)

    def forward(self, image: Tensor, masks: Tensor, others: Tensor) -> Tensor:
        """Image (1 or K, 3, H, W), masks and others (K, 1, H, W) to (K, 1024, H/16, W/16)."""
        x = _pool(self.bn1(self.stem(image, masks, others)))
        return torch.as_tensor(self.layer3(self.layer2(self.layer1(x))))

    def stem(self, image: Tensor, masks: Tensor, others: Tensor) -> Tensor:
        """The first convolution: its part over the image is the same for every object."""
        conv = self.conv1
        if len(masks) == len(image):
            return torch.as_tensor(conv(torch.cat([image, masks, others], dim=1)))
        shared = F.conv2d(image, conv.weight[:, :3], conv.bias, conv.stride, conv.padding)
        own = torch.cat([masks, others], dim=1)
        return F.conv2d(own, conv.weight[:, 3:], None, conv.stride, conv.padding) + shared


class KeyValueHead(nn.Module):
    """3x3 projections of the stride-16 feature to keys and values."""

    def __init__(self) -> None:
        super().__init__()
        self.key_proj = nn.Conv2d(F16_CHANNELS, KEY_CHANNELS, 3, padding=1)
        self.val_proj = nn.Conv2d(F16_CHANNELS, VALUE_CHANNELS, 3, padding=1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 1024, h, w) to key (B, 128, h, w) and value (B, 512, h, w)."""
        return self.key_proj(x), self.val_proj(x)


class JoinedKeyValueHead(nn.Module):
    """Takes the place of a `KeyValueHead`: one convolution whose first channels are the key.

    Args:
        conv: from 1024 channels to those of key and value together.
    """

    def __init__(self, conv: nn.Module) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 1024, h, w) to key (B, 128, h, w) and value (B, 512, h, w)."""
        key, value = self.conv(x).split([KEY_CHANNELS, VALUE_CHANNELS], dim=1)
        return key, value


def _pool(x: Tensor) -> Tensor:
    return F.max_pool2d(F.relu(x, inplace=True), 3, stride=2, padding=1)


class Residual(nn.Module):
    """Two 3x3 convolutions with activations before them, added to the input or its projection."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.downsample: nn.Module | None = None
        if in_channels != out_channels:
            self.downsample = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, h, w) to (B, out, h, w)."""
        y = self.conv2(F.relu(self.conv1(F.relu(x)), inplace=True))
        y += x if self.downsample is None else self.downsample(x)
        return torch.as_tensor(y)


class SplitConv(nn.Conv2d):
    """A 3x3 convolution of two concatenated inputs, applied to each half of its channels by itself.

    `first(a) + second(b)` is the convolution of a and b together; the bias is in `second`.
    """

    def __init__(self, split: int, out_channels: int) -> None:
        super().__init__(2 * split, out_channels, 3, padding=1)
        self.split = split

    def first(self, x: Tensor) -> Tensor:
        """(B, split, h, w) to (B, out, h, w)."""
        return F.conv2d(x, self.weight[:, : self.split], None, padding=1)

    def second(self, x: Tensor) -> Tensor:
        """(B, split, h, w) to (B, out, h, w)."""
        return F.conv2d(x, self.weight[:, self.split :], self.bias, padding=1)


class SplitPair(nn.Module):
    """Takes the place of a `SplitConv`: two convolutions, one for each half."""

    def __init__(self, first: nn.Module, second: nn.Module) -> None:
        super().__init__()
        self.first = first
        self.second = second


class Compress(nn.Module):
    """`Residual` of what was read, (K, C, h, w), and the frame's value, (1, C, h, w), concatenated."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.downsample = SplitConv(channels, channels)
        self.conv1 = SplitConv(channels, channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def frame_part(self, value: Tensor) -> tuple[Tensor, Tensor]:
        """What the frame's value adds inside and outside, each (1, C, h, w)."""
        return self.conv1.second(F.relu(value)), self.downsample.second(value)

    def forward(self, readout: Tensor, inside: Tensor, outside: Tensor) -> Tensor:
        """(K, C, h, w), with both results of `frame_part`."""
        y = self.conv1.first(F.relu(readout))
        y += inside
        y = self.conv2(F.relu(y, inplace=True))
        y += self.downsample.first(readout)
        y += outside
        return torch.as_tensor(y)


class UpBlock(nn.Module):
    """Doubles the resolution and adds a skip branch."""

    def __init__(self, skip_channels: int, channels: int, out_channels: int) -> None:
        super().__init__()
        self.skip_conv1 = nn.Conv2d(skip_channels, channels, 3, padding=1)
        self.skip_conv2 = Residual(channels, channels)
        self.out_conv = Residual(channels, out_channels)

    def skip(self, feature: Tensor) -> Tensor:
        """The skip branch of a frame's feature (1, skip, h, w): (1, channels, h, w)."""
        return torch.as_tensor(self.skip_conv2(self.skip_conv1(feature)))

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """(K, channels, h/2, w/2) and the result of `skip` to (K, out, h, w)."""
        up = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        up += skip
        return torch.as_tensor(self.out_conv(up))


class StmDecoder(nn.Module):
    """What was read becomes logits at stride 4."""

    def __init__(self) -> None:
        super().__init__()
        self.compress = Compress(VALUE_CHANNELS)
        self.up_16_8 = UpBlock(512, 512, 256)
        self.up_8_4 = UpBlock(256, 256, 256)
        self.pred = nn.Conv2d(256, 1, 3, padding=1)

    def frame_parts(self, value: Tensor, f8: Tensor, f4: Tensor) -> tuple[Tensor, ...]:
        """All that does not depend on an object, for `forward`."""
        return (*self.compress.frame_part(value), self.up_16_8.skip(f8), self.up_8_4.skip(f4))

    def forward(self, readout: Tensor, parts: tuple[Tensor, ...]) -> Tensor:
        """(K, 512, h, w) at stride 16 to logits (K, 1, 4h, 4w)."""
        inside, outside, skip8, skip4 = parts
        x = self.compress(readout, inside, outside)
        x = self.up_8_4(self.up_16_8(x, skip8), skip4)
        return torch.as_tensor(self.pred(F.relu(x)))


class Stm(PropagationNetwork):
    """Space-time memory with two ResNet-50 encoders; keys of the memory depend on the object.

    Images are RGB, normalised with the mean and deviation of ImageNet; sides are multiples of 16.
    """

    def __init__(self) -> None:
        super().__init__()
        self.mask_rgb_encoder = MemoryEncoder()
        self.rgb_encoder = FrameEncoder()
        self.kv_m_f16 = KeyValueHead()
        self.kv_q_f16 = KeyValueHead()
        self.decoder = StmDecoder()

    def encode_frame(self, image: Tensor) -> FrameFeatures:
        """Features of a normalised image (1, 3, H, W), or of several (N, 3, H, W).

        The parts are those of `StmDecoder.frame_parts`.
        """
        pyramid = self.rgb_encoder(image)
        key, value = self.kv_q_f16(pyramid.f16)
        return FrameFeatures(key, self.decoder.frame_parts(value, pyramid.f8, pyramid.f4))

    def encode_objects(
        self, images: Tensor, masks: Tensor, rest: Tensor, frames: FrameFeatures | None = None
    ) -> Memory:
        """Memory of objects of one image, or each of its own. The features of the frames are not used."""
        return Memory(*self.kv_m_f16(self.mask_rgb_encoder(images, masks, rest)))

    def decode_low(self, readout: Tensor, frame: FrameFeatures) -> Tensor:
        """What was read (K, C_v, h, w) to logits (K, 1, H/4, W/4), with features of 1 image or of K."""
        logits: Tensor = self.decoder(readout, frame.parts)
        return logits
