"""Masks and prompts drawn over a frame, to be looked at."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from civos_siaf.masks import davis_palette
from civos_siaf.prompts import Click, Prompts, Scribble
from civos_siaf.video.frames import Rgb

GREEN, RED, WHITE, BLACK = (60, 220, 60), (230, 50, 50), (255, 255, 255), (0, 0, 0)
VIVID = np.array(
    [
        (255, 60, 60),
        (60, 220, 60),
        (70, 110, 255),
        (255, 225, 0),
        (255, 60, 255),
        (0, 230, 240),
        (255, 140, 0),
    ],
    np.uint8,
)
"""Colours to tell objects from a picture and from each other, RGB."""


def overlay(
    image: Rgb,
    labels: NDArray[np.uint8],
    *,
    opacity: float = 0.5,
    colours: NDArray[np.uint8] | None = None,
    rim: bool = False,
) -> Rgb:
    """A frame with its objects tinted and outlined in the palette's colours, or in others.

    Args:
        image: (H, W, 3) uint8.
        labels: (H, W) uint8, 0 background.
        opacity: of the tint, 0 to 1.
        colours: (256, 3) uint8, RGB by label; None: those of DAVIS.
        rim: a black line around the outline, so that it is seen on every ground.

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
    outlines = {
        k: cv2.findContours((labels == k).view(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)[0]
        for k in np.unique(labels[labels > 0]).tolist()
    }
    for outline in outlines.values() if rim else ():
        cv2.drawContours(mixed, outline, -1, BLACK, 3)
    for k, outline in outlines.items():
        cv2.drawContours(mixed, outline, -1, colours[k].tolist(), 1)
    return mixed


def contrasting_colours(image: Rgb, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A vivid colour for each object that differs from its own, from the picture's and from the others'.

    Args:
        image: (H, W, 3) uint8, RGB.
        labels: (H, W) uint8, 0 background.

    Returns:
        (256, 3) uint8, RGB by label: as `davis_palette` for the background.

    >>> red = np.full((4, 4, 3), (220, 20, 20), np.uint8)
    >>> contrasting_colours(red, np.ones((4, 4), np.uint8))[1].tolist() != [255, 60, 60]
    True
    """
    colours, lab = davis_palette(), _lab(image)
    candidates = _lab(VIVID[None])[0]
    around = np.linalg.norm(candidates - np.median(lab.reshape(-1, 3), axis=0), axis=1)
    times_used = np.zeros(len(VIVID))
    present = np.unique(labels[labels > 0]).tolist()
    for k in [*present, *(k for k in range(1, 256) if k not in present)]:
        apart = around
        if k in present:
            own = np.median(lab[labels == k], axis=0)
            apart = np.minimum(around, np.linalg.norm(candidates - own, axis=1))
        for other in np.flatnonzero(times_used):
            apart = np.minimum(apart, np.linalg.norm(candidates - candidates[other], axis=1))
        chosen = int(np.argmax(apart - 1000 * times_used))
        times_used[chosen] += 1
        colours[k] = VIVID[chosen]
    return colours


def _lab(image: Rgb) -> NDArray[np.float32]:
    """CIE L*a*b*, in which distances are those that people see."""
    return np.asarray(cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)


def draw_prompts(
    image: Rgb, prompts: Prompts, *, scale: float = 1.0, colours: NDArray[np.uint8] | None = None
) -> None:
    """Draw scribbles in their object's colour and clicks in green (positive) or red onto a frame.

    Args:
        image: (H, W, 3) uint8, changed.
        prompts: those of this frame; boxes and masks are left out.
        scale: pixels of the image per pixel of the frame that the prompts were made on.
        colours: (256, 3) uint8, RGB by label; None: those of DAVIS.
    """
    colours = davis_palette() if colours is None else colours
    for prompt in prompts:
        if isinstance(prompt, Scribble):
            points = np.rint(prompt.points * scale).astype(np.int32).reshape(-1, 1, 2)
            cv2.polylines(image, [points], False, WHITE, 4, cv2.LINE_AA)
            cv2.polylines(image, [points], False, colours[prompt.object_id].tolist(), 2, cv2.LINE_AA)
        elif isinstance(prompt, Click):
            centre = (round(prompt.x * scale), round(prompt.y * scale))
            cv2.circle(image, centre, 6, WHITE, -1, cv2.LINE_AA)
            cv2.circle(image, centre, 4, GREEN if prompt.positive else RED, -1, cv2.LINE_AA)
