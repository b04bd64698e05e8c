"""Networks for which there is no weight file."""

from __future__ import annotations

import warnings

from torch import nn

from civos_siaf.weights import fill
from civos_siaf.weights.load import load_strictly


def fill_untrained(network: nn.Module, architecture: str) -> None:
    """Give a network weights that follow from their names alone, and warn that it is untrained.

    The warning points to where the loader was called that calls `weights.ready.ready`.
    """
    warnings.warn(f"{architecture} is untrained: there is no weight file", stacklevel=4)
    shapes = {name: list(value.shape) for name, value in network.state_dict().items()}
    load_strictly(network, fill.state(shapes), source="untrained weights")
