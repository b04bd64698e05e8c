"""The sizes of AFI: the paper's two, and a light one of our own."""

from __future__ import annotations

from collections.abc import Callable

from civos_siaf.networks.afi.across import AcrossFrames
from civos_siaf.networks.afi.backbones import (
    MobileNetBackbone,
    PromptedBackbone,
    ResNet50Backbone,
    SwinBackbone,
)
from civos_siaf.networks.afi.extraction import Extraction
from civos_siaf.networks.afi.head import MaskHead, NarrowMaskHead
from civos_siaf.networks.afi.network import Afi
from civos_siaf.networks.afi.prompt_attention import PromptAttention, PromptInjection
from civos_siaf.networks.light_clicks import separable

RATES = {16: (6, 12, 18), 32: (3, 6, 9)}
"""Dilations of the atrous pyramid by the stride of its input."""


def published(
    backbone: PromptedBackbone, *, across: bool = True, width: int = 256, low_width: int = 64
) -> Afi:
    """The paper's network on a backbone."""
    low, middle8, middle16, high = backbone.channels
    return Afi(
        backbone,
        AcrossFrames((middle8, middle16), width=width, across=across),
        Extraction(low, high, width=width, low_width=low_width, rates=RATES[backbone.high_stride]),
        MaskHead((width, width, low_width), width=width),
    )


def light(*, across: bool = True, width: int = 96, low_width: int = 48, hidden: int = 256) -> Afi:
    """The same parts, narrow, on MobileNetV2; prompts meet the features again behind the backbone.

    Likeness carries them to other frames from the first step on, so that a short training suffices.
    """
    backbone = MobileNetBackbone()
    low, middle8, middle16, high = backbone.channels
    return Afi(
        backbone,
        AcrossFrames(
            (middle8, middle16),
            width=width,
            heads=4,
            points=2,
            layers=1,
            hidden=hidden,
            groups=8,
            dropout=0.0,
            across=across,
            fuse=separable,
        ),
        Extraction(
            low,
            high,
            width=width,
            low_width=low_width,
            rates=RATES[backbone.high_stride],
            hidden=hidden,
            squeeze=64,
            dropout=0.0,
        ),
        NarrowMaskHead((width, width, low_width), width=low_width, votes=across),
        PromptInjection((low_width, width, width)),
        PromptAttention(width) if across else None,
    )


def _resnet50(*, across: bool = True) -> Afi:
    return published(ResNet50Backbone(), across=across)


def _swin(*, across: bool = True) -> Afi:
    return published(SwinBackbone(), across=across)


VARIANTS: dict[str, Callable[..., Afi]] = {"afi-r50": _resnet50, "afi-swinb": _swin, "afi-light": light}
"""By name; each takes `across`."""
