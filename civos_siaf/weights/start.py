"""How networks begin a training: with the weights of image classifiers and of segmentation networks."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path

import timm
import torch
from torch import Tensor, nn

from civos_siaf.networks.afi.backbones import MobileNetBackbone, ResNet50Backbone, SwinBackbone
from civos_siaf.networks.afi.network import Afi
from civos_siaf.networks.ritm import Ritm
from civos_siaf.networks.s2m import S2m
from civos_siaf.networks.stm import Stm
from civos_siaf.weights.load import load_strictly, read_weights, without_prefix

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
    if str(source) != IMAGENET and not Path(source).is_file():
        raise FileNotFoundError(f"no start weights at {source}; `{IMAGENET}` in its place downloads timm's")
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
            f"timm's ImageNet weights of {name} cannot be downloaded ({error}); give a weight file in place "
            "of imagenet, or null for none, in trainings by task.network.backbone=FILE"
        ) from error
    return dict(network.state_dict())


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
    return imagenet_state(TIMM_NAME) if str(source) == IMAGENET else dict(read_weights(source).state)


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
