"""The click network of RITM: HRNet with an OCR head; clicks and mask join in the stem.

Source: docs/specification/ritm.md sections 3 to 5.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from civos_siaf.networks.click_inputs import Fusion, conv1s, conv_extend, rgb_conv
from civos_siaf.networks.click_network import ClickNetwork, ClickOutput, Features, Stage
from civos_siaf.networks.hrnet import HRNet


class SpatialGather(nn.Module):
    """The mean of the pixel features, weighted by a soft-max of the logits over all positions."""

    def forward(self, pixels: Tensor, logits: Tensor) -> Tensor:
        """(B, M, H, W) and (B, 1, H, W) to (B, M, 1, 1)."""
        weights = logits.flatten(2).softmax(dim=2)
        return torch.bmm(pixels.flatten(2), weights.transpose(1, 2)).unsqueeze(3)


class ObjectContext(nn.Module):
    """What the object region tells a pixel.

    Attention over the classes: with one class its weight is 1 whatever query and key are, so `f_pixel` and
    `f_object` never run. They exist because published files hold their weights.
    """

    def __init__(self, mid_channels: int, key_channels: int) -> None:
        super().__init__()
        self.f_pixel = _two_convs(mid_channels, key_channels)
        self.f_object = _two_convs(mid_channels, key_channels)
        self.f_down = nn.Sequential(*_conv_norm(mid_channels, key_channels))
        self.f_up = nn.Sequential(*_conv_norm(key_channels, mid_channels))

    def forward(self, region: Tensor) -> Tensor:
        """(B, M, 1, 1) to (B, M, 1, 1), which holds for every pixel."""
        return torch.as_tensor(self.f_up(self.f_down(region)))


class SpatialOcr(nn.Module):
    """Pixel features joined with the context of the object region."""

    def __init__(self, mid_channels: int, key_channels: int, *, dropout: float = 0.05) -> None:
        super().__init__()
        self.object_context_block = ObjectContext(mid_channels, key_channels)
        self.conv_bn_dropout = nn.Sequential(
            *_conv_norm(2 * mid_channels, mid_channels), nn.Dropout2d(dropout)
        )

    def forward(self, pixels: Tensor, region: Tensor) -> Tensor:
        """(B, M, H, W) and (B, M, 1, 1) to (B, M, H, W)."""
        context = self.object_context_block(region)
        conv = self.conv_bn_dropout[0]
        assert isinstance(conv, nn.Conv2d)
        # The context is the same at every pixel: its half of the 1x1 convolution needs to run only once.
        mid = pixels.shape[1]
        of_context, of_pixels = conv.weight[:, :mid], conv.weight[:, mid:]
        mixed = F.conv2d(pixels, of_pixels) + F.conv2d(context, of_context, conv.bias)
        return torch.as_tensor(self.conv_bn_dropout[1:](mixed))


def _conv_norm(in_channels: int, out_channels: int) -> list[nn.Module]:
    norm = nn.Sequential(nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True))
    return [nn.Conv2d(in_channels, out_channels, 1, bias=False), norm]


def _two_convs(in_channels: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(*_conv_norm(in_channels, out_channels), *_conv_norm(out_channels, out_channels))


class HRNetOcr(HRNet):
    """HRNet with an auxiliary head and an OCR head for one class.

    Args:
        width: see `HRNet`.
        ocr_width: key channels K of the OCR head; its features have 2K channels.
        small: see `HRNet`.

    Raises:
        ValueError: `ocr_width` below 1.
    """

    def __init__(self, *, width: int, ocr_width: int, small: bool = False) -> None:
        super().__init__(width=width, small=small)
        if ocr_width < 1:
            raise ValueError(f"ocr_width must be 1 or more, got {ocr_width}")
        channels, mid = self.out_channels, 2 * ocr_width
        self.ocr_channels = mid
        self.conv3x3_ocr = nn.Sequential(
            nn.Conv2d(channels, mid, 3, padding=1), nn.BatchNorm2d(mid), nn.ReLU(inplace=True)
        )
        self.ocr_gather_head = SpatialGather()
        self.ocr_distri_head = SpatialOcr(mid, ocr_width)
        self.cls_head = nn.Conv2d(mid, 1, 1)
        self.aux_head = nn.Sequential(
            nn.Conv2d(channels, channels, 1),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, 1, 1),
        )

    def object_features(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 15C, h, w) to the OCR head's features (B, 2K, h, w) and auxiliary logits (B, 1, h, w)."""
        aux = self.aux_head(features)
        pixels = self.conv3x3_ocr(features)
        return self.ocr_distri_head(pixels, self.ocr_gather_head(pixels, aux)), aux


class Ritm(ClickNetwork):
    """HRNet + OCR click network; parameter names are those of the published files.

    Args:
        width: 18 or 32 in the published models.
        ocr_width: 48, 64 or 128 in the published models.
        small: the small variant of W18.
        fusion: how clicks and previous mask enter; "conv1s" in the published models.
        leaky: LeakyReLU in the fusion, ReLU otherwise.
        with_aux_output: return the auxiliary logits.
        with_prev_mask, use_disks, norm_radius, binary_prev_mask: see `ClickNetwork`.
    """

    def __init__(
        self,
        *,
        width: int,
        ocr_width: int,
        small: bool = False,
        fusion: Fusion = "conv1s",
        leaky: bool = True,
        with_aux_output: bool = True,
        with_prev_mask: bool = True,
        use_disks: bool = True,
        norm_radius: float = 5,
        binary_prev_mask: bool = False,
    ) -> None:
        super().__init__(
            with_prev_mask=with_prev_mask,
            use_disks=use_disks,
            norm_radius=norm_radius,
            binary_prev_mask=binary_prev_mask,
        )
        self.with_aux_output = with_aux_output
        self.rgb_conv: nn.Module | None = None
        self.maps_transform: nn.Module | None = None
        if fusion == "rgb_conv":
            self.rgb_conv = rgb_conv(self.num_coord_channels, leaky=leaky)
        elif fusion == "conv_extend":
            self.maps_transform = conv_extend(self.num_coord_channels)
        elif fusion == "conv1s":
            self.maps_transform = conv1s(self.num_coord_channels, leaky=leaky)
        else:
            raise ValueError(f"fusion must be conv1s, conv_extend or rgb_conv, got {fusion!r}")
        self.feature_extractor = HRNetOcr(width=width, ocr_width=ocr_width, small=small)

    def channels(self, stage: Stage) -> int:
        """15 * width at A and B (the same place in this network), 2 * ocr_width at C."""
        net = self.feature_extractor
        return net.ocr_channels if stage == "C" else net.out_channels

    def encode(self, rgb: Tensor, coords: Tensor, stage: Stage) -> Features:
        """Run what `prepare` returned up to a stage. Features of stride 4."""
        extra = None
        if self.rgb_conv is not None:
            rgb = self.rgb_conv(torch.cat([rgb, coords], dim=1))
        else:
            assert self.maps_transform is not None
            extra = self.maps_transform(coords)
        features = self.feature_extractor.features(rgb, extra)
        if stage == "C":
            return Features(self.feature_extractor.object_features(features)[0])
        return Features(features)

    def decode(self, features: Features, stage: Stage) -> ClickOutput:
        """Run on to logits (B, 1, h, w), usually smaller than the image; no auxiliary ones at C.

        Logits of stride 4.
        """
        if stage == "C":
            return ClickOutput(self.feature_extractor.cls_head(features.main), None)
        hidden, aux = self.feature_extractor.object_features(features.main)
        return ClickOutput(self.feature_extractor.cls_head(hidden), aux if self.with_aux_output else None)
