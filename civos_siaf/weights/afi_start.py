"""Backbones of AFI as a training begins with them (spec siaf 2.6, 3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from civos_siaf.networks.afi.backbones import MobileNetBackbone, ResNet50Backbone, SwinBackbone
from civos_siaf.networks.afi.network import Afi
from civos_siaf.weights.backbones import IMAGENET, imagenet_state, init_backbone
from civos_siaf.weights.load import load_strictly, read_weights, without_prefix
from civos_siaf.weights.resnet_start import resnet_state

SWIN_NAME = "swin_base_patch4_window7_224.ms_in22k_ft_in1k"
CLICK_TRUNK = "encoder."
"""How names of the backbone begin in a file of the light click network."""
_OURS = ("id_stem.", "norms.")
_UNUSED = re.compile(r"(fc|head|norm)\.|.*\.(attn_mask|relative_position_index|num_batches_tracked)$")


def init_afi(network: Afi, source: Path | str) -> None:
    """Put a classifier's weights into the backbone; the stem of the prompts and the last norms stay.

    Args:
        network: changed.
        source: `imagenet` downloads timm's weights. Otherwise a file: of torchvision's ResNet-50, of the
            authors' or timm's Swin-B, of timm's MobileNetV2, or of the light click network, whose trunk is
            taken.

    Raises:
        FileNotFoundError: no such file.
        ValueError: the weights do not fit.
        ConnectionError: they cannot be downloaded.
    """
    backbone = network.backbone
    if isinstance(backbone, MobileNetBackbone):
        _init_mobilenet(backbone, source)
        return
    if isinstance(backbone, ResNet50Backbone):
        state: Mapping[str, Tensor] = without_prefix(resnet_state(source))
    elif isinstance(backbone, SwinBackbone):
        state = _swin_state(source)
    else:
        raise ValueError(f"no weights are known for {type(backbone).__name__}")
    kept = {name: value for name, value in state.items() if not _UNUSED.match(name)}
    own = {name: value for name, value in backbone.state_dict().items() if name.startswith(_OURS)}
    load_strictly(backbone, kept | own, source=str(source))


def _init_mobilenet(backbone: MobileNetBackbone, source: Path | str) -> None:
    if str(source) != IMAGENET:
        state = without_prefix(read_weights(source).state)
        trunk = {
            name.removeprefix(CLICK_TRUNK): value
            for name, value in state.items()
            if name.startswith(CLICK_TRUNK)
        }
        if trunk:
            load_strictly(backbone.trunk, trunk, source=str(source))
            return
    init_backbone(backbone.trunk, source)


def _swin_state(source: Path | str) -> dict[str, Tensor]:
    """Under the authors' names: there, patches are merged at the end of a stage, in timm at the beginning."""
    state = imagenet_state(SWIN_NAME) if str(source) == IMAGENET else dict(read_weights(source).state)
    state = without_prefix(state)
    if "layers.3.downsample.norm.weight" not in state:
        return state

    def earlier(match: re.Match[str]) -> str:
        return f"layers.{int(match[1]) - 1}.downsample."

    return {
        re.sub(r"^layers\.(\d)\.downsample\.", earlier, name): torch.as_tensor(x) for name, x in state.items()
    }
