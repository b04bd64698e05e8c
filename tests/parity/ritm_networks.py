"""RITM's networks: names and shapes of every parameter, and two forward passes layer by layer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from civos_siaf.networks.click_network import ClickOutput
from civos_siaf.networks.ritm import Ritm
from civos_siaf.weights import deterministic_weights
from civos_siaf.weights.click_networks import build, from_config, load_click_network
from tests.parity.check import Check, Folder

ARCHITECTURES = ("hrnet18s-ocr", "hrnet18-ocr", "hrnet32-ocr")
LOGITS, FEATURES = 2e-4, 1e-4
IS_LOGITS = frozenset({"logits_low", "aux_low", "instances", "instances_aux"})
STRIDES = {
    # name: step over channels, rows, columns in the recorded arrays
    "image_normalized": (1, 4, 4),
    "stem": (4, 2, 2),
    "layer1": (16, 2, 2),
    "hr_feats": (9, 2, 2),
    **dict.fromkeys(("maps_transform", "stem1", "fused"), (8, 2, 2)),
    **dict.fromkeys(("ocr_pixel_feats", "ocr_context", "ocr_out"), (8, 2, 2)),
    **{f"stage{s}_{b}": (4, 2, 2) if b < 2 else (4, 1, 1) for s in (2, 3, 4) for b in range(s)},
}


def check(folder: Folder) -> Iterator[Check]:
    """Every architecture the folder has shapes for; activations where it has them."""
    for name in ARCHITECTURES:
        if not folder.has(f"{name}_shapes.json"):
            continue
        yield from _check_shapes(folder, name)
        if folder.has(f"{name}.npz"):
            yield from _check_activations(folder, name)


def network(folder: Folder, name: str) -> Ritm:
    """The network of a fixture, by way of a checkpoint file in the published layout."""
    values = deterministic_weights.apply_adjustment(
        folder.file(f"{name}_shapes.json"), folder.file(f"{name}_adjust.json")
    )
    content = {"state_dict": values, "config": folder.json(f"{name}_config.json")}
    with TemporaryDirectory() as directory:
        path = Path(directory) / f"{name}.pth"
        torch.save(content, path)
        net = load_click_network(path, name)
    assert isinstance(net, Ritm)
    return net


def _check_shapes(folder: Folder, name: str) -> Iterator[Check]:
    ours = {key: list(value.shape) for key, value in build(name).state_dict().items()}
    reference = folder.json(f"{name}_shapes.json")
    yield Check.equal(f"{name} names, in order", list(ours), list(reference))
    yield Check.equal(f"{name} shapes", ours, reference)
    built = from_config(folder.json(f"{name}_config.json"), source=f"{name}_config.json")
    shapes = {key: list(value.shape) for key, value in built.state_dict().items()}
    yield Check.equal(f"{name} built from its checkpoint config", shapes, reference)


def _check_activations(folder: Folder, name: str) -> Iterator[Check]:
    net = network(folder, name)
    recorded = folder.arrays(f"{name}.npz")
    cases = folder.json("inputs.json")
    for case, setting in cases.items():
        image, points = case_inputs(setting, recorded[f"{case}_points"])
        seen = trace(net, image, points)
        if case == "b":
            seen["coord_features"] = seen["coord_features"][:, 1:]
        for key, reference in recorded.items():
            which, _, what = key.partition("_")
            if which != case or what == "points":
                continue
            step = STRIDES.get(what, (1, 1, 1))
            if case == "b":
                step = {"instances": (1, 3, 3), "stage4_3": (4, 1, 1)}.get(what, (1, 1, 1))
            tolerance = 0.0 if what == "coord_features" else LOGITS if what in IS_LOGITS else FEATURES
            yield Check.compare(f"{name} {key}", _thin(seen[what], step), reference, tolerance=tolerance)


def case_inputs(setting: dict[str, Any], points: NDArray[Any]) -> tuple[Tensor, Tensor]:
    """Image with previous mask (B, 4, H, W) and points (B, 2N, 3) of a recorded case."""
    batch, (height, width) = setting["batch"], setting["size"]
    previous = deterministic_weights.deterministic_image(setting["prev_seed"], (batch, 1, height, width))
    if "prev_item_set_to_zero" in setting:
        previous[setting["prev_item_set_to_zero"]] = 0
    rgb = deterministic_weights.deterministic_image(setting["image_seed"], (batch, 3, height, width))
    return torch.cat([rgb, previous], dim=1), torch.from_numpy(points).float()


def trace(net: Ritm, image: Tensor, points: Tensor) -> dict[str, Tensor]:
    """Run the network and note the intermediate values by the names of the recording."""
    seen: dict[str, Tensor] = {}
    backbone = net.feature_extractor
    assert net.maps_transform is not None

    def note(module: nn.Module, name: str) -> None:
        def hook(_module: nn.Module, _args: tuple[Any, ...], output: Any) -> None:
            if isinstance(output, list):
                seen.update({f"{name}_{b}": x.clone() for b, x in enumerate(output)})
            else:
                seen[name] = output.clone()

        handles.append(module.register_forward_hook(hook))

    def note_input(module: nn.Module, name: str) -> None:
        handles.append(module.register_forward_pre_hook(lambda _, args: seen.update({name: args[0].clone()})))

    handles: list[Any] = []
    note(net.maps_transform, "maps_transform")
    note(backbone.bn1, "stem1")
    note_input(backbone.conv2, "fused")
    note_input(backbone.layer1, "stem")
    for name in ("layer1", "stage2", "stage3", "stage4"):
        note(getattr(backbone, name), name)
    note_input(backbone.aux_head, "hr_feats")
    note(backbone.aux_head, "aux_low")
    note(backbone.conv3x3_ocr, "ocr_pixel_feats")
    note(backbone.ocr_gather_head, "ocr_object_feats")
    note(backbone.ocr_distri_head.object_context_block, "ocr_context")
    note(backbone.ocr_distri_head, "ocr_out")
    note(backbone.cls_head, "logits_low")
    with torch.inference_mode():
        seen["image_normalized"], seen["coord_features"] = net.prepare(image, points)
        output: ClickOutput = net(image, points)
    for handle in handles:
        handle.remove()
    assert output.instances_aux is not None
    seen |= {"instances": output.instances, "instances_aux": output.instances_aux}
    seen["stem1"] = seen["stem1"].relu()
    # The context is the same at every pixel, so the network keeps only one.
    seen["ocr_context"] = seen["ocr_context"].expand_as(seen["ocr_pixel_feats"])
    return seen


def _thin(x: Tensor, step: tuple[int, int, int]) -> NDArray[np.float32]:
    return np.asarray(x[:, :: step[0], :: step[1], :: step[2]])
