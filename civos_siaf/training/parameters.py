"""Parameter groups: which parameters learn at which rate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from torch import nn

ParameterGroup: TypeAlias = dict[str, Any]
"""As torch's optimisers take it: `params`, `lr_scale` (times the base rate), `name`, and their options.

`lr_offset`, where there is one, is added to the rate.
"""


class GroupRule(Protocol):
    """Sorts the parameters of a task's network into groups."""

    def __call__(self, network: nn.Module) -> list[ParameterGroup]:
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

    def __call__(self, network: nn.Module) -> list[ParameterGroup]:
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
        groups: dict[tuple[float, bool], ParameterGroup] = {}
        for name, parameter in named:
            scale = self._scale(name, scales)
            if scale == 0:
                parameter.requires_grad_(False)
                continue
            plain = (self.no_decay and parameter.ndim <= 1) or any(part in name for part in self.embeddings)
            key = (scale, plain)
            extra: ParameterGroup = {"weight_decay": 0.0} if plain else {}
            group = groups.setdefault(
                key, {"params": [], "lr_scale": scale, "name": f"x{scale:g}{' no decay' * plain}", **extra}
            )
            group["params"].append(parameter)
        return list(groups.values())

    @staticmethod
    def _scale(name: str, scales: dict[str, float]) -> float:
        fitting = [prefix for prefix in scales if name.startswith(prefix)]
        return scales[max(fitting, key=len)] if fitting else 1.0


def set_rates(groups: Iterable[ParameterGroup], base: float, factor: float) -> None:
    """Give each group its rate for a step."""
    for group in groups:
        group["lr"] = base * group["lr_scale"] * factor + group.get("lr_offset", 0.0)


def all_parameters(groups: Sequence[ParameterGroup]) -> list[nn.Parameter]:
    """Of all groups."""
    return [parameter for group in groups for parameter in group["params"]]


NO_DECAY = ("absolute_pos_embed", "relative_position_bias_table", "relative_emb_v", "conv_out")
ENCODER = "encoder."
FROZEN = {
    "aott": ("encoder.features.0.", "encoder.features.1.", "encoder.features.2.", "encoder.features.3."),
    "r50_aotl": ("encoder.conv1.", "encoder.layer1."),
    "swinb_aotl": ("encoder.patch_embed.", "encoder.layers.0.blocks."),
}
"""By network, how the names of what is never trained begin (docs/specification/aot.md section 3)."""


def decays(name: str, ndim: int) -> bool:
    """Whether a parameter gets weight decay: not with one dimension, and not by some names.

    >>> decays("patch_wise_id_bank.weight", 4), decays("encoder.norm.weight", 1)
    (True, False)
    """
    return ndim != 1 and not any(part in name for part in NO_DECAY)


def id_bank_trains(step: int, predictions_from: int | None) -> bool:
    """Whether the bank of identities is trained: only until predictions are fed back.

    Source: docs/specification/aot.md section 14.2.
    """
    return predictions_from is None or step < predictions_from


@dataclass(frozen=True, slots=True, kw_only=True)
class AotGroups:
    """Up to four groups: encoder or not, with decay or not.

    The encoder's rate is `least_lr` and a part of what the others have above it.

    Args:
        weight_decay: of those that have it.
        least_lr: rate at the start and the end of training.
        encoder_scale: the part.
    """

    weight_decay: float
    least_lr: float
    encoder_scale: float = 0.1

    def __call__(self, network: nn.Module) -> list[ParameterGroup]:
        """Every parameter that is trained in exactly one group."""
        groups: dict[tuple[bool, bool], ParameterGroup] = {}
        for name, parameter in network.named_parameters():
            if not parameter.requires_grad:
                continue
            encoder, decay = ENCODER in name, decays(name, parameter.ndim)
            group = groups.setdefault((encoder, decay), self._group(encoder=encoder, decay=decay))
            group["params"].append(parameter)
        return list(groups.values())

    def _group(self, *, encoder: bool, decay: bool) -> ParameterGroup:
        scale = self.encoder_scale if encoder else 1.0
        return {
            "params": [],
            "lr_scale": scale,
            "lr_offset": (1 - scale) * self.least_lr,
            "weight_decay": self.weight_decay if decay else 0.0,
            "name": f"{'encoder' if encoder else 'rest'}{'' if decay else ' no decay'}",
        }
