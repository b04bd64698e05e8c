"""Networks as trainings begin with them: fresh, on a pretrained backbone, or from an earlier stage."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from torch import nn

from civos_siaf.networks.afi.network import Afi
from civos_siaf.networks.click_network import ClickNetwork
from civos_siaf.networks.light_clicks import LightClicks
from civos_siaf.networks.light_propagation import LightPropagation
from civos_siaf.networks.mask_fusion import MaskFusion
from civos_siaf.networks.propagation_network import PropagationNetwork
from civos_siaf.networks.ritm import Ritm
from civos_siaf.networks.s2m import S2m
from civos_siaf.networks.stm import Stm
from civos_siaf.weights import afi_networks, click_networks, mivos_networks
from civos_siaf.weights.afi_start import init_afi
from civos_siaf.weights.backbones import init_backbone
from civos_siaf.weights.click_networks import load_into
from civos_siaf.weights.hrnet_start import init_ritm
from civos_siaf.weights.load import load_strictly, read_weights
from civos_siaf.weights.resnet_start import init_from_deeplab, init_s2m, init_stm

Network = TypeVar("Network", bound=nn.Module)


def click_network(
    architecture: str, *, backbone: Path | str | None = None, weights: Path | str | None = None
) -> ClickNetwork:
    """A click network to train.

    Args:
        architecture: its name in `weights`.
        backbone: weights of the backbone, see `init_backbone` and, for HRNet, `init_ritm`.
        weights: of the whole network, from an earlier training.

    Raises:
        FileNotFoundError, ValueError, ConnectionError: as the readers of weights.
    """
    network = click_networks.build(architecture)
    if backbone is not None and isinstance(network, Ritm):
        init_ritm(network, backbone)
    elif backbone is not None:
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
    if backbone is not None and isinstance(network, Stm):
        init_stm(network, backbone)
    elif backbone is not None:
        init_backbone(_backbone(network), backbone)
    return _with(network, weights)


def s2m_network(
    architecture: str,
    *,
    backbone: Path | str | None = None,
    deeplab: Path | str | None = None,
    weights: Path | str | None = None,
) -> nn.Module:
    """A scribble-to-mask network to train; arguments and errors as for `click_network`.

    Args:
        architecture: its name in `weights`.
        backbone: weights of a ResNet-50, see `init_s2m`.
        deeplab: those of a DeepLabV3+ instead, as MiVOS begins.
        weights: of the whole network, from an earlier training.

    Raises:
        ValueError: only the published architecture can begin with a backbone.
    """
    network = mivos_networks.build(architecture)
    if (backbone or deeplab) and not isinstance(network, S2m):
        raise ValueError(f"{architecture} cannot begin with a backbone; give null or weights")
    if isinstance(network, S2m) and deeplab is not None:
        init_from_deeplab(network, deeplab)
    elif isinstance(network, S2m) and backbone is not None:
        init_s2m(network, backbone)
    return _with(network, weights)


def fusion_network(architecture: str, *, weights: Path | str | None = None) -> MaskFusion:
    """A fusion network to train; arguments and errors as for `click_network`."""
    network = mivos_networks.build(architecture)
    if not isinstance(network, MaskFusion):
        raise ValueError(f"{architecture} is no fusion network")
    return _with(network, weights)


def afi_network(
    architecture: str,
    *,
    backbone: Path | str | None = None,
    weights: Path | str | None = None,
    across: bool = True,
) -> Afi:
    """An interaction network of SIAF to train; errors as for `click_network`.

    Args:
        architecture: its name in `weights`.
        backbone: weights of the backbone, see `init_afi`.
        weights: of the whole network, from an earlier training.
        across: False: without attention, see `AcrossFrames`.
    """
    network = afi_networks.build(architecture, across=across)
    if backbone is not None:
        init_afi(network, backbone)
    return _with(network, weights)


def _with(network: Network, weights: Path | str | None) -> Network:
    if weights is not None:
        load_strictly(network, read_weights(weights).state, source=str(weights))
    return network


def _backbone(network: nn.Module) -> Any:
    if isinstance(network, LightClicks):
        return network.encoder
    if isinstance(network, LightPropagation):
        return network.trunk
    raise ValueError(f"{type(network).__name__} has no backbone of timm to put weights into")
