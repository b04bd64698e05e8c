"""The published sizes of AOT (docs/specification/aot.md section 1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from civos_siaf.networks.aot.encoders import Encoder, MobileNetV2Encoder, ResNet50Encoder
from civos_siaf.networks.aot.network import Aot
from civos_siaf.networks.aot.swin import SwinEncoder

NEVER = 9999
"""A spacing that no video reaches: only reference frames stay in memory."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One of the published networks.

    Attributes:
        encoder: makes its encoder.
        layers: blocks of the transformer.
        mem_every: every so many frames one goes into the long-term memory.
        train_mem_every: the same in training.
        align_corners: see `Aot`.
    """

    encoder: Callable[[], Encoder]
    layers: int
    mem_every: int = NEVER
    train_mem_every: int = NEVER
    align_corners: bool = True

    def build(self) -> Aot:
        """The network with fresh weights."""
        return Aot(self.encoder(), layers=self.layers, align_corners=self.align_corners)


VARIANTS: dict[str, Variant] = {
    "aott": Variant(MobileNetV2Encoder, 1),
    "aots": Variant(MobileNetV2Encoder, 2),
    "aotb": Variant(MobileNetV2Encoder, 3),
    "aotl": Variant(MobileNetV2Encoder, 3, mem_every=5, train_mem_every=2),
    "r50_aotl": Variant(ResNet50Encoder, 3, mem_every=5, train_mem_every=2),
    "swinb_aotl": Variant(SwinEncoder, 3, mem_every=5, train_mem_every=2, align_corners=False),
}
"""By the names of the fixtures and of the original's models."""
