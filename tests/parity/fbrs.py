"""f-BRS as MiVOS' tool calls it: distance maps, network, and clicks one by one.

Source: docs/specification/fbrs.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from civos_siaf.interaction.brs import FeatureBrs
from civos_siaf.interaction.brs_optimizer import ClickOptimizer
from civos_siaf.interaction.predictor import ClickPredictor
from civos_siaf.interaction.zoom import LimitLongestSide, ZoomIn
from civos_siaf.networks.click_inputs import NO_CLICK, distance_maps
from civos_siaf.networks.click_network import ClickNetwork, ClickOutput, Features, Stage
from civos_siaf.networks.fbrs import NORM_RADIUS, Fbrs
from civos_siaf.prompts import Click
from civos_siaf.weights import deterministic_weights
from civos_siaf.weights.load import load_strictly
from tests.parity.activation_recorder import ActivationRecorder, thin
from tests.parity.check import Check, Folder
from tests.parity.mivos_networks import apply_overrides

MAPS, FEATURES, LOGITS, PLAIN = 1e-6, 1e-4, 2e-4, 1e-4
FORCED, FREE, LOSS, NOISE = 1e-3, 5e-3, 1e-2, 1e-3
"""Tolerances with the recorded variables and with our own; of losses with our own; the noise from which on
a run with our own is not compared any more."""
STRAY = ("outside_column", "crop_outside step 3")
"""The original writes outside its buffer there, which is not imitated.

Source: docs/specification/fbrs.md section 6.3.
"""
THINNED = {
    # name: step over channels, and over rows and columns
    "coord_features": (1, 2), "rgb_conv": (1, 4), "stem_conv": (16, 4), "stem_pool": (16, 2),
    "layer1": (32, 2), "layer2": (64, 2), "layer3": (64, 2), "layer4": (128, 2), "skip": (4, 2),
    "aspp_branch4": (4, 99), "aspp": (8, 2), "joined": (16, 2), "decoder": (8, 2), "head0": (8, 2),
    "head1": (8, 2), "logits_low": (1, 1), "instances": (1, 1),
    **{f"aspp_branch{i}": (8, 2) for i in range(4)},
}  # fmt: skip
OTHERWISE = {
    "b_coord_features": (1, 3), "b_instances": (1, 3), "b_layer4": (256, 3), "c_logits_low": (1, 3),
    "c_instances": (1, 7), **{f"c_aspp_branch{i}": (32, 6) for i in range(5)},
}  # fmt: skip
TOLERANCES = {"coord_features": MAPS, "logits_low": LOGITS, "instances": LOGITS}
_STAGES: dict[str, Stage] = {"f-BRS-A": "A", "f-BRS-B": "B", "f-BRS-C": "C"}
Arrays = dict[str, NDArray[Any]]


class ToyNetwork(ClickNetwork):
    """Bumps at the clicks and a colour difference: tests the pipeline alone."""

    def __init__(self) -> None:
        super().__init__(with_prev_mask=False)

    def forward(self, image: Tensor, points: Tensor) -> ClickOutput:
        """(B, 3, h, w), colours in [0, 1], to logits of that size."""
        height, width = image.shape[2:]
        rows, columns = torch.arange(height)[:, None], torch.arange(width)
        sigma = 0.12 * max(height, width)
        bumps = []
        for half in points.chunk(2, dim=1):
            squared = (rows - half[..., 0, None, None]) ** 2 + (columns - half[..., 1, None, None]) ** 2
            unused = (half < 0).all(dim=2)[..., None, None]
            bumps.append(torch.exp(-squared / (2 * sigma**2)).masked_fill(unused, 0).amax(1, keepdim=True))
        normal = (image - self.mean) / self.std
        return ClickOutput(-2 + 7 * bumps[0] - 7 * bumps[1] + 0.375 * (normal[:, :1] - normal[:, 1:2]), None)

    def encode(self, rgb: Tensor, coords: Tensor, stage: Stage) -> Features:
        """Not part of the toy."""
        raise NotImplementedError

    def decode(self, features: Features, stage: Stage) -> ClickOutput:
        """Not part of the toy."""
        raise NotImplementedError

    def channels(self, stage: Stage) -> int:
        """Not part of the toy."""
        raise NotImplementedError


def check(folder: Folder) -> Iterator[Check]:
    """Everything."""
    yield from check_shapes(folder)
    yield from check_maps(folder)
    net = network(folder)
    with torch.inference_mode():
        yield from check_network(folder, net)
    for file in ("toys", "predictors", "published"):
        for name, run in folder.json(f"{file}.json").items():
            yield from check_run(folder, net, file, name)
            if run["settings"]["brs_mode"] in ("f-BRS-B", "f-BRS-C"):
                yield from check_run(folder, net, file, name, forced=True)


def network(folder: Folder) -> Fbrs:
    """The network of the recording, loaded strictly."""
    values = apply_overrides(
        deterministic_weights.deterministic_state(folder.json("fbrs_shapes.json")),
        folder.json("overrides.json"),
    )
    net = Fbrs()
    load_strictly(net, values, source="fbrs_shapes.json")
    return net.requires_grad_(False).eval()


def check_shapes(folder: Folder) -> Iterator[Check]:
    """Names, order and shapes of all tensors."""
    with torch.device("meta"):
        ours = {key: list(value.shape) for key, value in Fbrs().state_dict().items()}
    reference = folder.json("fbrs_shapes.json")
    yield Check.equal("fbrs names, in order", list(ours), list(reference))
    yield Check.equal("fbrs shapes", ours, reference)


def check_maps(folder: Folder) -> Iterator[Check]:
    """Distance maps with clicks at whole pixels, and the variant without."""
    recorded = folder.arrays("dist_maps.npz")
    for name, reference in recorded.items():
        case, _, kind = name.rpartition("_")
        if kind == "points" or (kind == "maps" and case in STRAY):
            continue
        points = _points(recorded[f"{case}_points"][None])
        size = {"height": reference.shape[1], "width": reference.shape[2]}
        maps = distance_maps(points, **size, radius=NORM_RADIUS, whole_pixels=kind == "maps")
        yield Check.compare(f"fbrs maps {name}", maps[0], reference, tolerance=MAPS)


def check_network(folder: Folder, net: Fbrs) -> Iterator[Check]:
    """Forward passes layer by layer."""
    recorded = folder.arrays("network.npz")
    backbone, aspp = net.feature_extractor.backbone, net.feature_extractor.aspp
    modules = {
        "rgb_conv": net.rgb_conv,
        "stem_conv": backbone.conv1,
        "stem_pool": (backbone.layer1, True),
        **{f"layer{i}": getattr(backbone, f"layer{i}") for i in (1, 2, 3, 4)},
        "skip": net.feature_extractor.skip_project,
        **{f"aspp_branch{i}": branch for i, branch in enumerate(aspp.concurent)},
        "aspp": aspp,
        "joined": (net.feature_extractor.head, True),
        "decoder": net.feature_extractor.head,
        "head0": net.head.layers[0],
        "head1": net.head.layers[1],
        "logits_low": net.head,
    }
    for case, setting in folder.json("inputs.json")["network"].items():
        image = deterministic_weights.deterministic_image(setting["image_seed"], setting["shape"])
        points = _points(np.array(setting["points"], np.float32))
        seen = ActivationRecorder()
        with seen.into(modules):
            _, seen["coord_features"] = net.prepare(image, points)
            seen["instances"] = net(image, points).instances
        for key, reference in recorded.items():
            which, _, what = key.partition("_")
            if which != case:
                continue
            step = OTHERWISE.get(key, THINNED[what])
            tolerance = TOLERANCES.get(what, FEATURES)
            ours = thin(seen[what], *step)
            yield Check.compare(f"fbrs {key}", ours, reference, tolerance=tolerance)


def check_run(folder: Folder, net: Fbrs, file: str, name: str, *, forced: bool = False) -> Iterator[Check]:
    """One series of clicks of a file; `forced`: each from the variables that the original had before it."""
    used = ToyNetwork().eval() if name.startswith("toy_") else net
    yield from _run(
        name, folder.json(f"{file}.json")[name], folder.arrays(f"{file}.npz"), used, forced=forced
    )


def _points(pairs: NDArray[Any]) -> Tensor:
    """Rows (y, x) of clicks (B, 2N, 2) with an order, which this network does not look at."""
    points = torch.from_numpy(pairs).float()
    return torch.cat([points, torch.full_like(points[..., :1], NO_CLICK)], dim=2)


def _predictor(run: dict[str, Any], network: ClickNetwork) -> ClickPredictor:
    """With the settings of a recorded run."""
    settings = run["settings"]
    zoom, more = settings["zoom_in_params"], settings.get("predictor_params", {})
    refinement = None
    if settings["brs_mode"] in _STAGES:
        optimizer = ClickOptimizer(
            prob_thresh=settings["prob_thresh"],
            max_evals=settings["lbfgs_params"]["maxfun"],
            min_iou_diff=settings["brs_opt_func_params"]["min_iou_diff"],
        )
        limit = more["net_clicks_limit"]
        refinement = FeatureBrs(_STAGES[settings["brs_mode"]], optimizer=optimizer, net_clicks_limit=limit)
    return ClickPredictor(
        network,
        zoom=None if zoom is None else ZoomIn(**zoom),
        limit=LimitLongestSide(more["max_size"]) if "max_size" in more else None,
        refinement=refinement,
    )


def _run(
    name: str, run: dict[str, Any], recorded: Arrays, network: ClickNetwork, *, forced: bool
) -> Iterator[Check]:
    predictor = _predictor(run, network)
    pixels = torch.round(
        255 * deterministic_weights.deterministic_image(run["image_seed"], (3, run["H"], run["W"]))
    ).to(torch.uint8)
    predictor.set_image(pixels.permute(1, 2, 0).numpy())
    refinement = predictor.refinement
    for number, step in enumerate(run["steps"], 1):
        where = f"{name} step {number}"
        if where in STRAY or (not forced and step.get("noise", 0.0) > NOISE):
            return
        if forced and number > 1 and isinstance(refinement, FeatureBrs):
            refinement.begin_with(recorded[f"{name}_opt{number - 1}"])
        sign, y, x = step["click"]
        prob = predictor.add(Click(0, 1, x=x, y=y, positive=bool(sign)))
        refined = bool(step.get("n_evals"))
        tolerance = PLAIN
        losses = LOSS
        if refined:
            # A long line search can make a hundredth of what noise in the image does out of mere rounding.
            losses = max(FORCED, step["noise"] / 100) if forced else LOSS
            tolerance = losses if forced else max(FREE, 5 * step["noise"])
        where += " from recorded variables" if forced else ""
        thinned = prob[:: step["stride"], :: step["stride"]]
        reference = recorded[f"{name}_prob{number}"]
        yield Check.compare(f"{where} probability", thinned, reference, tolerance=tolerance)
        roi = predictor.zoom.roi if predictor.zoom else None
        yield Check.equal(f"{where} region", None if roi is None else list(roi), step["roi"])
        if refined and isinstance(refinement, FeatureBrs):
            yield from _losses(where, step, refinement, losses)


def _losses(where: str, step: dict[str, Any], refinement: FeatureBrs, tolerance: float) -> Iterator[Check]:
    ours, reference = refinement.optimizer.losses, step["losses"]
    yield Check.equal(f"{where} evaluations", len(ours), step["n_evals"])
    if len(ours) == len(reference):
        error = np.abs(np.array(ours) / np.array(reference) - 1)
        yield Check(f"{where} losses (relative)", float(np.max(error, initial=0.0)), tolerance)
