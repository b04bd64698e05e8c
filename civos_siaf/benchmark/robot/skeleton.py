"""Medial axis with the fixed tie-breaking of scikit-image up to 0.18.

Source: docs/specification/davis-interactive.md section 6.4.
"""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

CENTRE = 1 << 4


def medial_axis(region: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Skeleton (H, W) of a region (H, W): thinned from outside in, the image border being background.

    Pixels go in order of their distance to the background, then of the background around them, then of a
    permutation that is the same on every platform; a pixel stays if removing it would change how its
    neighbours connect, or if it ends a line.
    """
    skeleton = np.zeros_like(region)
    x, y, width, height = cv2.boundingRect(region.view(np.uint8))
    if width == 0:
        return skeleton
    box = (slice(y, y + height), slice(x, x + width))
    padded = np.pad(region[box], 1)
    codes = _neighbourhoods(padded)
    order = _visiting_order(padded, codes)
    thinned = _thin(codes, order)
    skeleton[box] = (thinned & CENTRE).astype(bool)[1:-1, 1:-1]
    return skeleton


def _neighbourhoods(padded: NDArray[np.bool_]) -> NDArray[np.int64]:
    """For each pixel its 3x3 block as 9 bits, in raster order from bit 0; the centre is bit 4."""
    around = np.pad(padded, 1).astype(np.int64)
    height, width = padded.shape
    codes = np.zeros((height, width), dtype=np.int64)
    for bit in range(9):
        dy, dx = divmod(bit, 3)
        codes |= around[dy : dy + height, dx : dx + width] << bit
    return codes


def _visiting_order(padded: NDArray[np.bool_], codes: NDArray[np.int64]) -> list[int]:
    """Flat indices of the set pixels, in the order in which they are looked at."""
    pixels = np.flatnonzero(padded)
    distance = ndimage.distance_transform_edt(padded).ravel()[pixels]
    background = 9 - _bit_counts()[codes.ravel()[pixels]]
    # The legacy generator is frozen by NumPy's policy: the same permutation in every version.
    permutation = np.random.RandomState(0).permutation(len(pixels))
    return pixels[np.lexsort((permutation, background, distance))].tolist()  # type: ignore[no-any-return]


def _thin(codes: NDArray[np.int64], order: list[int]) -> NDArray[np.int64]:
    """Remove what may be removed; plain integers, as each step depends on the ones before."""
    width = codes.shape[1]
    flat = codes.ravel().tolist()
    removable = _removable()
    for here in order:
        if removable[flat[here]]:
            up, down = here - width, here + width
            flat[up - 1] -= 256
            flat[up] -= 128
            flat[up + 1] -= 64
            flat[here - 1] -= 32
            flat[here] -= 16
            flat[here + 1] -= 8
            flat[down - 1] -= 4
            flat[down] -= 2
            flat[down + 1] -= 1
    return np.array(flat, dtype=np.int64).reshape(codes.shape)


@lru_cache(maxsize=1)
def _bit_counts() -> NDArray[np.int64]:
    return np.array([code.bit_count() for code in range(512)])


@lru_cache(maxsize=1)
def _removable() -> tuple[bool, ...]:
    """For each 3x3 block with a set centre: whether the centre may go.

    It may when its neighbours form exactly one 8-connected group and are at least two.
    """
    return tuple(
        bool(code & CENTRE) and code.bit_count() >= 3 and _groups(code & ~CENTRE) == 1 for code in range(512)
    )


def _groups(neighbours: int) -> int:
    """Number of 8-connected groups among the eight neighbours of a pixel."""
    block = np.array([(neighbours >> bit) & 1 for bit in range(9)]).reshape(3, 3)
    return int(ndimage.label(block, structure=np.ones((3, 3)))[1])
