"""The networks of AOT and our light one by name, with published weights or without.

Source: docs/specification/aot.md section 12.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from civos_siaf.networks.aot.network import Aot
from civos_siaf.networks.aot.swin import SwinEncoder
from civos_siaf.networks.aot.variants import VARIANTS
from civos_siaf.networks.identity_network import IdentityNetwork
from civos_siaf.networks.light_identity import LightIdentity
from civos_siaf.weights.load import load_strictly, read_weights, without_prefix
from civos_siaf.weights.published_names import our_names
from civos_siaf.weights.ready import ready, require_known

UNUSED_NAMES = ("LSTT.mask_token", ".relative_position_index")
"""Endings of names in published files that no network needs: never used, and following from the size."""
_CLASSIFIER = ("classifier.", "fc.", "layer4.", "head.", "norm.", "layers.3.", "layers.2.downsample.")


LIGHT = "light-identity"
"""Our own network."""


def build(architecture: str) -> IdentityNetwork:
    """A network with fresh weights.

    Raises:
        ValueError: no such architecture; lists those there are.
    """
    if architecture == LIGHT:
        return LightIdentity()
    require_known(architecture, (*VARIANTS, LIGHT))
    return VARIANTS[architecture].build()


def published_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a published file under the names of `Aot`, without those that it never uses."""
    plain = our_names(state)
    return {name: value for name, value in plain.items() if not name.endswith(UNUSED_NAMES)}


def load_aot_network(
    architecture: str, weights: Path | str | None = None, *, device: str = "cpu", fast: bool = True
) -> IdentityNetwork:
    """A network, frozen and in eval mode.

    Args:
        architecture: one of `VARIANTS`, or "light-identity".
        weights: a file as published, or safetensors. None: the network is untrained, with weights that follow
            from their names alone, and a warning says so.
        device: where it runs.
        fast: prepared for inference, equal up to rounding; it cannot be trained or saved then.

    Raises:
        FileNotFoundError: no such file.
        ValueError: no such architecture, not a readable weight file, or one for another network.
    """
    empty = build(architecture)
    return ready(empty, weights, architecture=architecture, device=device, fast=fast, names=published_state)


def init_encoder(network: Aot, path: Path | str) -> None:
    """Put an image classifier's weights into the encoder, to begin a training with.

    Source: docs/specification/aot.md section 12.4.

    Files are those of torchvision for MobileNetV2 and ResNet-50, and that of the authors for Swin-B. What
    comes after stride 16 is left out; the norms at the end of Swin's stages stay as they are.

    Raises:
        FileNotFoundError: no such file.
        ValueError: the weights do not fit.
    """
    expected = network.encoder.state_dict()
    kept = {
        name: value
        for name, value in without_prefix(read_weights(path).state).items()
        if not name.startswith(_CLASSIFIER)
        and not name.endswith(("num_batches_tracked", "attn_mask", *UNUSED_NAMES))
    }
    if isinstance(network.encoder, SwinEncoder):
        kept |= {name: value for name, value in expected.items() if name.startswith("norm")}
    load_strictly(network.encoder, kept, source=str(path))
