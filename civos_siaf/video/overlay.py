"""Masks and prompts drawn over a frame, to be looked at."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from civos_siaf.masks import davis_palette
from civos_siaf.prompts import Click, Prompts, Scribble
from civos_siaf.video.frames import Rgb

GREEN, RED, WHITE = (60, 220, 60), (230, 50, 50), (255, 255, 255)


def overlay(
    image: Rgb, labels: NDArray[np.uint8], *, opacity: float = 0.5, colours: NDArray[np.uint8] | None = None
) -> Rgb:
    """A frame with its objects tinted and outlined in the palette's colours, or in others.

    Args:
        image: (H, W, 3) uint8.
        labels: (H, W) uint8, 0 background.
        opacity: of the tint, 0 to 1.
        colours: (256, 3) uint8, RGB by label; None: those of DAVIS.

    Returns:
        (H, W, 3) uint8, a new array.

    >>> overlay(np.zeros((2, 2, 3), np.uint8), np.array([[0, 0], [1, 1]], np.uint8))[1, 0].tolist()
    [128, 0, 0]
    """
    if not 0 <= opacity <= 1:
        raise ValueError(f"opacity must be in [0, 1], got {opacity}")
    colours = davis_palette() if colours is None else colours
    tinted = cv2.addWeighted(image, 1 - opacity, colours[labels], opacity, 0)
    mixed = np.where(labels[..., None] > 0, tinted, image).astype(np.uint8)
    for k in np.unique(labels[labels > 0]):
        outline, _ = cv2.findContours((labels == k).view(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(mixed, outline, -1, colours[k].tolist(), 1)
    return mixed


def draw_prompts(image: Rgb, prompts: Prompts, *, scale: float = 1.0) -> None:
    """Draw scribbles in their object's colour and clicks in green (positive) or red onto a frame.

    Args:
        image: (H, W, 3) uint8, changed.
        prompts: those of this frame; boxes and masks are left out.
        scale: pixels of the image per pixel of the frame that the prompts were made on.
    """
    for prompt in prompts:
        if isinstance(prompt, Scribble):
            points = np.rint(prompt.points * scale).astype(np.int32).reshape(-1, 1, 2)
            cv2.polylines(image, [points], False, WHITE, 4, cv2.LINE_AA)
            cv2.polylines(image, [points], False, davis_palette()[prompt.object_id].tolist(), 2, cv2.LINE_AA)
        elif isinstance(prompt, Click):
            centre = (round(prompt.x * scale), round(prompt.y * scale))
            cv2.circle(image, centre, 6, WHITE, -1, cv2.LINE_AA)
            cv2.circle(image, centre, 4, GREEN if prompt.positive else RED, -1, cv2.LINE_AA)
