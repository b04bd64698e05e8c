"""Object-contextual representations for a single class (RITM spec 5)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


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
