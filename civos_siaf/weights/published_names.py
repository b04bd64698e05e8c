"""Tensors of published files under the names of our networks, where the two differ."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from civos_siaf.weights.load import without_prefix

FBRS_MARK = "feature_extractor.aspp.concurent.0.0.weight"
"""A name that only files of f-BRS with a ResNet have."""
FBRS_EXTRA = "aspp_dropout"
_MEAN, _COUNTER = "running_mean", "num_batches_tracked"


def our_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Without the prefixes of wrappers; those of f-BRS with the counters of their batch norms.

    Its weights were trained with a library that has no such counters, so that they may be missing, and a
    single number `aspp_dropout` may be there
    (docs/specification/fbrs.md section 1). Nothing else is forgiven.
    """
    plain = without_prefix(state)
    if FBRS_MARK not in plain:
        return plain
    extra = plain.get(FBRS_EXTRA)
    if extra is not None and extra.numel() == 1:
        del plain[FBRS_EXTRA]
    for name in [name for name in plain if name.endswith(_MEAN)]:
        plain.setdefault(name.removesuffix(_MEAN) + _COUNTER, torch.tensor(0))
    return plain
