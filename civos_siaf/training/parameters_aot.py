"""How AOT sorts its parameters: no decay for some, lower rates for the encoder (spec aot 14.4)."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from civos_siaf.training.parameters import Group

NO_DECAY = ("absolute_pos_embed", "relative_position_bias_table", "relative_emb_v", "conv_out")
ENCODER = "encoder."
FROZEN = {
    "aott": ("encoder.features.0.", "encoder.features.1.", "encoder.features.2.", "encoder.features.3."),
    "r50_aotl": ("encoder.conv1.", "encoder.layer1."),
    "swinb_aotl": ("encoder.patch_embed.", "encoder.layers.0.blocks."),
}
"""By network, how the names of what is never trained begin (spec aot 3)."""


def decays(name: str, ndim: int) -> bool:
    """Whether a parameter gets weight decay: not with one dimension, and not by some names.

    >>> decays("patch_wise_id_bank.weight", 4), decays("encoder.norm.weight", 1)
    (True, False)
    """
    return ndim != 1 and not any(part in name for part in NO_DECAY)


def id_bank_trains(step: int, predictions_from: int | None) -> bool:
    """Whether the bank of identities is trained: only until predictions are fed back (spec aot 14.2)."""
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

    def __call__(self, network: nn.Module) -> list[Group]:
        """See `GroupRule`."""
        groups: dict[tuple[bool, bool], Group] = {}
        for name, parameter in network.named_parameters():
            if not parameter.requires_grad:
                continue
            encoder, decay = ENCODER in name, decays(name, parameter.ndim)
            group = groups.setdefault((encoder, decay), self._group(encoder=encoder, decay=decay))
            group["params"].append(parameter)
        return list(groups.values())

    def _group(self, *, encoder: bool, decay: bool) -> Group:
        scale = self.encoder_scale if encoder else 1.0
        return {
            "params": [],
            "lr_scale": scale,
            "lr_offset": (1 - scale) * self.least_lr,
            "weight_decay": self.weight_decay if decay else 0.0,
            "name": f"{'encoder' if encoder else 'rest'}{'' if decay else ' no decay'}",
        }
