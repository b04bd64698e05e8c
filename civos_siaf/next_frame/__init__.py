"""Which frame of a video to annotate next: what the benchmark's robot and the annotation tool ask."""

from civos_siaf.next_frame.choosers import EvenFrames, RandomFrame, WorstFrame
from civos_siaf.next_frame.finished_round import FinishedRound, NextFrame
from civos_siaf.next_frame.suggestion import MethodSuggestion

__all__ = [
    "EvenFrames",
    "FinishedRound",
    "MethodSuggestion",
    "NextFrame",
    "RandomFrame",
    "WorstFrame",
]
