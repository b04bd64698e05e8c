"""Is a weight file what it should be?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from civos_siaf.networks.afi.variants import VARIANTS as AFI
from civos_siaf.networks.aot.variants import VARIANTS
from civos_siaf.weights import afi_networks, aot_networks, click_networks, cutie_networks, mivos_networks
from civos_siaf.weights.download import noted_hash, sha256
from civos_siaf.weights.load import load_strictly, read_weights
from civos_siaf.weights.manifest import WeightRecord

ARCHITECTURES = tuple(
    dict.fromkeys(
        (
            *click_networks.ARCHITECTURES,
            *mivos_networks.ARCHITECTURES,
            *VARIANTS,
            aot_networks.LIGHT,
            *AFI,
            afi_networks.LIGHT,
        )
    )
)
"""Names of all networks, of every family."""


def build(architecture: str) -> nn.Module:
    """A network with fresh weights, of whichever family.

    Raises:
        FileNotFoundError: the package of somebody else's network is not installed.
        ValueError: no such architecture.
    """
    if architecture in cutie_networks.ARCHITECTURES:
        network: nn.Module = cutie_networks.build(architecture)
        return network
    for family in (click_networks.ARCHITECTURES, mivos_networks.ARCHITECTURES):
        if architecture in family:
            return family[architecture]()
    if architecture in (*VARIANTS, aot_networks.LIGHT):
        return aot_networks.build(architecture)
    return afi_networks.build(architecture)


def fitting(state: Mapping[str, Tensor]) -> list[str]:
    """The architectures, of every family, whose names and shapes are exactly those of `state`."""
    shapes = {name: value.shape for name, value in state.items()}
    found = []
    for architecture in ARCHITECTURES:
        with torch.device("meta"):
            expected = build(architecture).state_dict()
        if shapes == {name: value.shape for name, value in expected.items()}:
            found.append(architecture)
    return found


def check_weights(path: Path | str, record: WeightRecord) -> None:
    """Look whether a file is complete, the one that was published, and fits its network.

    Raises:
        FileNotFoundError: no such file.
        ValueError: cut off, changed, or for another network; says which.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no weight file at {path}")
    size = path.stat().st_size
    if record.bytes is not None and size < record.bytes:
        raise ValueError(f"{path}: cut off: {size} bytes of at least {record.bytes}")
    expected = record.sha256 or noted_hash(path)
    if expected is not None and (found := sha256(path)) != expected:
        raise ValueError(f"{path}: changed: sha256 is {found}, expected {expected}")
    with torch.device("meta"):
        network = build(record.architecture)
    load_strictly(network, _named(read_weights(path).state), source=str(path))


def _named(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.to("meta") for name, value in aot_networks.published_state(state).items()}
