"""Writing weights as safetensors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor

from civos_siaf.files import atomic_path
from civos_siaf.weights.aot_networks import published_state
from civos_siaf.weights.check import ARCHITECTURES, fitting
from civos_siaf.weights.click_networks import from_config
from civos_siaf.weights.download import sha256
from civos_siaf.weights.load import load_strictly, read_weights


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
