"""ResNet-50 of a classifier or of DeepLabV3+ put into networks with more inputs (spec mivos 3.3, 8)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import timm
import torch
from torch import Tensor, nn

from civos_siaf.networks.s2m import S2m
from civos_siaf.networks.stm import Stm
from civos_siaf.weights.backbones import IMAGENET
from civos_siaf.weights.load import load_strictly, read_weights

TIMM_NAME = "resnet50.tv_in1k"


def init_stm(network: Stm, source: Path | str) -> None:
    """Begin both encoders with a ResNet-50; mask channels are orthogonal, biases zero.

    Args:
        network: changed.
        source: `imagenet` downloads timm's weights; a path is a file with torchvision's names.

    Raises:
        FileNotFoundError: no such file.
        ValueError: the weights do not fit.
        ConnectionError: they cannot be downloaded.
    """
    state = resnet_state(source)
    frames = {name.replace("layer1.", "res2."): value for name, value in state.items()}
    _fill(network.rgb_encoder, frames, source=str(source))
    _fill(network.mask_rgb_encoder, state, source=str(source))


def init_s2m(network: S2m, source: Path | str) -> None:
    """Begin the backbone with a ResNet-50; scribble channels are orthogonal. See `init_stm`."""
    _fill(network.backbone, resnet_state(source), source=str(source))


def init_from_deeplab(network: S2m, path: Path | str) -> None:
    """Begin with a DeepLabV3+ of the same names and any classes; the last layer is orthogonal, its bias zero.

    Raises:
        FileNotFoundError: no such file.
        ValueError: the weights do not fit.
    """
    state = dict(read_weights(path).state)
    last = network.classifier.classifier[3]
    assert isinstance(last, nn.Conv2d)
    assert last.bias is not None
    nn.init.orthogonal_(last.weight)
    nn.init.zeros_(last.bias)
    state["classifier.classifier.3.weight"] = last.weight.detach()
    state["classifier.classifier.3.bias"] = last.bias.detach()
    _fill(network, state, source=str(path), stem="backbone.conv1.weight")


def extended(weight: Tensor, channels: int) -> Tensor:
    """A convolution's weight (out, in, h, w) with orthogonal ones for further inputs."""
    missing = channels - weight.shape[1]
    if missing <= 0:
        return weight
    new = nn.init.orthogonal_(weight.new_empty(weight.shape[0], missing, *weight.shape[2:]))
    return torch.cat([weight, new], dim=1)


def _fill(
    network: nn.Module, state: Mapping[str, Tensor], *, source: str, stem: str = "conv1.weight"
) -> None:
    """Load what the network has; convolutions' biases and counts of batches may be missing."""
    expected = network.state_dict()
    kept = {name: value for name, value in state.items() if name in expected}
    if stem in kept:
        kept[stem] = extended(kept[stem], expected[stem].shape[1])
    convolutions = {name for name, module in network.named_modules() if isinstance(module, nn.Conv2d)}
    for name, value in expected.items():
        owner, _, kind = name.rpartition(".")
        if (kind == "bias" and owner in convolutions) or kind == "num_batches_tracked":
            kept.setdefault(name, torch.zeros_like(value))
    load_strictly(network, kept, source=source)


def resnet_state(source: Path | str) -> dict[str, Tensor]:
    """A ResNet-50's tensors; see `init_stm`."""
    if str(source) != IMAGENET:
        return dict(read_weights(source).state)
    try:
        return dict(timm.create_model(TIMM_NAME, pretrained=True).state_dict())
    except Exception as error:  # timm passes on whatever its downloader raises
        raise ConnectionError(
            f"timm's ImageNet weights of {TIMM_NAME} cannot be downloaded ({error}); "
            "give a weight file instead, or null for none"
        ) from error
