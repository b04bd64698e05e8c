"""Which frame of a project to look at next."""

from __future__ import annotations

from collections.abc import Sequence

from civos_siaf.app.document.content import Content, drawn_in
from civos_siaf.next_frame.suggestion import suggest


def suggested(content: Content, scores: Sequence[float] | None) -> int | None:
    """The frame of a project to look at next; None before the first round."""
    if scores is None:
        return None
    now = {drawn.action.frame for drawn in drawn_in(content.groups)} | content.pending_frames
    earlier = {drawn.action.frame for played in content.rounds for drawn in drawn_in(played.groups)}
    reviewed = {frame for frame, mark in content.reviews.items() if mark == "reviewed"}
    doubtful = {frame for frame, mark in content.reviews.items() if mark == "doubtful"}
    return suggest(scores, done=now | earlier | reviewed, doubtful=doubtful - now)
