"""Weights of image classifiers to begin a training with."""

from __future__ import annotations

import re
from pathlib import Path

import timm
from torch import Tensor, nn

from civos_siaf.weights.load import load_strictly, read_weights

IMAGENET = "imagenet"
"""Asks for timm's own ImageNet weights."""


def init_backbone(backbone: nn.Module, source: Path | str | None, *, name: str = "mobilenetv2_100") -> None:
    """Put pretrained weights into a backbone made by timm with `features_only`.

    Args:
        backbone: changed; blocks that were removed from it are left out of the weights too.
        source: `imagenet` downloads timm's weights; a path is a file of ours; None changes nothing.
        name: timm's name of the network.

    Raises:
        FileNotFoundError: no such file.
        ValueError: the weights do not fit.
        ConnectionError: they cannot be downloaded.
    """
    if source is None:
        return
    state = (
        imagenet_state(name, features_only=True) if str(source) == IMAGENET else read_weights(source).state
    )
    expected = backbone.state_dict()
    blocks = {match[0] for key in expected if (match := re.match(r"blocks\.\d+\.", key))}
    kept = {
        key: value
        for key, value in state.items()
        if (match := re.match(r"blocks\.\d+\.", key)) is None or match[0] in blocks
    }
    # Counts of batches are often left out, and are of no consequence.
    for key, value in expected.items():
        if key.endswith("num_batches_tracked"):
            kept.setdefault(key, value)
    load_strictly(backbone, kept, source=str(source))


def imagenet_state(name: str, *, features_only: bool = False) -> dict[str, Tensor]:
    """ImageNet weights of a network of timm, downloaded unless they are in its cache.

    Raises:
        ConnectionError: they cannot be downloaded.
    """
    try:
        network = timm.create_model(name, pretrained=True, features_only=features_only)
    except Exception as error:  # timm passes on whatever its downloader raises
        raise ConnectionError(
            f"timm's ImageNet weights of {name} cannot be downloaded ({error}); "
            "give a weight file instead, or null for none"
        ) from error
    return dict(network.state_dict())
