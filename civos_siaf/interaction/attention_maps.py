"""Where a point of one frame looks on the others in across-frame attention (SIAF, Fig. 4)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from civos_siaf.networks.afi.across import FrameAttention
from civos_siaf.networks.afi.network import Afi

STRIDE = 16
"""Of the tokens that attend to each other."""


@torch.inference_mode()
def attention_maps(
    network: Afi, images: Tensor, marks: Tensor, previous: Tensor, *, point: tuple[int, int, int]
) -> Tensor:
    """How much a point attends to every place of all frames, its own among them.

    Args:
        network: with across-frame attention, in eval mode.
        images: (1, T, 3, H, W), as `Afi.forward` takes them, as well as the next two.
        marks: (1, T, 11, H, W).
        previous: (1, T, 11, H, W).
        point: frame, row and column in pixels of the images.

    Returns:
        (T, H/16, W/16), the mean over the heads; all values together sum to 1.

    Raises:
        ValueError: a network without this attention, or a point outside the frames.
    """
    between = network.across.between
    if between is None:
        raise ValueError("this network has no across-frame attention (across=False)")
    frames, (height, width) = images.shape[1], images.shape[3:]
    frame, row, column = point
    if not (0 <= frame < frames and 0 <= row < height and 0 <= column < width):
        raise ValueError(f"point {point}: there are {frames} frames of {height}x{width} pixels")
    caught: list[tuple[Tensor, Tensor]] = []

    def catch(_module: nn.Module, inputs: tuple[Any, ...]) -> None:
        caught.append((inputs[0], inputs[1]))

    handle = between.register_forward_pre_hook(catch)
    try:
        network(images, marks, previous)
    finally:
        handle.remove()
    tokens, positions = caught[0]
    rows, columns = height // STRIDE, width // STRIDE
    place = (frame * rows + row // STRIDE) * columns + column // STRIDE
    return looked_at(between, tokens, positions, place).view(frames, rows, columns)


def looked_at(attention: FrameAttention, tokens: Tensor, positions: Tensor, place: int) -> Tensor:
    """Shares (S,) that a token pays to all tokens (1, S, C), the mean over the heads."""
    plain = attention.norm1(tokens)
    placed = plain + positions
    query = attention.query(placed[:, place : place + 1]).unflatten(2, (attention.heads, -1)).transpose(1, 2)
    key = attention.key(placed).unflatten(2, (attention.heads, -1)).transpose(1, 2)
    scores = (query @ key.transpose(2, 3)) * query.shape[-1] ** -0.5
    return torch.as_tensor(scores.softmax(dim=-1).mean(dim=1)[0, 0])
