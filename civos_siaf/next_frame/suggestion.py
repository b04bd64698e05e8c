"""The method's own suggestion: where it is least sure, away from what a person has looked at."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from civos_siaf.next_frame.finished_round import FinishedRound, Need, Scores
from civos_siaf.next_frame.look_scores import look_scores

_NEAR = 0.02  # of the video: neighbours of a frame that was looked at show the same


class MethodSuggestion:
    """What the annotation tool suggests, from the session's confidences and the masks."""

    repeats = False
    first_counts = True
    needs: tuple[Need, ...] = ("confidences",)

    def priorities(self, finished: FinishedRound) -> Scores:
        """Those of `spread_out`, for the look scores of this round."""
        scores = finished.look_scores
        if scores is None:
            scores = look_scores(
                iter(finished.labels if finished.labels is not None else ()), finished.confidences
            )
        done = np.flatnonzero(finished.times_prompted).tolist()
        return spread_out(scores, done=done, count=finished.count)


def spread_out(scores: Scores, *, done: Collection[int], count: int = 1) -> Scores:
    """Priorities (T,) by scores, with frames that were looked at and their neighbours behind all others.

    Args:
        scores: (T,), 0 to 1.
        done: frames that were looked at.
        count: so many frames at the top keep away from each other as well.
    """
    near = max(1, round(_NEAR * len(scores)))
    priorities = np.array(scores, dtype=np.float64)
    for frame in done:
        around = slice(max(0, frame - near), frame + near + 1)
        priorities[around] = np.minimum(priorities[around], scores[around] - 2)
    for place in range(1, count):
        best = int(np.argmax(np.where(priorities <= 1, priorities, -np.inf)))
        around = slice(max(0, best - near), best + near + 1)
        priorities[around] = np.minimum(priorities[around], scores[around] - 2)
        priorities[best] = 1 + count - place
    return priorities
