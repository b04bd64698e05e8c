"""Networks as trainings begin with them: fresh, on a pretrained backbone, or from an earlier stage."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from torch import nn

from civos_siaf.networks.afi.backbones import SwinBackbone
from civos_siaf.networks.afi.network import Afi
from civos_siaf.networks.aot.network import Aot
from civos_siaf.networks.click_network import ClickNetwork
from civos_siaf.networks.identity_network import IdentityNetwork
from civos_siaf.networks.light_clicks import LightClicks
from civos_siaf.networks.light_identity import LightIdentity
from civos_siaf.networks.light_interaction import LightInteraction
from civos_siaf.networks.light_propagation import LightPropagation
from civos_siaf.networks.mask_fusion import MaskFusion
from civos_siaf.networks.motion_refiner import MotionRefiner
from civos_siaf.networks.propagation_network import PropagationNetwork
from civos_siaf.networks.ritm import Ritm
from civos_siaf.networks.s2m import LightS2m, S2m
from civos_siaf.networks.stm import Stm
from civos_siaf.weights import afi_networks, aot_networks, click_networks, mivos_networks
from civos_siaf.weights.click_networks import load_into
from civos_siaf.weights.load import load_strictly, read_weights
from civos_siaf.weights.start import init_afi, init_backbone, init_from_deeplab, init_ritm, init_s2m, init_stm

NetworkT = TypeVar("NetworkT", bound=nn.Module)


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
    clicks: Path | str | None = None,
    weights: Path | str | None = None,
) -> nn.Module:
    """A scribble-to-mask network to train; arguments and errors as for `click_network`.

    Args:
        architecture: its name in `weights`.
        backbone: weights of a ResNet-50, see `init_s2m`.
        deeplab: those of a DeepLabV3+ instead, as MiVOS begins.
        clicks: weights of a trained `light-clicks`, with which the light one begins.
        weights: of the whole network, from an earlier training.

    Raises:
        ValueError: only the published architecture can begin with a backbone, only the light one with clicks.
    """
    network = mivos_networks.build(architecture)
    if clicks is not None:
        if not isinstance(network, LightS2m):
            raise ValueError(f"{architecture} cannot begin with a light click network; give null or weights")
        load_into(network.clicks, clicks)
    if (backbone or deeplab) and not isinstance(network, S2m):
        raise ValueError(f"{architecture} cannot begin with a backbone; give null or weights")
    if isinstance(network, S2m) and deeplab is not None:
        init_from_deeplab(network, deeplab)
    elif isinstance(network, S2m) and backbone is not None:
        init_s2m(network, backbone)
    return _with(network, weights)


def motion_network(architecture: str, *, weights: Path | str | None = None) -> MotionRefiner:
    """A network that corrects masks by motion, to train; arguments and errors as for `click_network`."""
    network = mivos_networks.build(architecture)
    if not isinstance(network, MotionRefiner):
        raise ValueError(f"{architecture} corrects no masks by motion")
    return _with(network, weights)


def fusion_network(architecture: str, *, weights: Path | str | None = None) -> MaskFusion:
    """A fusion network to train; arguments and errors as for `click_network`."""
    network = mivos_networks.build(architecture)
    if not isinstance(network, MaskFusion):
        raise ValueError(f"{architecture} is no fusion network")
    return _with(network, weights)


def identity_network(
    architecture: str,
    *,
    backbone: Path | str | None = None,
    matching: Path | str | None = None,
    weights: Path | str | None = None,
) -> IdentityNetwork:
    """A network that propagates many objects at once, to train; other errors as for `click_network`.

    Args:
        architecture: its name in `weights`.
        backbone: weights of an image classifier, see `init_encoder`; for the light one see `init_backbone`.
        matching: weights of a trained `light-propagation`, whose trunk and keys the light one begins with.
        weights: of the whole network, from an earlier training.

    Raises:
        ValueError: `matching` for another architecture.
    """
    network = aot_networks.build(architecture)
    if isinstance(network, Aot):
        if matching is not None:
            raise ValueError(f"{architecture} cannot begin with the keys of light-propagation")
        if backbone is not None:
            aot_networks.init_encoder(network, backbone)
    elif backbone is not None:
        init_backbone(_backbone(network), backbone)
    if matching is not None:
        _begin_with(network, matching, {"trunk.": "trunk.", "key_proj.": "key_proj."})
    return _with(network, weights)


def afi_network(
    architecture: str,
    *,
    backbone: Path | str | None = None,
    matching: Path | str | None = None,
    weights: Path | str | None = None,
    across: bool = True,
    recompute: bool = False,
) -> Afi | LightInteraction:
    """An interaction network of SIAF to train; other errors as for `click_network`.

    Args:
        architecture: its name in `weights`.
        backbone: weights of the backbone, see `init_afi`.
        matching: weights of a trained `light-propagation`, whose trunk and keys `light-interaction` begins
            with.
        weights: of the whole network, from an earlier training.
        across: False: frames are not matched with each other.
        recompute: see `SwinBackbone`.

    Raises:
        ValueError: `matching` or `recompute` for another architecture.
    """
    network = afi_networks.build(architecture, across=across)
    if recompute:
        if not isinstance(network, Afi) or not isinstance(network.backbone, SwinBackbone):
            raise ValueError(f"{architecture} has no blocks to recompute, only afi-swinb has")
        network.backbone.recompute = True
    if isinstance(network, Afi):
        if matching is not None:
            raise ValueError(f"{architecture} cannot begin with the keys of light-propagation")
        if backbone is not None:
            init_afi(network, backbone)
    elif backbone is not None:
        init_backbone(_backbone(network), backbone)
    if matching is not None:
        keys = {"key_proj.": "matching.point.", "trunk.": "trunk."}
        _begin_with(network, matching, keys)
    return _with(network, weights)


def _begin_with(network: nn.Module, path: Path | str, names: Mapping[str, str]) -> None:
    """Put parts of another network's weights in, by the beginnings of names there and here."""
    state = network.state_dict()
    for name, value in read_weights(path).state.items():
        for there, here in names.items():
            if name.startswith(there):
                state[here + name.removeprefix(there)] = value
    load_strictly(network, state, source=str(path))


def _with(network: NetworkT, weights: Path | str | None) -> NetworkT:
    if weights is not None:
        load_strictly(network, read_weights(weights).state, source=str(weights))
    return network


def _backbone(network: nn.Module) -> Any:
    if isinstance(network, LightClicks):
        return network.encoder
    if isinstance(network, LightPropagation | LightIdentity | LightInteraction):
        return network.trunk
    raise ValueError(f"{type(network).__name__} has no backbone of timm to put weights into")
