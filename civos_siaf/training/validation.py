"""Scoring a network while it is trained: by clicks on images, or by whole rounds of the benchmark."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from torch import nn

from civos_siaf.benchmark import DavisDataset, Rules, evaluate
from civos_siaf.benchmark.clicks import ClickStrategy
from civos_siaf.benchmark.noc import ClickSample, Segmenter, evaluate_clicks
from civos_siaf.benchmark.noc_report import curve
from civos_siaf.protocol import Method


class Validation(Protocol):
    """Scores a network in eval mode.

    Attributes:
        best: the name of the score by which the best weights are chosen; higher is better.
    """

    best: str

    def __call__(self, network: nn.Module) -> Mapping[str, float]:
        """Scores by name."""


class ClickValidation:
    """Mean IoU after each of some simulated clicks (docs/specification/ritm.md section 10).

    Args:
        predictor: makes what is clicked with from the network.
        samples: the objects; read again at each validation.
        clicks: how many are made on each.
        every: take each such object only.
    """

    def __init__(
        self,
        predictor: Callable[[nn.Module], Segmenter],
        samples: Iterable[ClickSample],
        *,
        clicks: int = 3,
        every: int = 1,
    ) -> None:
        self.predictor, self.samples, self.clicks, self.every = predictor, samples, clicks, every
        self.best = "mean"

    def __call__(self, network: nn.Module) -> dict[str, float]:
        """`iou_1`, `iou_2`, ... after so many clicks, and their `mean`."""
        predictor = self.predictor(network)
        chosen = (sample for number, sample in enumerate(self.samples) if number % self.every == 0)
        # A target that is never reached: all clicks are made that there is something to correct for.
        results = [evaluate_clicks(predictor, s, target=2.0, max_clicks=self.clicks) for s in chosen]
        means = curve(results, self.clicks)
        return {f"iou_{n}": float(x) for n, x in enumerate(means, 1)} | {"mean": float(means.mean())}


class BenchmarkValidation:
    """The interactive benchmark with a method around the network.

    Args:
        method: makes the method from the network.
        dataset: sequences with their truth.
        rules: the protocol.
        clicks: prompts by clicks; None: by scribbles.
    """

    def __init__(
        self,
        method: Callable[[nn.Module], Method],
        dataset: DavisDataset,
        *,
        rules: Rules | None = None,
        clicks: ClickStrategy | None = None,
    ) -> None:
        self.method, self.dataset, self.rules, self.clicks = method, dataset, rules, clicks
        self.best = "r_auc"

    def __call__(self, network: nn.Module) -> dict[str, float]:
        """`auc`, `r_auc` and `at_60s`, as the benchmark's summary has them."""
        with tempfile.TemporaryDirectory() as folder:
            summary = evaluate(
                self.method(network), self.dataset, rules=self.rules, clicks=self.clicks, folder=folder
            )
        return {"auc": summary.auc, "r_auc": summary.r_auc, "at_60s": summary.at_60s}
