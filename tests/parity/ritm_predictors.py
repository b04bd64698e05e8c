"""RITM's click predictor: zoom-in, flips, size limit, every refinement, and the way CiVOS calls it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from civos_siaf.interaction.brs import FeatureBrs, InputBrs, refinement
from civos_siaf.interaction.predictor import ClickPredictor
from civos_siaf.interaction.zoom import LimitLongestSide, ZoomIn
from civos_siaf.networks.click_network import ClickNetwork, ClickOutput, Features, Stage
from civos_siaf.prompts import Click
from civos_siaf.weights import deterministic_weights
from tests.parity.check import Check, Folder

NETWORK = "hrnet18s-ocr"
PLAIN, REFINED, LOSS = 1e-4, 5e-3, 1e-2
COMPARED_LOSSES = 5
TOY_STEP, STEP = 4, 3


class ToyNetwork(ClickNetwork):
    """Bumps at the clicks, plus the previous mask and a colour difference: tests the pipeline alone."""

    def forward(self, image: Tensor, points: Tensor) -> ClickOutput:
        """(B, 4, h, w), colours in [0, 1], to logits of that size."""
        height, width = image.shape[2:]
        rows, columns = torch.arange(height)[:, None], torch.arange(width)
        sigma = 0.12 * max(height, width)
        signs = []
        for half in points.chunk(2, dim=1):
            squared = (rows - half[..., 0, None, None]) ** 2 + (columns - half[..., 1, None, None]) ** 2
            unused = (half < 0).all(dim=2)[..., None, None]
            signs.append(torch.exp(-squared / (2 * sigma**2)).masked_fill(unused, 0).amax(1, keepdim=True))
        red, green, previous = image[:, 0:1], image[:, 1:2], image[:, 3:4]
        logits = -2 + 7 * signs[0] - 7 * signs[1] + 2 * (previous - 0.25) + 1.5 * (red - green)
        return ClickOutput(logits, None)

    def encode(self, rgb: Tensor, coords: Tensor, stage: Stage) -> Features:
        """Not part of the toy."""
        raise NotImplementedError

    def decode(self, features: Features, stage: Stage) -> ClickOutput:
        """Not part of the toy."""
        raise NotImplementedError

    def channels(self, stage: Stage) -> int:
        """Not part of the toy."""
        raise NotImplementedError


def check(folder: Folder, load: Callable[[Folder, str], ClickNetwork]) -> Iterator[Check]:
    """All recorded runs; `load` gives the network of a fixture."""
    if not folder.has("predictors.json"):
        return
    runs, recorded = folder.json("predictors.json"), folder.arrays("predictors.npz")
    network = load(folder, NETWORK)
    for name, run in runs.items():
        toy = name.startswith("toy_")
        yield from _run(name, run, recorded, ToyNetwork().eval() if toy else network)


def _run(
    name: str, run: dict[str, Any], recorded: dict[str, NDArray[Any]], network: ClickNetwork
) -> Iterator[Check]:
    predictor = predictor_for(run, network)
    size = (run["H"], run["W"])
    pixels = torch.round(255 * deterministic_weights.deterministic_image(run["image_seed"], (3, *size))).to(
        torch.uint8
    )
    seed = run.get("prev_seed")
    previous = (
        None if seed is None else deterministic_weights.deterministic_image(seed, (1, 1, *size))[0, 0].numpy()
    )
    predictor.set_image(pixels.permute(1, 2, 0).numpy(), previous)
    thinned = TOY_STEP if name.startswith("toy_") else STEP
    for index, step in enumerate(run["steps"]):
        clicks = step["clicks"] if "clicks" in step else [step["click"]]
        prob = predictor.add(*(Click(0, 1, x=x, y=y, positive=bool(sign)) for sign, y, x in clicks))
        refined = bool(step.get("n_evals"))
        tolerance = REFINED if refined else PLAIN
        where = f"{name} step {index}"
        reference = recorded[f"{name}_prob{index}"]
        yield Check.compare(
            f"{where} probability", prob[::thinned, ::thinned], reference, tolerance=tolerance
        )
        yield Check.compare(f"{where} mean", prob.mean(), step["mean"], tolerance=tolerance)
        if not refined:
            yield Check.compare(f"{where} pixels above 0.5", (prob > 0.5).sum(), step["area50"], tolerance=2)
        roi = predictor.zoom.roi if predictor.zoom else None
        yield Check.equal(f"{where} region", None if roi is None else list(roi), step["roi"])
        if step.get("image_changed") is not None and predictor.zoom:
            yield Check.equal(f"{where} region is new", predictor.zoom.changed, step["image_changed"])
        if "n_evals" in step:
            yield from _check_refinement(where, step, predictor, recorded.get(f"{name}_opt{index}"))


def _check_refinement(
    where: str, step: dict[str, Any], predictor: ClickPredictor, variables: NDArray[Any] | None
) -> Iterator[Check]:
    refinement = predictor.refinement
    assert isinstance(refinement, FeatureBrs | InputBrs)
    ours, reference = refinement.optimizer.losses, step["losses"]
    note = f"{len(ours)} evaluations, reference {len(reference)}"
    if len(ours) != len(reference):
        # Rounding may stop another machine earlier or later; the beginning must still agree.
        shared = min(COMPARED_LOSSES, len(reference))
        ours, reference = ours[:shared], reference[:shared]
    error = np.abs(np.array(ours) / np.array(reference) - 1) if len(ours) == len(reference) else np.inf
    yield Check(f"{where} losses (relative)", float(np.max(error, initial=0.0)), LOSS, note)
    if isinstance(refinement, FeatureBrs) and variables is not None:
        assert refinement.variables is not None
        yield Check.compare(f"{where} variables", refinement.variables, variables, tolerance=REFINED)


def predictor_for(run: dict[str, Any], network: ClickNetwork) -> ClickPredictor:
    """The predictor with the settings of a recorded run."""
    settings = run["settings"]
    zoom = settings.get("zoom_in_params", {})
    max_size = settings.get("predictor_params", {}).get("max_size")
    return ClickPredictor(
        network,
        zoom=None if zoom is None else ZoomIn(**zoom),
        limit=None if max_size is None else LimitLongestSide(max_size),
        flip=settings.get("with_flip", True),
        refinement=refinement(
            run.get("mode", "NoBRS"),
            prob_thresh=settings.get("prob_thresh", 0.49),
            max_evals=settings.get("lbfgs_params", {}).get("maxfun", 20),
        ),
    )
