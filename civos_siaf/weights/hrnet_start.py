"""How RITM's networks begin a training: Gaussian Xavier weights, ImageNet's in the backbone (spec 11)."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import Tensor, nn

from civos_siaf.networks.ritm import Ritm
from civos_siaf.weights.backbones import IMAGENET, imagenet_state
from civos_siaf.weights.load import read_weights

_TIMM = {(18, True): "hrnet_w18_small_v2", (18, False): "hrnet_w18", (32, False): "hrnet_w32"}
_OWN_PARTS = ("aux_head.", "conv3x3_ocr.", "ocr_distri_head.", "cls_head.")
"""Parts of `feature_extractor` that a classifier does not have."""


def init_ritm(network: Ritm, source: Path | str) -> None:
    """Give a network the weights with which its training begins.

    Args:
        network: changed.
        source: `imagenet` downloads the classifier's weights from timm; a path is a file with them, with the
            names of timm or of the original HRNet classifiers, which are the same.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a tensor of the backbone is missing or has another shape; there is no such classifier.
        ConnectionError: the weights cannot be downloaded.
    """
    xavier_gaussian(network)
    backbone = network.feature_extractor
    if str(source) == IMAGENET:
        size = backbone.out_channels // 15, len(backbone.layer1) == 2
        if size not in _TIMM:
            raise ValueError(f"timm has no classifier for an HRNet of width {size[0]}, small {size[1]}")
        state = imagenet_state(_TIMM[size])
    else:
        state = read_weights(source).state
    _put(backbone, state, source=str(source))


@torch.no_grad()
def xavier_gaussian(network: nn.Module) -> None:
    """Normal weights of deviation sqrt(2 / mean of fan-in and fan-out), biases zero, norms one and zero."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            fans = nn.init._calculate_fan_in_and_fan_out(module.weight)
            nn.init.normal_(module.weight, std=math.sqrt(2 / (sum(fans) / 2)))
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)


def _put(backbone: nn.Module, state: dict[str, Tensor], *, source: str) -> None:
    own = backbone.state_dict()
    expected = [n for n in own if not n.startswith(_OWN_PARTS) and not n.endswith("num_batches_tracked")]
    wrong = [n for n in expected if n not in state or state[n].shape != own[n].shape]
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise ValueError(f"{source}: no weights of the right shape for {', '.join(wrong[:3])}{more}")
    backbone.load_state_dict({name: state[name] for name in expected}, strict=False)
