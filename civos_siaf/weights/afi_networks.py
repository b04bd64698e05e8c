"""The interaction networks of SIAF by name. None is published; the light one has weights of our own."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from civos_siaf.networks.afi.network import Afi
from civos_siaf.networks.afi.variants import VARIANTS
from civos_siaf.networks.light_interaction import LightInteraction
from civos_siaf.weights.load import without_prefix
from civos_siaf.weights.locate import own_weights
from civos_siaf.weights.ready import ready, require_known

LIGHT = "light-interaction"
"""Our own network."""
OWN = {LIGHT: "light_interaction"}
"""By architecture, the names of the package's own weights."""
ATTENTION = ("across.level", "across.within.", "across.between.", "votes.")
"""How the names begin of what only a network with across-frame attention has."""

_log = logging.getLogger(__name__)


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
        weights: a file of ours; with `across=False` the attention's own tensors in it, if any, are left out.
            None takes the package's own; without those the network is untrained, with weights that follow
            from their names alone, and a warning says so.
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
    names = without_prefix if across else _without_attention
    return ready(network, path, architecture=architecture, device=device, fast=fast, names=names)


def _without_attention(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What a network without across-frame attention takes of a file that was trained with or without it."""
    plain = without_prefix(state)
    kept = {name: value for name, value in plain.items() if not name.startswith(ATTENTION)}
    if len(kept) < len(plain):
        left_out = len(plain) - len(kept)
        _log.warning("across=False: %d tensors of across-frame attention in the file are left out", left_out)
    return kept
