"""What all networks have in common on their way from a name to masks."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from civos_siaf.networks.click_network import ClickNetwork
from civos_siaf.networks.prepare import NetworkT, for_inference, fuse_batch_norm
from civos_siaf.runtime.device import torch_device
from civos_siaf.weights import deterministic_weights
from civos_siaf.weights.load import load_strictly, read_weights
from civos_siaf.weights.published_names import our_names
from civos_siaf.weights.terms import say_terms

_log = logging.getLogger(__name__)


def fill_untrained(network: nn.Module, architecture: str) -> None:
    """Give a network weights that follow from their names alone, and warn that it is untrained.

    The warning points to where the loader was called that calls `weights.ready.ready`.
    """
    warnings.warn(f"{architecture} is untrained: there is no weight file", stacklevel=4)
    shapes = {name: list(value.shape) for name, value in network.state_dict().items()}
    load_strictly(network, deterministic_weights.deterministic_state(shapes), source="untrained weights")


def require_known(architecture: str, known: Iterable[str]) -> None:
    """Refuse a name that builds no network.

    Raises:
        ValueError: no such architecture; lists those there are.
    """
    names = tuple(known)
    if architecture not in names:
        raise ValueError(f"no architecture {architecture!r}; there are {', '.join(names)}")


def ready(
    network: NetworkT,
    path: Path | str | None,
    *,
    architecture: str,
    device: str,
    fast: bool,
    names: Callable[[Mapping[str, Tensor]], dict[str, Tensor]] = our_names,
) -> NetworkT:
    """A fresh network with weights, frozen and in eval mode.

    Args:
        network: changed.
        path: a weight file. None: weights that follow from their names alone, and a warning says so.
        architecture: for this warning.
        device: where it runs; see `civos_siaf.runtime.device.torch_device`.
        fast: prepared for inference, equal up to rounding; it cannot be trained or saved then.
        names: tensors of the file under the network's names.

    Raises:
        FileNotFoundError: no such file.
        ValueError: no such device here, not a readable weight file, or one for another network.
    """
    place = torch_device(device)
    if path is None:
        fill_untrained(network, architecture)
    else:
        load_strictly(network, names(read_weights(path).state), source=str(path))
        say_terms(path)
    _log.info("%s on %s, weights: %s", architecture, place, path or "none")
    network.requires_grad_(False).eval()
    if not fast:
        prepared = network
    elif isinstance(network, ClickNetwork):
        # f-BRS needs gradients, for which the direct convolution is the better one.
        prepared = fuse_batch_norm(network).to(memory_format=torch.channels_last)
    else:
        prepared = for_inference(network, winograd=place.type == "cpu")
    return prepared.to(place)
