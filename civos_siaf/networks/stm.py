"""The propagation network of MiVOS, with the names of its published weights (spec mivos 4)."""

from __future__ import annotations

from torch import Tensor

from civos_siaf.networks.propagation_network import FrameFeatures, Memory, PropagationNetwork
from civos_siaf.networks.stm_decoder import Decoder
from civos_siaf.networks.stm_encoders import FrameEncoder, KeyValue, MemoryEncoder


class Stm(PropagationNetwork):
    """Space-time memory with two ResNet-50 encoders; keys of the memory depend on the object.

    Images are RGB, normalised with the mean and deviation of ImageNet; sides are multiples of 16.
    """

    def __init__(self) -> None:
        super().__init__()
        self.mask_rgb_encoder = MemoryEncoder()
        self.rgb_encoder = FrameEncoder()
        self.kv_m_f16 = KeyValue()
        self.kv_q_f16 = KeyValue()
        self.decoder = Decoder()

    def encode_frame(self, image: Tensor) -> FrameFeatures:
        """See `PropagationNetwork`; the parts are those of `Decoder.frame_parts`."""
        pyramid = self.rgb_encoder(image)
        key, value = self.kv_q_f16(pyramid.f16)
        return FrameFeatures(key, self.decoder.frame_parts(value, pyramid.f8, pyramid.f4))

    def encode_objects(
        self, images: Tensor, masks: Tensor, rest: Tensor, frames: FrameFeatures | None = None
    ) -> Memory:
        """See `PropagationNetwork`; the features of the frames are not used."""
        return Memory(*self.kv_m_f16(self.mask_rgb_encoder(images, masks, rest)))

    def decode_low(self, readout: Tensor, frame: FrameFeatures) -> Tensor:
        """See `PropagationNetwork`."""
        logits: Tensor = self.decoder(readout, frame.parts)
        return logits
