"""IVOS-W's assessment network: the J&F that a mask of an image is expected to have.

Source: docs/specification/ivos_w.md section 1.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from civos_siaf.networks.imagenet import IMAGENET_MEAN, IMAGENET_STD
from civos_siaf.networks.residual_stages import stage

SIDE = 256
THRESHOLD = 0.5
_LEAST = 128
_WIDER = 0.25  # of the box, at either end
_BEYOND = 5  # pixels by which a box may leave the image


class AssessmentFeatures(NamedTuple):
    """Of the first layer after pooling and of the stages, of strides 4, 4, 8, 16 and 32."""

    stem: Tensor
    r2: Tensor
    r3: Tensor
    r4: Tensor
    r5: Tensor


class AssessmentEncoder(nn.Module):
    """ResNet-50 on an image and an object's probability.

    `conv1_m` and `conv1_n` are in the published weights and not used.
    """

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1))
        self.conv1_m = nn.Conv2d(1, 64, 7, stride=2, padding=3)
        self.conv1_p = nn.Conv2d(1, 64, 7, stride=2, padding=3, bias=False)
        self.conv1_n = nn.Conv2d(1, 64, 7, stride=2, padding=3, bias=False)
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.res2 = stage(64, 64, 3, stride=1)
        self.res3 = stage(256, 128, 4, stride=2)
        self.res4 = stage(512, 256, 6, stride=2)
        self.res5 = stage(1024, 512, 3, stride=2)

    def forward(self, image: Tensor, prob: Tensor) -> AssessmentFeatures:
        """Images (B, 3, H, W) in [0, 1] and probabilities (B, 1, H, W)."""
        x = self.conv1((image - self.mean) / self.std) + self.conv1_p(prob)
        stem = F.max_pool2d(F.relu(self.bn1(x)), 3, stride=2, padding=1)
        r2 = self.res2(stem)
        r3 = self.res3(r2)
        r4 = self.res4(r3)
        return AssessmentFeatures(stem, r2, r3, r4, self.res5(r4))


class MaskAssessment(nn.Module):
    """Looks at the surroundings of an object's mask; images need no padding."""

    def __init__(self) -> None:
        super().__init__()
        self.Encoder = AssessmentEncoder()
        self.fc1 = nn.Linear(2048, 1)

    def forward(self, images: Tensor, prob: Tensor) -> Tensor:
        """Expected J&F (B,), which may leave [0, 1], of one object.

        Args:
            images: (B, 3, H, W), RGB in [0, 1].
            prob: (B, H, W), the object's probability; its mask is where that is above 0.5.
        """
        grid = crop_grid(crop_boxes(prob), (images.shape[-2], images.shape[-1]))
        features = self.Encoder(crop(images, grid), crop(prob[:, None], grid))
        pooled = F.avg_pool2d(features.r5, SIDE // 32).flatten(1)
        quality: Tensor = self.fc1(pooled)
        return quality[:, 0]


def crop_boxes(prob: Tensor) -> Tensor:
    """Boxes (B, 4), y and x of the centre, height, width, around masks with room, of probabilities (B, H, W).

    Where no probability is above the threshold, it is the whole frame and a little more.
    """
    found = []
    for mask in (prob > THRESHOLD).cpu():
        rows, columns = mask.any(dim=1).nonzero()[:, 0], mask.any(dim=0).nonzero()[:, 0]
        (y, height), (x, width) = _extent(rows, mask.shape[0]), _extent(columns, mask.shape[1])
        found.append((y, x, height, width))
    return torch.tensor(found, dtype=torch.float32, device=prob.device)


def _extent(places: Tensor, size: int) -> tuple[float, float]:
    """Centre and length of a side of the box."""
    low, high = (int(places[0]), int(places[-1])) if len(places) else (0, size)
    if high - low < _LEAST:
        half = (_LEAST - (high - low)) // 2
        low, high = low - half, high + half
    wider = _WIDER * (high - low + 1)
    start, end = max(-float(_BEYOND), low - wider), min(float(size + _BEYOND), high + wider)
    return (start + end) / 2, end - start + 1


def crop_grid(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Affine maps (B, 2, 3) from the crop to an image of `size` (H, W), corners aligned with corners."""
    y, x, height, width = boxes.unbind(dim=1)
    rows, columns = size
    low, high = torch.stack([x - width / 2, y - height / 2]), torch.stack([x + width / 2, y + height / 2])
    last = boxes.new_tensor([[columns - 1], [rows - 1]])
    theta = boxes.new_zeros(len(boxes), 2, 3)
    theta[:, 0, 0], theta[:, 1, 1] = (high - low) / last
    theta[:, :, 2] = ((low + high - last) / last).T
    return theta


def crop(images: Tensor, theta: Tensor) -> Tensor:
    """Images (B, C, H, W) sampled bilinearly at 256 x 256 places, 0 outside."""
    grid = F.affine_grid(theta, [len(images), images.shape[1], SIDE, SIDE], align_corners=True)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=True)
