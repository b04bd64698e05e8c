"""Which frame of a project to look at next."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from civos_siaf.app.document.content import Content, drawn_in
from civos_siaf.next_frame import FinishedRound, NextFrame


def usable(chooser: NextFrame) -> NextFrame:
    """The chooser, if it needs nothing that a project has not.

    Raises:
        ValueError: it needs ground truth, or judges masks by the images, which would take long at every step.
    """
    if missing := sorted(set(chooser.needs) - {"confidences"}):
        raise ValueError(
            f"{type(chooser).__name__} needs {' and '.join(missing)}, which the annotation tool does not "
            "give; use next_frame=method, even or random"
        )
    return chooser


def suggested(content: Content, scores: Sequence[float] | None, chooser: NextFrame) -> int | None:
    """The frame of a project to look at next; None before the first round, and where all were looked at.

    A frame that a person has marked as doubtful, and not corrected since, comes first; no other comes that
    was prompted or reviewed.
    """
    if scores is None:
        return None
    now = {drawn.action.frame for drawn in drawn_in(content.groups)} | content.pending_frames
    played = [sorted({drawn.action.frame for drawn in drawn_in(one.groups)}) for one in content.rounds]
    reviewed = {frame for frame, mark in content.reviews.items() if mark == "reviewed"}
    doubtful = {frame for frame, mark in content.reviews.items() if mark == "doubtful"} - now
    if doubtful:
        return min(doubtful)
    finished = FinishedRound(
        num_frames=len(scores),
        prompted=(*map(tuple, played), tuple(sorted(now | reviewed))),
        num_objects=len(content.objects),
        look_scores=np.array(scores),
    )
    free = finished.times_prompted == 0
    if not free.any():
        return None
    return int(np.argmax(np.where(free, chooser.priorities(finished), -np.inf)))
