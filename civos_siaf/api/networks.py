"""The networks of the package by name."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from civos_siaf.networks.afi.variants import VARIANTS as AFI
from civos_siaf.networks.aot.variants import VARIANTS as AOT
from civos_siaf.runtime.device import best_device
from civos_siaf.weights import afi_networks, aot_networks, recommendation_networks
from civos_siaf.weights.mivos_networks import load_network as load_other_network
from civos_siaf.weights.ready import require_known
from civos_siaf.weights.save import ARCHITECTURES


def list_networks() -> list[str]:
    """Names of all networks, of every system, in alphabetical order.

    >>> import civos_siaf as cs
    >>> "hrnet18s-ocr" in cs.list_networks()
    True
    """
    return sorted(ARCHITECTURES)


def load_network(
    name: str, weights: Path | str | None = None, *, device: str = "auto", fast: bool = True
) -> nn.Module:
    """Build a network and put its weights in, frozen and in eval mode.

    Args:
        name: one of `list_networks()`; dashes and underscores are the same.
        weights: a file as its authors published it, or safetensors. None: the network is untrained, with
            weights that follow from their names alone, and a warning says so.
        device: cpu, cuda, cuda:1, mps; auto: the first GPU if there is one.
        fast: prepared for inference, equal up to rounding; it cannot be trained or saved then.

    Raises:
        FileNotFoundError: no such file.
        ValueError: no such network or device, not a readable weight file, or one for another network.

    >>> import civos_siaf as cs
    >>> network = cs.load_network("hrnet18s_ocr", device="cpu", fast=False)
    >>> sum(parameter.numel() for parameter in network.parameters()) > 4_000_000
    True
    """
    by_plain = {known.replace("-", "_"): known for known in ARCHITECTURES}
    architecture = by_plain.get(name.replace("-", "_"), name)
    require_known(architecture, list_networks())
    place = best_device() if device == "auto" else device
    if architecture in (*AOT, aot_networks.LIGHT):
        return aot_networks.load_aot_network(architecture, weights, device=place, fast=fast)
    if architecture in (*AFI, afi_networks.LIGHT):
        return afi_networks.load_afi_network(architecture, weights, device=place, fast=fast)
    if architecture in recommendation_networks.ARCHITECTURES:
        return recommendation_networks.load_network(architecture, weights, device=place)
    return load_other_network(architecture, weights, device=place, fast=fast)
