"""The space-time memory network of Oh et al. (ICCV 2019), with the names of its published weights.

Source: docs/specification/stm.md.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from civos_siaf.networks.imagenet import IMAGENET_MEAN, IMAGENET_STD
from civos_siaf.networks.propagation_network import FrameFeatures, Memory, PropagationNetwork
from civos_siaf.networks.residual_stages import stage
from civos_siaf.networks.stm import F16_CHANNELS, KEY_CHANNELS, VALUE_CHANNELS, Residual, StmPyramid


class Statistics(nn.Module):
    """Holds the mean and deviation of images, which are part of the published file."""

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1))

    def normalize(self, image: Tensor) -> Tensor:
        """RGB (B, 3, H, W) in [0, 1] less the mean, divided by the deviation."""
        return (image - self.mean) / self.std


class QueryEncoder(Statistics):
    """ResNet-50 up to stride 16 on an image."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.res2 = stage(64, 64, 3, stride=1)
        self.res3 = stage(256, 128, 4, stride=2)
        self.res4 = stage(512, 256, 6, stride=2)

    def forward(self, image: Tensor) -> StmPyramid:
        """Normalised images (B, 3, H, W)."""
        f4 = self.res2(_pool(self.bn1(self.conv1(image))))
        f8 = self.res3(f4)
        return StmPyramid(f4, f8, self.res4(f8))


class NormOfSum(nn.modules.batchnorm._BatchNorm):
    """Batch norm of several convolutions added up: it must not be folded into the one declared before it."""

    def _check_input_dim(self, input: Tensor) -> None:
        if input.dim() != 4:
            raise ValueError(f"expected (B, C, H, W), got {tuple(input.shape)}")


class MaskedEncoder(Statistics):
    """ResNet-50 up to stride 16 on an image, the object's mask and the other objects' mask."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1_m = nn.Conv2d(1, 64, 7, stride=2, padding=3, bias=False)
        self.conv1_o = nn.Conv2d(1, 64, 7, stride=2, padding=3, bias=False)
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = NormOfSum(64)
        self.res2 = stage(64, 64, 3, stride=1)
        self.res3 = stage(256, 128, 4, stride=2)
        self.res4 = stage(512, 256, 6, stride=2)

    def forward(self, image: Tensor, masks: Tensor, others: Tensor) -> Tensor:
        """Normalised image (1 or K, 3, H, W), masks and others (K, 1, H, W) to (K, 1024, H/16, W/16).

        The image's part of the first layer is computed once where all objects are of one image.
        """
        x = self.conv1(image) + self.conv1_m(masks) + self.conv1_o(others)
        return torch.as_tensor(self.res4(self.res3(self.res2(_pool(self.bn1(x))))))


class KeyValue(nn.Module):
    """3x3 projections of the stride-16 feature to keys and values."""

    def __init__(self) -> None:
        super().__init__()
        self.Key = nn.Conv2d(F16_CHANNELS, KEY_CHANNELS, 3, padding=1)
        self.Value = nn.Conv2d(F16_CHANNELS, VALUE_CHANNELS, 3, padding=1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 1024, h, w) to key (B, 128, h, w) and value (B, 512, h, w)."""
        return self.Key(x), self.Value(x)


class Refine(nn.Module):
    """Doubles the resolution and adds a skip branch; 256 channels."""

    def __init__(self, skip_channels: int) -> None:
        super().__init__()
        self.convFS = nn.Conv2d(skip_channels, 256, 3, padding=1)
        self.ResFS = Residual(256, 256)
        self.ResMM = Residual(256, 256)

    def forward(self, skip: Tensor, x: Tensor) -> Tensor:
        """Skip (1 or K, C, h, w) and x (K, 256, h/2, w/2) to (K, 256, h, w)."""
        up = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        return torch.as_tensor(self.ResMM(self.ResFS(self.convFS(skip)) + up))


class Decoder(nn.Module):
    """What was read and the frame's value become two logits, background and object, at stride 4."""

    def __init__(self) -> None:
        super().__init__()
        self.convFM = nn.Conv2d(2 * VALUE_CHANNELS, 256, 3, padding=1)
        self.ResMM = Residual(256, 256)
        self.RF3 = Refine(512)
        self.RF2 = Refine(256)
        self.pred2 = nn.Conv2d(256, 2, 3, padding=1)

    def forward(self, read: Tensor, f8: Tensor, f4: Tensor) -> Tensor:
        """(K, 1024, h, w) at stride 16 to logits (K, 2, 4h, 4w)."""
        x = self.RF2(f4, self.RF3(f8, self.ResMM(self.convFM(read))))
        return torch.as_tensor(self.pred2(F.relu(x)))


class SpaceTimeMemory(PropagationNetwork):
    """STM as published: two ResNet-50 encoders, the whole memory is read, two logits an object.

    Images are RGB, normalised with the statistics of the encoders; sides are multiples of 16. As the softmax
    of two logits is the sigmoid of their difference, `decode` gives that difference.
    """

    def __init__(self) -> None:
        super().__init__()
        self.Encoder_M = MaskedEncoder()
        self.Encoder_Q = QueryEncoder()
        self.KV_M_r4 = KeyValue()
        self.KV_Q_r4 = KeyValue()
        self.Decoder = Decoder()

    def encode_frame(self, image: Tensor) -> FrameFeatures:
        """Features of a normalised image (1, 3, H, W), or of several (N, 3, H, W)."""
        pyramid = self.Encoder_Q(image)
        key, value = self.KV_Q_r4(pyramid.f16)
        return FrameFeatures(key, (value, pyramid.f8, pyramid.f4))

    def encode_objects(
        self, images: Tensor, masks: Tensor, rest: Tensor, frames: FrameFeatures | None = None
    ) -> Memory:
        """Memory of objects of one image, or each of its own. The features of the frames are not used."""
        return Memory(*self.KV_M_r4(self.Encoder_M(images, masks, rest.clamp(0, 1))))

    def decode_low(self, readout: Tensor, frame: FrameFeatures) -> Tensor:
        """What was read (K, 512, h, w) to logits (K, 1, H/4, W/4), with features of 1 image or of K."""
        value, f8, f4 = frame.parts
        read = torch.cat([readout, value.expand(len(readout), -1, -1, -1)], dim=1)
        pair = self.Decoder(read, f8, f4)
        return torch.as_tensor(pair[:, 1:] - pair[:, :1])


def _pool(x: Tensor) -> Tensor:
    return F.max_pool2d(F.relu(x, inplace=True), 3, stride=2, padding=1)
