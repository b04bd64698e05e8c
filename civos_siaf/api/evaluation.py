"""A method against the robot of the DAVIS interactive benchmark, in one call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from civos_siaf.api.configuration import built, composed, names_in, require_name
from civos_siaf.api.methods import about, load_method
from civos_siaf.benchmark import ClickStrategy, DavisDataset, Summary, click_strategy
from civos_siaf.benchmark import evaluate as play
from civos_siaf.benchmark.rules import DEFAULT_ROUNDS, Rules
from civos_siaf.next_frame import NextFrame
from civos_siaf.protocol import Method
from civos_siaf.runtime.device import best_device


def evaluate(
    method: str | Method,
    dataset: str | Path | DavisDataset | None = None,
    *,
    clicks: str | ClickStrategy | None = "f3",
    max_clicks: int = 3,
    rounds: int = DEFAULT_ROUNDS,
    rules: Rules | None = None,
    next_frame: str | NextFrame = "worst",
    folder: Path | str | None = None,
    device: str = "auto",
    **rule_settings: Any,
) -> Summary:
    """Evaluate a method with the DAVIS interactive protocol, as `scripts/eval_davis.py` does.

    Args:
        method: a name of `list_methods()`, or any object with the calls of `civos_siaf.Method`.
        dataset: a folder in the layout of DAVIS, a data set, or a name of `configs/dataset`, such as "shapes"
            (synthetic videos, drawn on first use); None: the small set inside the package.
        clicks: f1, f2, f3 or f3_regions: the robot's scribbles become clicks; None: the method gets them.
        max_clicks: of each frame and object.
        rounds: for each sample.
        rules: the whole protocol, in place of `rounds` and `rule_settings`.
        next_frame: which frame the robot annotates next: a name in `configs/next_frame`, such as worst,
            method, random or even, or a chooser of your own.
        folder: for the report, its summary and curves; an interrupted evaluation found there goes on. None:
            nothing is written.
        device: of the networks, if `method` is a name.
        rule_settings: of `civos_siaf.benchmark.Rules`, such as `frames_per_round=3`.

    Returns:
        The summary; `r_auc`, `auc` and `at_60s` are its figures.

    Raises:
        FileNotFoundError: no such data, or a weight file of the method is missing.
        ValueError: no such method, data set, strategy or setting; or the folder is of another evaluation.

    >>> import civos_siaf as cs
    >>> summary = cs.evaluate("nearest_colour", clicks="f3", rounds=1)
    >>> 0 < summary.r_auc < summary.auc < 1
    True
    """
    facts = None
    if isinstance(method, str):
        place = best_device() if device == "auto" else device
        facts, method = about(method, device=place), load_method(method, device=place)
    return play(
        method,
        _dataset(dataset),
        rules=rules or Rules(max_rounds=rounds, **rule_settings),
        clicks=click_strategy(clicks, max_clicks=max_clicks) if isinstance(clicks, str) else clicks,
        folder=folder,
        about=facts,
        next_frame=_chooser(next_frame, rounds) if isinstance(next_frame, str) else next_frame,
    )


def _chooser(name: str, rounds: int) -> NextFrame:
    require_name("next_frame", name)
    with composed("eval_davis", [f"next_frame={name}", f"rounds={rounds}"]) as cfg:
        found: NextFrame = built(cfg.next_frame)
    return found


def _dataset(dataset: str | Path | DavisDataset | None) -> DavisDataset:
    if isinstance(dataset, DavisDataset):
        return dataset
    if isinstance(dataset, str) and dataset in names_in("dataset") and not Path(dataset).is_dir():
        with composed("eval_davis", [f"dataset={dataset}"]) as cfg:
            found: DavisDataset = built(cfg.dataset)
        return found
    return DavisDataset(dataset)
