"""Scoring a network while it is trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from torch import nn


class Validation(Protocol):
    """Scores a network in eval mode.

    Attributes:
        best: the name of the score by which the best weights are chosen; higher is better.
    """

    best: str

    def __call__(self, network: nn.Module) -> Mapping[str, float]:
        """Scores by name."""
