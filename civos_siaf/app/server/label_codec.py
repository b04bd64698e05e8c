"""Label maps as runs, the form in which the page gets them: small, and quick to paint."""

from __future__ import annotations

import numpy as np

from civos_siaf.protocol import Labels

LONGEST = 2**24 - 1
"""Pixels that one run can hold; a longer one is split."""


def encode_runs(labels: Labels) -> bytes:
    """Encode a label map (H, W) row by row: little-endian uint32 per run, `label << 24 | length`.

    >>> np.frombuffer(encode_runs(np.array([[0, 0, 3]], np.uint8)), "<u4").tolist() == [2, 3 << 24 | 1]
    True
    """
    flat = np.ravel(labels)
    if not len(flat):
        return b""
    starts = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1])
    lengths = np.diff(starts, append=len(flat))
    values = flat[starts].astype(np.int64)
    if lengths.max() > LONGEST:
        values, lengths = _split(values, lengths)
    return bytes((values << 24 | lengths).astype("<u4"))


def decode_runs(data: bytes, height: int, width: int) -> Labels:
    """The label map (H, W) of `encode_runs`.

    Raises:
        ValueError: the runs do not fill H x W pixels.
    """
    if len(data) % 4:
        raise ValueError(f"runs take four bytes each, got {len(data)} bytes")
    runs = np.frombuffer(data, dtype="<u4")
    lengths = (runs & LONGEST).astype(np.int64)
    if lengths.sum() != height * width:
        raise ValueError(f"the runs hold {lengths.sum()} pixels, the frame has {height * width}")
    return np.repeat((runs >> 24).astype(np.uint8), lengths).reshape(height, width)


def _split(values: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Runs of at most `LONGEST` pixels: full ones first, the rest of each last."""
    parts = -(-lengths // LONGEST)
    pieces = np.full(parts.sum(), LONGEST, dtype=np.int64)
    pieces[np.cumsum(parts) - 1] = lengths - (parts - 1) * LONGEST
    return np.repeat(values, parts), pieces
