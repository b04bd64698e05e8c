"""Networks compiled by torch: slow to begin with, faster afterwards, equal up to rounding."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from torch import nn

MAX_DEPTH = 6
"""How deep networks are looked for in a method's attributes."""
VARIANTS = 128
"""Most compiled forms of one function of torch, which counts all modules of a class together; torch's own
limit of 8 would leave most parts as they are."""

_log = logging.getLogger(__name__)


def compile_parts(network: nn.Module, **options: Any) -> list[str]:
    """Compile the parts of a network in place, each on its first call.

    Networks here are called by several names, such as `encode` and `decode`, so that their parts are compiled
    and not the whole. Names and values of the weights stay as they are.

    Args:
        network: changed.
        options: of `torch.compile`, such as `mode` or `backend`.

    Returns:
        Names of the parts.
    """
    _allow_variants()
    parts = dict(_parts(network, ""))
    for part in parts.values():
        part.compile(**options)
    return list(parts)


def compile_networks(method: object, **options: Any) -> int:
    """Compile the parts of all networks in the attributes of a method; see `compile_parts`.

    Returns:
        How many networks there are.
    """
    networks = list(_networks(method, 0, set()))
    for network in networks:
        parts = compile_parts(network, **options)
        _log.info("%s: %d parts are compiled", type(network).__name__, len(parts))
    return len(networks)


def _allow_variants() -> None:
    from torch import _dynamo  # here, as it takes long to load

    config: Any = _dynamo.config
    name = "recompile_limit" if hasattr(config, "recompile_limit") else "cache_size_limit"  # before torch 2.7
    setattr(config, name, max(getattr(config, name), VARIANTS))


def _parts(network: nn.Module, prefix: str) -> Iterator[tuple[str, nn.Module]]:
    """The outermost modules below a network that are called by themselves, with weights of their own."""
    for name, child in network.named_children():
        if type(child).forward is nn.Module.forward:  # a list, or called by other names
            yield from _parts(child, f"{prefix}{name}.")
        elif any(True for _ in child.parameters()):
            yield f"{prefix}{name}", child


def _networks(thing: Any, depth: int, seen: set[int]) -> Iterator[nn.Module]:
    if depth > MAX_DEPTH or id(thing) in seen:
        return
    seen.add(id(thing))
    if isinstance(thing, nn.Module):
        yield thing
        return
    inside: Iterable[Any] = ()
    if isinstance(thing, Mapping):
        inside = thing.values()
    elif isinstance(thing, list | tuple):
        inside = thing
    elif not isinstance(thing, type):
        slots = [name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ())]
        inside = [*getattr(thing, "__dict__", {}).values(), *(getattr(thing, n, None) for n in slots)]
    for part in inside:
        yield from _networks(part, depth + 1, seen)
