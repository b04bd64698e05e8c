"""Writing weights as safetensors, and checking whether a file is what it should be."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from civos_siaf.networks.afi.variants import VARIANTS as AFI
from civos_siaf.networks.aot.variants import VARIANTS
from civos_siaf.runtime.files import atomic_path
from civos_siaf.weights import (
    afi_networks,
    aot_networks,
    click_networks,
    cutie_networks,
    mivos_networks,
    recommendation_networks,
)
from civos_siaf.weights.aot_networks import published_state
from civos_siaf.weights.click_networks import from_config
from civos_siaf.weights.download import noted_hash, sha256
from civos_siaf.weights.load import load_strictly, read_weights
from civos_siaf.weights.manifest import WeightRecord

ARCHITECTURES = tuple(
    dict.fromkeys(
        (
            *click_networks.ARCHITECTURES,
            *mivos_networks.ARCHITECTURES,
            *recommendation_networks.ARCHITECTURES,
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
    for family in (
        click_networks.ARCHITECTURES,
        mivos_networks.ARCHITECTURES,
        recommendation_networks.ARCHITECTURES,
    ):
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


def save_weights(path: Path | str, state: Mapping[str, Tensor], *, metadata: Mapping[str, str]) -> None:
    """Write tensors and strings to a safetensors file, in one piece.

    Raises:
        ValueError: the name does not end in .safetensors.
    """
    path = Path(path)
    if path.suffix != ".safetensors":
        raise ValueError(f"{path}: weights are written as .safetensors")
    tensors = {name: value.detach().cpu().contiguous() for name, value in state.items()}
    with atomic_path(path) as temporary:
        save_file(tensors, temporary, metadata={"format": "pt", **metadata})


def convert(source: Path | str, target: Path | str, architecture: str | None = None) -> str:
    """Turn a published file into safetensors; description and origin go into the header.

    Args:
        source: weights of a network of any family.
        target: a name in .safetensors.
        architecture: what the file must hold; None takes what it holds.

    Returns:
        The architecture of the file; "a or b" where the tensors of two are the same.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not a readable weight file, for another architecture, or for none that is known.
    """
    source = Path(source)
    file = read_weights(source)
    state = published_state(file.state)
    found = fitting(state)
    if "class" in file.config:  # of a click network, whose description may be of one that has no name here
        load_strictly(from_config(file.config, source=str(source)), state, source=str(source))
        found = found or ["custom"]
    if not found:
        raise ValueError(
            f"{source}: its {len(state)} tensors are those of no known network ({', '.join(ARCHITECTURES)}); "
            f"it begins with {', '.join(list(state)[:3])}"
        )
    if architecture not in (None, *found):
        raise ValueError(
            f"{source}: wrong architecture: this file is for {' or '.join(found)}, not {architecture}"
        )
    name = architecture or " or ".join(found)
    metadata = {
        "architecture": name,
        "config": json.dumps(file.config),
        "source": source.name,
        "source_sha256": sha256(source),
    }
    save_weights(target, state, metadata=metadata)
    return name
