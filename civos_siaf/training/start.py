"""Networks as trainings begin with them: fresh, on a pretrained backbone, or from an earlier stage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from civos_siaf.networks.click_network import ClickNetwork
from civos_siaf.networks.light_clicks import LightClicks
from civos_siaf.networks.light_propagation import LightPropagation
from civos_siaf.networks.propagation_network import PropagationNetwork
from civos_siaf.weights import click_networks, mivos_networks
from civos_siaf.weights.backbones import init_backbone
from civos_siaf.weights.click_networks import load_into
from civos_siaf.weights.load import load_strictly, read_weights


def click_network(
    architecture: str, *, backbone: Path | str | None = None, weights: Path | str | None = None
) -> ClickNetwork:
    """A click network to train.

    Args:
        architecture: its name in `weights`.
        backbone: weights of the backbone, see `init_backbone`; for light networks only.
        weights: of the whole network, from an earlier training.

    Raises:
        FileNotFoundError, ValueError, ConnectionError: as the readers of weights.
    """
    network = click_networks.build(architecture)
    if backbone is not None:
        init_backbone(_backbone(network), backbone)
    if weights is not None:
        load_into(network, weights)
    return network


def propagation_network(
    architecture: str, *, backbone: Path | str | None = None, weights: Path | str | None = None
) -> PropagationNetwork:
    """A propagation network to train; arguments and errors as for `click_network`."""
    network = mivos_networks.build(architecture)
    if not isinstance(network, PropagationNetwork):
        raise ValueError(f"{architecture} is no propagation network")
    if backbone is not None:
        init_backbone(_backbone(network), backbone)
    if weights is not None:
        load_strictly(network, read_weights(weights).state, source=str(weights))
    return network


def _backbone(network: nn.Module) -> Any:
    if isinstance(network, LightClicks):
        return network.encoder
    if isinstance(network, LightPropagation):
        return network.trunk
    raise ValueError(f"{type(network).__name__} has no backbone of timm to put weights into")
