"""AOT: up to ten objects of a video are propagated at the cost of one (docs/specification/aot.md)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from civos_siaf.networks.aot.decoder import Decoder
from civos_siaf.networks.aot.encoders import Encoder
from civos_siaf.networks.aot.identity import IdentityBank
from civos_siaf.networks.aot.transformer import WIDTH, Lstt, as_map, as_tokens
from civos_siaf.networks.identity_network import FrameMemory, IdentityNetwork, Matched, Seen
from civos_siaf.networks.propagation_network import FrameFeatures


class Aot(IdentityNetwork):
    """Encoder, transformer, identities and decoder, with the names of the published weights.

    Images are RGB, normalised with the mean and deviation of ImageNet. Their sides are 16k+1 pixels with
    `align_corners`, otherwise 16k. E groups of up to ten objects share a frame and go through as a batch; the
    features of a frame serve all groups and all rounds.

    Args:
        encoder: makes a `Pyramid`, and says its channels.
        layers: blocks of the transformer.
        align_corners: how maps are enlarged, and where their positions lie.
    """

    def __init__(self, encoder: Encoder, *, layers: int, align_corners: bool = True) -> None:
        super().__init__(align_corners=align_corners)
        self.encoder = encoder
        channels = encoder.channels
        self.encoder_projector = nn.Conv2d(channels[3], WIDTH, 1)
        nn.init.xavier_uniform_(self.encoder_projector.weight)
        self.LSTT = Lstt(layers)
        self.decoder = Decoder(layers, channels, align_corners=align_corners)
        self.patch_wise_id_bank = IdentityBank(WIDTH, align_corners=align_corners)
        encoder.freeze_stem()

    @property
    def num_layers(self) -> int:
        """Blocks of the transformer."""
        return len(self.LSTT.layers)

    def encode_frame(self, image: Tensor) -> FrameFeatures:
        """All that depends on images (N, 3, H, W) alone.

        The key is the result of the first self-attention, (N, 256, h, w); the parts are those of `Decoder`.

        Raises:
            ValueError: sides that do not fit.
        """
        self._require_size(image)
        pyramid = self.encoder(image)
        projected = self.encoder_projector(pyramid.last)
        size = (projected.shape[2], projected.shape[3])
        key = as_map(self.LSTT.look(as_tokens(projected), size), size)
        return FrameFeatures(key, self.decoder.frame_parts(projected, pyramid))

    def identify(self, labels: Tensor) -> Tensor:
        """Labels (E, H, W) of the size of the image, 0..10, to identity embeddings (E, n, C)."""
        return self.patch_wise_id_bank.of_labels(labels)

    def identify_masks(self, masks: Tensor) -> Tensor:
        """Masks (E, 11, H, W), index 0 = background, to identity embeddings (E, n, C)."""
        return torch.as_tensor(self.patch_wise_id_bank(masks))

    def reference(self, frame: FrameFeatures, identity: Tensor) -> tuple[list[Tensor], FrameMemory]:
        """A frame with given masks.

        Args:
            frame: features of one frame, or of E.
            identity: (E, n, C).

        Returns:
            Maps for `decode`, and the frame's memory, which depends on this frame and these masks alone.
        """
        tokens, size = _tokens(frame)
        outputs, memory = self.LSTT.reference(tokens, identity, size)
        return [as_map(x, size) for x in outputs], memory

    def match(self, frame: FrameFeatures, long: FrameMemory, short: FrameMemory) -> Matched:
        """Match a frame, or E frames, with the memory of earlier ones.

        Args:
            frame: features of one frame, or of E.
            long: of any number of frames.
            short: of one frame, the one before.
        """
        tokens, size = _tokens(frame)
        outputs, seen = self.LSTT(tokens, list(zip(long, short, strict=True)), size)
        return Matched([as_map(x, size) for x in outputs], seen)

    def remember(self, seen: Sequence[Seen], identity: Tensor) -> FrameMemory:
        """Memory of a matched frame with the identity embedding (E, n, C) of its masks."""
        return self.LSTT.remember(seen, identity)

    def decode(self, maps: Sequence[Tensor], frame: FrameFeatures) -> Tensor:
        """Logits (E, 11, H/4, W/4) of what was matched."""
        return torch.as_tensor(self.decoder(maps, frame.parts))


def _tokens(frame: FrameFeatures) -> tuple[Tensor, tuple[int, int]]:
    return as_tokens(frame.key), (frame.key.shape[2], frame.key.shape[3])
