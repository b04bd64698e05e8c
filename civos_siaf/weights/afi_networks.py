"""The interaction networks of SIAF by name. None is published; the light one has weights of our own."""

from __future__ import annotations

from pathlib import Path

from civos_siaf.networks.afi.network import Afi
from civos_siaf.networks.afi.variants import VARIANTS
from civos_siaf.networks.light_interaction import LightInteraction
from civos_siaf.weights.own import own_weights
from civos_siaf.weights.ready import ready, require_known

LIGHT = "light-interaction"
"""Our own network."""
OWN = {LIGHT: "light_interaction"}
"""By architecture, the names of the package's own weights."""


def build(architecture: str, *, across: bool = True) -> Afi | LightInteraction:
    """A network with fresh weights.

    Args:
        architecture: one of `VARIANTS`, or "light-interaction".
        across: False: frames are not matched with each other.

    Raises:
        ValueError: no such architecture; lists those there are.
    """
    if architecture == LIGHT:
        return LightInteraction(across=across)
    require_known(architecture, (*VARIANTS, LIGHT))
    return VARIANTS[architecture](across=across)


def load_afi_network(
    architecture: str,
    weights: Path | str | None = None,
    *,
    across: bool = True,
    device: str = "cpu",
    fast: bool = True,
) -> Afi | LightInteraction:
    """A network, frozen and in eval mode.

    Args:
        architecture: see `build`.
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
    path = weights
    if path is None and architecture in OWN:
        path = own_weights(OWN[architecture], required=False)
    return ready(network, path, architecture=architecture, device=device, fast=fast)
