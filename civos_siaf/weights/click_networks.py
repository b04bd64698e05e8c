"""Click networks by name, by the description inside a checkpoint, and by the tensors of a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from civos_siaf.networks.click_network import ClickNetwork
from civos_siaf.networks.deeplab_clicks import DeepLabClicks
from civos_siaf.networks.fbrs import Fbrs
from civos_siaf.networks.imagenet import IMAGENET_MEAN, IMAGENET_STD
from civos_siaf.networks.light_clicks import LightClicks
from civos_siaf.networks.prepare import fuse_batch_norm
from civos_siaf.networks.ritm import Ritm
from civos_siaf.weights.load import WeightFile, load_strictly, read_weights
from civos_siaf.weights.published_names import our_names
from civos_siaf.weights.ready import require_known
from civos_siaf.weights.terms import say_terms

ARCHITECTURES: dict[str, Callable[[], ClickNetwork]] = {
    "hrnet18s-ocr": partial(Ritm, width=18, ocr_width=48, small=True),
    "hrnet18-ocr": partial(Ritm, width=18, ocr_width=64),
    "hrnet32-ocr": partial(Ritm, width=32, ocr_width=128),
    "hrnet18-ocr-baseline": partial(Ritm, width=18, ocr_width=64, with_prev_mask=False),
    "light-clicks": LightClicks,
    "deeplab-r34": DeepLabClicks,
    "fbrs-r50": Fbrs,
}
"""Constructors of the click networks by the name of their architecture."""

_OLD_DEFAULTS: dict[str, Any] = {
    # What a description leaves out had these values when it was written
    # (docs/specification/ritm.md section 7).
    "width": 48,
    "ocr_width": 256,
    "small": False,
    "with_aux_output": False,
    "use_leaky_relu": False,
    "use_rgb_conv": True,
    "conv_extend": False,
    "use_disks": False,
    "norm_radius": 260,
    "with_prev_mask": False,
    "binary_prev_mask": False,
    "clicks_groups": None,
    "norm_layer": "BatchNorm2d",
    "norm_mean_std": (IMAGENET_MEAN, IMAGENET_STD),
}
_NO_EFFECT = frozenset({"backbone_lr_mult", "cpu_dist_maps"})


def build(architecture: str) -> ClickNetwork:
    """A click network with fresh weights.

    Raises:
        ValueError: no such architecture; lists those there are.
    """
    require_known(architecture, ARCHITECTURES)
    return ARCHITECTURES[architecture]()


def from_config(config: Mapping[str, Any], *, source: str) -> Ritm:
    """The network that a published checkpoint's `config` describes (docs/specification/ritm.md section 7).

    Raises:
        ValueError: another class, or a parameter that is unknown or not supported.
    """
    kind = str(config.get("class", "")).rpartition(".")[2]
    if kind != "HRNetModel":
        raise ValueError(f"{source}: describes a {kind or 'network without a class'}, expected HRNetModel")
    values = dict(_OLD_DEFAULTS)
    for name, parameter in config["params"].items():
        if name in values:
            values[name] = parameter["value"]
        elif parameter.get("specified", True) and name not in _NO_EFFECT:
            raise ValueError(f"{source}: unknown network parameter {name} = {parameter['value']!r}")
    if values["clicks_groups"] is not None:
        raise ValueError(f"{source}: clicks_groups = {values['clicks_groups']!r} is not supported")
    if str(values["norm_layer"]).rpartition(".")[2] != "BatchNorm2d":
        raise ValueError(f"{source}: norm_layer {values['norm_layer']} is not supported, only BatchNorm2d")
    if [list(row) for row in values["norm_mean_std"]] != [list(IMAGENET_MEAN), list(IMAGENET_STD)]:
        raise ValueError(f"{source}: norm_mean_std {values['norm_mean_std']} is not that of ImageNet")
    return Ritm(
        width=values["width"],
        ocr_width=values["ocr_width"],
        small=values["small"],
        fusion="rgb_conv" if values["use_rgb_conv"] else "conv_extend" if values["conv_extend"] else "conv1s",
        leaky=values["use_leaky_relu"],
        with_aux_output=values["with_aux_output"],
        with_prev_mask=values["with_prev_mask"],
        use_disks=values["use_disks"],
        norm_radius=values["norm_radius"],
        binary_prev_mask=values["binary_prev_mask"],
    )


def identify(state: Mapping[str, Tensor]) -> str | None:
    """The architecture whose names and shapes are exactly those of `state`, if there is one."""
    shapes = {name: value.shape for name, value in state.items()}
    for architecture in ARCHITECTURES:
        with torch.device("meta"):
            expected = build(architecture).state_dict()
        if shapes == {name: value.shape for name, value in expected.items()}:
            return architecture
    return None


def load_click_network(
    path: Path | str, architecture: str | None = None, *, fuse: bool = False
) -> ClickNetwork:
    """Load a click network from a published file or from one of ours, frozen and in eval mode.

    Args:
        path: a file as published, or safetensors.
        architecture: what the file must hold; None takes what it holds.
        fuse: fold batch norm into the convolutions: faster, equal up to rounding, no further training.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not a readable weight file, for another architecture, or names and shapes do not fit.
    """
    file = read_weights(path)
    state = our_names(file.state)
    found = identify(state)
    if architecture is not None and found not in (None, architecture):
        raise ValueError(f"{path}: wrong architecture: this file is for {found}, not {architecture}")
    network = _network_for(file, architecture or found)
    load_strictly(network, state, source=str(path))
    network.requires_grad_(False).eval()
    return fuse_batch_norm(network) if fuse else network


def load_into(network: ClickNetwork, path: Path | str) -> None:
    """Put the weights of a file into a network that exists.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not a readable weight file, for another architecture, or names and shapes do not fit.
    """
    state = our_names(read_weights(path).state)
    shapes = {name: value.shape for name, value in network.state_dict().items()}
    if shapes != {name: value.shape for name, value in state.items()} and (found := identify(state)):
        raise ValueError(f"{path}: wrong architecture: this file is for {found}")
    load_strictly(network, state, source=str(path))
    say_terms(path)


def _network_for(file: WeightFile, architecture: str | None) -> ClickNetwork:
    if "class" in file.config:
        return from_config(file.config, source=str(file.path))
    if architecture is None:
        raise ValueError(
            f"{file.path}: its {len(file.state)} tensors are those of no known click network "
            f"({', '.join(ARCHITECTURES)}); it begins with {', '.join(list(file.state)[:3])}"
        )
    return build(architecture)
