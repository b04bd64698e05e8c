"""Reading weight files without running anything in them, and putting them into a network, strictly."""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from civos_siaf.weights.foreign import foreign

SHOWN = 8
"""How many names an error lists of each kind."""
_PREFIXES = ("module.", "RiTM.")


@dataclass(frozen=True)
class WeightFile:
    """The contents of a weight file.

    Attributes:
        path: where it was read.
        state: tensors by name.
        config: the description of the network stored with them; empty if there is none.
        metadata: the strings in a safetensors header; empty for other files.
    """

    path: Path
    state: dict[str, Tensor]
    config: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)


def read_weights(path: Path | str) -> WeightFile:
    """Read a safetensors file, or a file of `torch.save` with plain tensors and containers (weights_only).

    A torch file holds a state dict, or a dictionary with `state_dict` or `model`, and possibly `config`.

    Raises:
        FileNotFoundError: no such file.
        ValueError: truncated, of another format, with pickled classes, or without tensors.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no weight file at {path}")
    return _read_safetensors(path) if path.suffix == ".safetensors" else _read_torch(path)


def read_plain(path: Path | str) -> object:
    """What a file of `torch.save` holds, on the CPU, if that is tensors, numbers, strings and containers.

    Raises:
        FileNotFoundError: no such file.
        ValueError: truncated, damaged, of another format, or with pickled classes, of which nothing is run.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise
    except Exception as error:  # on a damaged file torch's reader fails in any way
        raise ValueError(f"{path}: {_reason(error)}") from error


def load_strictly(network: nn.Module, state: Mapping[str, Tensor], *, source: str) -> None:
    """Put tensors into a network, every one into its place and every place filled.

    Raises:
        ValueError: lists missing and unexpected names and other shapes; `source` says where they come from.
    """
    expected = network.state_dict()
    missing = [name for name in expected if name not in state]
    unexpected = [name for name in state if name not in expected]
    shapes = [
        f"{name} {tuple(state[name].shape)}, expected {tuple(value.shape)}"
        for name, value in expected.items()
        if name in state and state[name].shape != value.shape
    ]
    problems = [
        _listed(kind, names)
        for kind, names in (("missing", missing), ("unexpected", unexpected), ("other shape", shapes))
        if names
    ]
    if problems and (project := foreign(state)):
        raise ValueError(f"{source} is a file of {project}; wanted are weights of {type(network).__name__}")
    if problems:
        raise ValueError(f"{source} does not fit {type(network).__name__}: " + "; ".join(problems))
    network.load_state_dict(dict(state), strict=True)


def without_prefix(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Remove a prefix that wrappers have put before every name."""
    for prefix in _PREFIXES:
        if state and all(name.startswith(prefix) for name in state):
            return without_prefix({name[len(prefix) :]: value for name, value in state.items()})
    return dict(state)


def _read_safetensors(path: Path) -> WeightFile:
    try:
        with safe_open(path, framework="pt") as file:
            metadata = dict(file.metadata() or {})
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        config = json.loads(metadata.get("config", "{}"))
    except (SafetensorError, OSError, ValueError) as error:
        raise ValueError(f"{path}: not a complete safetensors file ({error})") from error
    return WeightFile(path, state, config, metadata)


def _read_torch(path: Path) -> WeightFile:
    content = read_plain(path)
    if not isinstance(content, dict):
        raise ValueError(f"{path}: expected a dictionary of tensors, got {type(content).__name__}")
    state = content.get("state_dict", content.get("model", content))
    if not isinstance(state, dict) or not state:
        raise ValueError(f"{path}: the state dict is empty or no dictionary")
    foreign = [str(name) for name, value in state.items() if not isinstance(value, Tensor)]
    if foreign:
        raise ValueError(f"{path}: {_listed('not tensors', foreign)}")
    config = content.get("config", {}) if "state_dict" in content else {}
    return WeightFile(path, dict(state), config if isinstance(config, dict) else {})


def _listed(kind: str, names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{len(names)} {kind}: {', '.join(names[:SHOWN])}{more}"


def _reason(error: Exception) -> str:
    """What is wrong with a file, without torch's advice to load it all the same."""
    found = error.__context__ or error
    text = str(found).partition("\n")[0] or "it ends too early"
    if forbidden := re.search(r"GLOBAL (\S+)", text):
        return f"not a file of plain tensors, refused: it holds {forbidden[1]}, and loading that can run code"
    if isinstance(found, pickle.UnpicklingError):
        return f"not a file of plain tensors, refused ({text})"
    return f"truncated or not a file of torch.save ({text})"
