"""Writing weights as safetensors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor

from civos_siaf.files import atomic_path
from civos_siaf.weights.click_networks import identify, load_click_network
from civos_siaf.weights.download import sha256
from civos_siaf.weights.load import read_weights, without_prefix


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
    """Turn a published click network into safetensors; description and origin go into the header.

    Returns:
        The architecture of the file.

    Raises:
        FileNotFoundError, ValueError: as `load_click_network`.
    """
    source = Path(source)
    network = load_click_network(source, architecture)
    file = read_weights(source)
    found = identify(without_prefix(file.state)) or architecture or "custom"
    metadata = {
        "architecture": found,
        "config": json.dumps(file.config),
        "source": source.name,
        "source_sha256": sha256(source),
    }
    save_weights(target, network.state_dict(), metadata=metadata)
    return found
