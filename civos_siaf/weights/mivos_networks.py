"""The networks of MiVOS and STM and their light counterparts by name, with weights from a file or without."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from torch import nn

from civos_siaf.networks.baselines.stm import SpaceTimeMemory
from civos_siaf.networks.guided_propagation import GuidedPropagation
from civos_siaf.networks.light_propagation import LightPropagation
from civos_siaf.networks.mask_fusion import LightMaskFusion, MaskFusion
from civos_siaf.networks.motion_refiner import MotionRefiner
from civos_siaf.networks.propagation_network import PropagationNetwork
from civos_siaf.networks.s2m import LightS2m, S2m
from civos_siaf.networks.stm import Stm
from civos_siaf.weights.click_networks import build as build_clicks
from civos_siaf.weights.ready import ready, require_known

ARCHITECTURES: dict[str, Callable[[], nn.Module]] = {
    "mivos-propagation": Stm,
    "mivos-fusion": MaskFusion,
    "mivos-s2m": S2m,
    "stm-propagation": SpaceTimeMemory,
    "light-propagation": LightPropagation,
    "light-propagation-guided": GuidedPropagation,
    "light-fusion": LightMaskFusion,
    "light-s2m": LightS2m,
    "light-motion": MotionRefiner,
}
"""Constructors by the name of the architecture."""


def build(architecture: str) -> nn.Module:
    """A network with fresh weights.

    Raises:
        ValueError: no such architecture; lists those there are.
    """
    require_known(architecture, ARCHITECTURES)
    return ARCHITECTURES[architecture]()


def load_network(
    architecture: str, weights: Path | str | None = None, *, device: str = "cpu", fast: bool = True
) -> nn.Module:
    """A network, frozen and in eval mode.

    Args:
        architecture: one of `ARCHITECTURES`, or a click network.
        weights: a file as published, or safetensors. None: the network is untrained, with weights that follow
            from their names alone, and a warning says so.
        device: where it runs.
        fast: prepared for inference, equal up to rounding; it cannot be trained or saved then.

    Raises:
        FileNotFoundError: no such file.
        ValueError: no such architecture, not a readable weight file, or one for another network.
    """
    empty = build(architecture) if architecture in ARCHITECTURES else build_clicks(architecture)
    return ready(empty, weights, architecture=architecture, device=device, fast=fast)


def load_propagation_network(
    architecture: str, weights: Path | str | None = None, *, device: str = "cpu", fast: bool = True
) -> PropagationNetwork:
    """As `load_network`, but refuses what is no propagation network.

    Raises:
        ValueError: see `load_network`.
    """
    found = load_network(architecture, weights, device=device, fast=fast)
    if not isinstance(found, PropagationNetwork):
        raise ValueError(f"{architecture} is no propagation network")
    return found
