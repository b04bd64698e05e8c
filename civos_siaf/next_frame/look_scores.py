"""How much each frame deserves a look, from how sure the method is, else from what the masks do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from civos_siaf.next_frame.finished_round import Scores
from civos_siaf.protocol import Labels

_STEP = 4  # every fourth pixel of every fourth row is enough
_FEW = 8  # such sampled pixels: smaller changes are noise


def look_scores(labels: Iterable[Labels], confidences: Sequence[float | None] | None = None) -> Scores:
    """How much each frame deserves a look, (T,), 0 to 1.

    1 - confidence where the method tells that: beside it, jumps of the masks only mislead. Elsewhere what
    `jump_scores` says.

    Args:
        labels: label maps (H, W) of all frames in order; looked at only where a confidence is missing.
        confidences: of all frames, 0 to 1, None where the method does not say.
    """
    if confidences is None or any(sure is None for sure in confidences):
        scores = jump_scores(labels)
    else:
        scores = np.zeros(len(confidences))
    for frame, sure in enumerate(confidences or ()):
        if sure is not None:
            scores[frame] = 1 - sure
    return np.clip(scores, 0, 1)


def jump_scores(labels: Iterable[Labels]) -> Scores:
    """How far the masks jump to each frame, (T,), 0 to 1, beyond what is usual in this video.

    1 - IoU of the object that changes most: the part of its area that it lost or won.

    Args:
        labels: label maps (H, W) of all frames in order.
    """
    jumps: list[float] = []
    before: Labels | None = None
    for map_ in labels:
        sampled = np.ascontiguousarray(map_[::_STEP, ::_STEP])
        jumps.append(0.0 if before is None else _jump(before, sampled))
        before = sampled
    scores = np.array(jumps, dtype=np.float64)
    if len(scores) > 1:
        usual = float(np.median(scores[1:]))
        scores = np.clip((scores - usual) / max(1 - usual, 1e-6), 0, 1)
    return scores


def _jump(before: Labels, after: Labels) -> float:
    """The largest change of an object between two frames, 0 to 1."""
    old, new = np.bincount(before.ravel(), minlength=256), np.bincount(after.ravel(), minlength=256)
    same = np.bincount(after[before == after], minlength=256)
    union = old + new - same
    changed = (union - same >= _FEW) & (union > 0)
    changed[0] = False
    if not changed.any():
        return 0.0
    return float(np.max(1 - same[changed] / union[changed]))
