"""Pictures for the log: images with the outlines of masks, side by side."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

COLOURS = ((255, 60, 60), (60, 220, 60), (70, 130, 255), (255, 220, 60), (230, 80, 230), (70, 230, 230))
UNKNOWN = 255


def picture(image: Tensor) -> NDArray[np.uint8]:
    """An image (3, H, W) or (1, H, W) in [0, 1] as RGB (H, W, 3)."""
    pixels = image.detach().float().clamp(0, 1).expand(3, -1, -1).permute(1, 2, 0)
    return np.ascontiguousarray((pixels.cpu().numpy() * 255).astype(np.uint8))


def outlined(image: Tensor, labels: Tensor) -> NDArray[np.uint8]:
    """An image (3, H, W) with every object of labels (H, W) outlined and tinted; unknown pixels are grey."""
    pixels = picture(image)
    numbers = labels.cpu().numpy()
    pixels[numbers == UNKNOWN] = 128
    for number in np.unique(numbers[(numbers > 0) & (numbers != UNKNOWN)]):
        colour = COLOURS[(int(number) - 1) % len(COLOURS)]
        mask = (numbers == number).astype(np.uint8)
        inside = mask > 0
        pixels[inside] = (0.7 * pixels[inside] + 0.3 * np.array(colour)).astype(np.uint8)
        edges, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(pixels, edges, -1, colour, 1)
    return pixels


def marked(pixels: NDArray[np.uint8], marks: Tensor) -> NDArray[np.uint8]:
    """A picture (H, W, 3) with marks (H, W) of 0..N and -1 (none) painted; those of background are white."""
    numbers = marks.cpu().numpy()
    out: NDArray[np.uint8] = pixels.copy()
    out[numbers == 0] = 255
    for number in np.unique(numbers[numbers > 0]):
        out[numbers == number] = COLOURS[(int(number) - 1) % len(COLOURS)]
    return out


def montage(rows: Sequence[Sequence[NDArray[np.uint8]]], *, gap: int = 2) -> NDArray[np.uint8]:
    """Pictures of one size in rows, with black lines between."""
    lines = []
    for row in rows:
        padded = [np.pad(cell, ((0, gap), (0, gap), (0, 0))) for cell in row]
        lines.append(np.concatenate(padded, axis=1))
    return np.concatenate(lines)
