"""What a person clicked holds: positive clicks lie in their object and negative ones outside, always."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from civos_siaf.prompts import Click
from civos_siaf.video.frames import Rgb

THRESHOLD = 0.5
DOT = 2
"""Radius in pixels of what is certain around a click."""
PATCH = 0.02
"""Greatest radius that a click which was not followed adds by itself, in heights of the frame."""


def hold_clicks(prob: NDArray[np.float32], clicks: Sequence[Click], image: Rgb) -> NDArray[np.float32]:
    """Probabilities that agree with every click; where they did already, they hardly change.

    A negative click inside its object takes away the whole region around it that no positive click holds. A
    positive click outside its object adds a patch around it. Where clicks contradict each other at one place,
    the last one holds; a positive click keeps the other objects away, too.

    Args:
        prob: (K, H, W) of objects 1..K, each by itself.
        clicks: of this frame, in the order in which they were given.
        image: (H, W, 3) uint8, whose edges bound the regions.

    Returns:
        (K, H, W), a copy.
    """
    out = np.array(prob, dtype=np.float32)
    height, width = out.shape[1:]
    for k in range(len(out)):
        own = [click for click in clicks if click.object_id == k + 1]
        for click in own:
            y, x = pixel(click, height, width)
            inside = out[k, y, x] > THRESHOLD
            if inside and not click.positive:
                out[k][_region(out[k], click, own, image)] = 0
            elif not inside and click.positive:
                out[k][_disk((height, width), (y, x), max(DOT, round(PATCH * height)))] = 1
    # The clicked pixels themselves come last: dots of neighbouring clicks may cover them.
    for radius in (DOT, 0):
        for click in clicks:
            dot = _disk((height, width), pixel(click, height, width), radius)
            if click.positive:
                out[:, dot] = 0
            out[click.object_id - 1][dot] = click.positive
    return out


def patched(prob: NDArray[np.float32], clicks: Sequence[Click]) -> NDArray[np.float32]:
    """Probabilities (H, W) of one object with a patch around every click that they do not follow, a copy."""
    out = np.array(prob, dtype=np.float32)
    for click in clicks:
        place = pixel(click, *out.shape)
        if (out[place] > THRESHOLD) != click.positive:
            out[_disk(out.shape, place, max(DOT, round(PATCH * len(out))))] = click.positive
    return out


def pixel(click: Click, height: int, width: int) -> tuple[int, int]:
    """Row and column of the pixel that a click is on."""
    return min(max(round(click.y), 0), height - 1), min(max(round(click.x), 0), width - 1)


def disagreeing(prob: NDArray[np.float32], clicks: Sequence[Click]) -> int:
    """How many clicks on one object its probabilities (H, W) do not follow."""
    height, width = prob.shape
    return sum((prob[pixel(click, height, width)] > THRESHOLD) != click.positive for click in clicks)


def _region(
    prob: NDArray[np.float32], wrong: Click, clicks: Sequence[Click], image: Rgb
) -> NDArray[np.bool_]:
    """The part of a mask that a negative click points at: up to where the image has an edge.

    It is the connected piece of the mask without what is nearer, across the edges of the image, to one of
    the object's positive clicks or, where the piece has none, to its body.
    """
    height, width = prob.shape
    _, pieces = cv2.connectedComponents((prob > THRESHOLD).astype(np.uint8))
    piece = pieces == pieces[pixel(wrong, height, width)]
    place = pixel(wrong, height, width)
    held = [pixel(c, height, width) for c in clicks if c.positive]
    holding = [other for other in held if piece[other]] if held else _body(prob, piece, place)
    if not holding:
        return np.asarray(piece)
    left, top, box_width, box_height = cv2.boundingRect(piece.astype(np.uint8))
    box = slice(top, top + box_height), slice(left, left + box_width)
    markers = np.zeros((box_height, box_width), np.int32)
    for y, x in holding:
        cv2.circle(markers, (x - left, y - top), DOT, 1, -1)
    cv2.circle(markers, (place[1] - left, place[0] - top), DOT, 2, -1)
    flooded = cv2.watershed(np.ascontiguousarray(image[box]), markers)
    # Watershed leaves its lines, and the rim of the picture, to nobody.
    taken = cv2.dilate((flooded == 2).astype(np.uint8), np.ones((3, 3), np.uint8), iterations=2) > 0
    region = np.zeros_like(piece)
    region[box] = taken & (flooded != 1) & piece[box]
    return np.asarray(region)


def _body(
    prob: NDArray[np.float32], piece: NDArray[np.bool_], place: tuple[int, int]
) -> list[tuple[int, int]]:
    """The thickest place of the largest piece of a mask; nothing for other pieces, and near the click."""
    if 2 * piece.sum() < (prob > THRESHOLD).sum():
        return []
    depth = cv2.distanceTransform(np.pad(piece, 1).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
    y, x = divmod(int(depth.argmax()), depth.shape[1])
    near = (y - place[0]) ** 2 + (x - place[1]) ** 2 < depth[y, x] ** 2
    return [] if near else [(y, x)]


def _disk(size: tuple[int, int], place: tuple[int, int], radius: int) -> NDArray[np.bool_]:
    disk = np.zeros(size, np.uint8)
    cv2.circle(disk, (place[1], place[0]), radius, 1, -1)
    return np.asarray(disk > 0)
