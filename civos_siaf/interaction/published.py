"""The published refinement modes by their names, with the published settings (RITM spec 8.2, 9)."""

from __future__ import annotations

from civos_siaf.interaction.brs import FeatureBrs, InputBrs
from civos_siaf.interaction.brs_optimizer import ClickOptimizer
from civos_siaf.interaction.refinement import NoRefinement, Refinement
from civos_siaf.networks.click_network import Stage

MODES = ("NoBRS", "f-BRS-A", "f-BRS-B", "f-BRS-C", "RGB-BRS", "DistMap-BRS")
_STAGES: dict[str, Stage] = {"f-BRS-A": "A", "f-BRS-B": "B", "f-BRS-C": "C"}


def refinement(mode: str, *, prob_thresh: float = 0.49, max_evals: int = 20) -> Refinement:
    """A refinement by its published name.

    Args:
        mode: one of `MODES`.
        prob_thresh: probability on whose right side a clicked pixel must be.
        max_evals: limit of evaluations per click.

    Raises:
        ValueError: another mode.
    """
    if mode == "NoBRS":
        return NoRefinement()
    optimizer = ClickOptimizer(prob_thresh=prob_thresh, max_evals=max_evals)
    if mode in _STAGES:
        return FeatureBrs(_STAGES[mode], optimizer=optimizer)
    if mode == "RGB-BRS":
        return InputBrs("rgb", optimizer=optimizer)
    if mode == "DistMap-BRS":
        return InputBrs("maps", optimizer=optimizer)
    raise ValueError(f"mode must be one of {', '.join(MODES)}, got {mode!r}")
