"""The interaction networks of SIAF by name. None is published; the light one has weights of our own."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch

from civos_siaf.networks.afi.network import Afi
from civos_siaf.networks.afi.variants import VARIANTS
from civos_siaf.networks.prepare import for_inference
from civos_siaf.parity import fill
from civos_siaf.weights.click_networks import without_prefix
from civos_siaf.weights.load import load_strictly, read_weights
from civos_siaf.weights.own import own_weights

OWN = {"afi-light": "light_afi"}
"""By architecture, the names of the package's own weights."""


def build(architecture: str, *, across: bool = True) -> Afi:
    """A network with fresh weights.

    Args:
        architecture: one of `VARIANTS`.
        across: False: without attention, see `AcrossFrames`.

    Raises:
        ValueError: no such architecture; lists those there are.
    """
    if architecture not in VARIANTS:
        raise ValueError(f"no architecture {architecture!r}; there are {', '.join(VARIANTS)}")
    return VARIANTS[architecture](across=across)


def load_afi_network(
    architecture: str,
    weights: Path | str | None = None,
    *,
    across: bool = True,
    device: str = "cpu",
    fast: bool = True,
) -> Afi:
    """A network, frozen and in eval mode.

    Args:
        architecture: one of `VARIANTS`.
        weights: a file of ours. None takes the package's own; without those the network is untrained, with
            weights that follow from their names alone, and a warning says so.
        across: see `build`.
        device: where it runs.
        fast: prepared for inference, equal up to rounding; it cannot be trained or saved then.

    Raises:
        FileNotFoundError: no such file.
        ValueError: no such architecture, not a readable weight file, or one for another network.
    """
    network = build(architecture, across=across)
    path = weights if weights is not None or not across else _own(architecture)
    if path is None:
        warnings.warn(f"{architecture} is untrained: there is no weight file", stacklevel=2)
        shapes = {name: list(value.shape) for name, value in network.state_dict().items()}
        load_strictly(network, fill.state(shapes), source="untrained weights")
    else:
        load_strictly(network, without_prefix(read_weights(path).state), source=str(path))
    network.requires_grad_(False).eval()
    prepared = for_inference(network, winograd=device == "cpu") if fast else network
    return prepared.to(torch.device(device))


def _own(architecture: str) -> Path | None:
    if architecture not in OWN:
        return None
    try:
        return own_weights(OWN[architecture])
    except FileNotFoundError:
        return None
