"""The method's own suggestion: where it is least sure, away from what a person has looked at."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from civos_siaf.next_frame.finished_round import FinishedRound, Need, Scores
from civos_siaf.next_frame.look_scores import look_scores

REACH = 0.15
"""Of the video: a corrected frame changes about so much of it in either direction."""
_LEAST_REACH = 3
_FLOOR = 1e-3  # where the method is sure of everything, the frame farthest away comes


class MethodSuggestion:
    """What the annotation tool suggests, from the session's confidences and the masks.

    Doubt alone leads beside frames that were prompted before, and there again where no prompt can help, as
    behind an obstacle. So it counts the less the nearer such a frame is.
    """

    repeats = False
    first_counts = True
    needs: tuple[Need, ...] = ("confidences",)

    def priorities(self, finished: FinishedRound) -> Scores:
        """Those of `spread_out`, for the look scores of this round."""
        scores = finished.look_scores
        if scores is None:
            labels = () if finished.labels is None else finished.labels
            scores = look_scores(iter(labels), finished.confidences)
        done = np.flatnonzero(finished.times_prompted).tolist()
        return spread_out(scores, done=done, count=finished.count)


def spread_out(scores: Scores, *, done: Collection[int], count: int = 1) -> Scores:
    """Priorities (T,) by scores and the distance to frames that were looked at, which have 0.

    Args:
        scores: (T,), 0 to 1.
        done: frames that were looked at.
        count: so many frames at the top keep away from each other as well.
    """
    looked, top = list(done), []
    for _ in range(count - 1):
        top.append(int(np.argmax(_weighted(scores, looked))))
        looked.append(top[-1])
    priorities = _weighted(scores, looked)
    for place, frame in enumerate(top):
        priorities[frame] = 2 + count - place
    return priorities


def _weighted(scores: Scores, looked: Collection[int]) -> Scores:
    """Scores times the distance to the nearest frame that was looked at, as far as one reaches."""
    places = np.arange(len(scores))
    distance = np.full(len(scores), float(len(scores)))
    for frame in looked:
        distance = np.minimum(distance, abs(places - frame))
    reach = max(_LEAST_REACH, REACH * len(scores))
    return np.asarray(scores * np.minimum(distance / reach, 1) + _FLOOR * distance / len(scores))
