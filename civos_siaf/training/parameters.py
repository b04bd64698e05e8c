"""Parameter groups: which parameters learn at which rate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from torch import nn

Group: TypeAlias = dict[str, Any]
"""As torch's optimisers take it: `params`, `lr_scale` (times the base rate), `name`, and their options.

`lr_offset`, where there is one, is added to the rate.
"""


class GroupRule(Protocol):
    """Sorts the parameters of a task's network into groups."""

    def __call__(self, network: nn.Module) -> list[Group]:
        """Every parameter that is trained in exactly one group."""


@dataclass(frozen=True, slots=True)
class RateByName:
    """Other rates for parameters by the beginning of their name.

    Args:
        scales: beginning of the name -> factor on the base rate; the longest that fits counts; 0 freezes,
            and None is as if the entry were not there.
        no_decay: parameters of one dimension (biases, norms) get no weight decay.
        embeddings: parts of the names of others that get none.

    >>> rule = RateByName({"encoder.": 0.1})
    >>> network = nn.ModuleDict({"encoder": nn.Linear(1, 1), "head": nn.Linear(1, 1)})
    >>> [group["lr_scale"] for group in rule(network)]
    [0.1, 1.0]
    """

    scales: Mapping[str, float | None] | None = None
    no_decay: bool = False
    embeddings: Sequence[str] = ()

    def __call__(self, network: nn.Module) -> list[Group]:
        """See `GroupRule`.

        Raises:
            ValueError: a beginning, or part of a name, that no parameter has.
        """
        scales = {name: scale for name, scale in (self.scales or {}).items() if scale is not None}
        named = [(name, p) for name, p in network.named_parameters() if p.requires_grad]
        for prefix in scales:
            if not any(name.startswith(prefix) for name, _ in named):
                raise ValueError(f"no trained parameter begins with {prefix!r}; the first is {named[0][0]!r}")
        for part in self.embeddings:
            if not any(part in name for name, _ in named):
                raise ValueError(f"no trained parameter has {part!r} in its name")
        groups: dict[tuple[float, bool], Group] = {}
        for name, parameter in named:
            scale = self._scale(name, scales)
            if scale == 0:
                parameter.requires_grad_(False)
                continue
            plain = (self.no_decay and parameter.ndim <= 1) or any(part in name for part in self.embeddings)
            key = (scale, plain)
            extra: Group = {"weight_decay": 0.0} if plain else {}
            group = groups.setdefault(
                key, {"params": [], "lr_scale": scale, "name": f"x{scale:g}{' no decay' * plain}", **extra}
            )
            group["params"].append(parameter)
        return list(groups.values())

    @staticmethod
    def _scale(name: str, scales: dict[str, float]) -> float:
        fitting = [prefix for prefix in scales if name.startswith(prefix)]
        return scales[max(fitting, key=len)] if fitting else 1.0


def set_rates(groups: Iterable[Group], base: float, factor: float) -> None:
    """Give each group its rate for a step."""
    for group in groups:
        group["lr"] = base * group["lr_scale"] * factor + group.get("lr_offset", 0.0)


def all_parameters(groups: Sequence[Group]) -> list[nn.Parameter]:
    """Of all groups."""
    return [parameter for group in groups for parameter in group["params"]]
