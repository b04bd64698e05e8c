"""3x3 convolutions by Winograd's minimal filtering F(4x4, 3x3): a quarter of the multiplications.

Equal to the direct convolution up to rounding: errors of about 3e-6 of the largest output, where the direct
form has 3e-7. Worth it from some 256 channels on, on CPUs.
"""

from __future__ import annotations

from fractions import Fraction

import torch
import torch.nn.functional as F
from torch import Tensor, nn

TILE = 4
SPAN = TILE + 2
# Of the usual choices these points keep the rounding smallest (measured).
POINTS = (Fraction(0), Fraction(1), Fraction(-1), Fraction(1, 2), Fraction(-2))
MAX_ELEMENTS = 8 * 2**20
"""Inputs larger than this go through image by image: the tiles of a whole batch would not fit the caches."""


def _product(factors: list[Fraction]) -> list[Fraction]:
    """Coefficients, lowest first, of the product of (x - f) over the factors."""
    polynomial = [Fraction(1)]
    for factor in factors:
        shifted, scaled = [Fraction(0), *polynomial], [-factor * c for c in polynomial] + [Fraction(0)]
        polynomial = [a + b for a, b in zip(shifted, scaled, strict=True)]
    return polynomial


def transforms() -> tuple[Tensor, Tensor, Tensor]:
    """One-dimensional matrices, float64: of the output (4, 6), the filter (6, 3) and the input (6, 6).

    output @ ((filter @ g) * (input @ d)) is the correlation of d (6) with g (3). By interpolation at `POINTS`
    and infinity (Toom-Cook).
    """
    output = torch.zeros(TILE, SPAN, dtype=torch.float64)
    kernel = torch.zeros(SPAN, 3, dtype=torch.float64)
    data = torch.zeros(SPAN, SPAN, dtype=torch.float64)
    for j, point in enumerate(POINTS):
        rest = [other for other in POINTS if other != point]
        scale = Fraction(1)
        for other in rest:
            scale *= point - other
        output[:, j] = torch.tensor([float(point**i) for i in range(TILE)])
        kernel[j] = torch.tensor([float(point**i / scale) for i in range(3)], dtype=torch.float64)
        data[j, : SPAN - 1] = torch.tensor([float(c) for c in _product(rest)], dtype=torch.float64)
    output[TILE - 1, SPAN - 1] = kernel[SPAN - 1, 2] = 1
    data[SPAN - 1] = torch.tensor([float(c) for c in _product(list(POINTS))], dtype=torch.float64)
    return output, kernel, data


class WinogradConv(nn.Module):
    """A 3x3 convolution of stride 1 and padding 1, for inference in float32.

    Args:
        weight: (O, C, 3, 3).
        bias: (O,) or None.
    """

    bias: Tensor | None
    weight: Tensor
    data: Tensor
    output: Tensor

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        super().__init__()
        output, kernel, data = transforms()
        filters = torch.einsum("ij,ocjk,lk->ilco", kernel, weight.detach().double(), kernel)
        self.register_buffer("weight", filters.flatten(0, 1).float().contiguous())
        self.register_buffer("bias", None if bias is None else bias.detach().clone())
        self.register_buffer("data", torch.kron(data, data).float())
        self.register_buffer("output", torch.kron(output, output).float())

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, O, H, W), channels last."""
        with torch.autocast(x.device.type, enabled=False):
            if len(x) == 1 or x.numel() <= MAX_ELEMENTS:
                return self._convolve(x.float())
            return torch.cat([self._convolve(x[i : i + 1].float()) for i in range(len(x))])

    def _convolve(self, x: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        rows, columns = -(-height // TILE), -(-width // TILE)
        padded = F.pad(
            x.permute(0, 2, 3, 1), (0, 0, 1, 1 + columns * TILE - width, 1, 1 + rows * TILE - height)
        )
        tiles = padded.unfold(1, SPAN, TILE).unfold(2, SPAN, TILE)
        flat = tiles.permute(4, 5, 0, 1, 2, 3).reshape(SPAN * SPAN, -1)
        inner = torch.matmul(self.data, flat).view(SPAN * SPAN, -1, channels)
        products = torch.bmm(inner, self.weight).view(SPAN * SPAN, -1)
        out = torch.matmul(self.output, products).view(TILE, TILE, batch, rows, columns, -1)
        out = out.permute(2, 3, 0, 4, 1, 5)
        joined = out.new_empty(out.shape)
        if self.bias is None:
            joined.copy_(out)
        else:
            torch.add(out, self.bias, out=joined)
        return joined.view(batch, rows * TILE, columns * TILE, -1)[:, :height, :width].permute(0, 3, 1, 2)


def suits(module: nn.Module, *, min_channels: int) -> bool:
    """Whether a module is a convolution that `WinogradConv` can replace, of so many channels or more."""
    return (
        isinstance(module, nn.Conv2d)
        and module.kernel_size == (3, 3)
        and module.stride == module.dilation == (1, 1)
        and module.padding == (1, 1)
        and module.groups == 1
        and min(module.in_channels, module.out_channels) >= min_channels
    )
