"""Cutie as rf-cutie has it: the memory of annotated frames, and sweeps that start from them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from civos_siaf.networks.propagation_network import FrameFeatures


class CutieVideo:
    """The network of Cutie with its configuration.

    Args:
        network: `CUTIE`, in eval mode.
        config: of rf-cutie, with everything that inference reads.
    """

    stride = 16

    def __init__(self, network: nn.Module, config: Any) -> None:
        self.network: Any = network
        self.config = config

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        device: torch.device = self.network.pixel_mean.device
        return device

    def image(self, rgb: NDArray[np.uint8]) -> Tensor:
        """A frame (H, W, 3) as (3, H, W) in [0, 1]."""
        return torch.tensor(rgb).to(self.device).permute(2, 0, 1).float() / 255

    @torch.inference_mode()
    def encode(self, image: Tensor) -> FrameFeatures:
        """Features of a padded image (1, 3, H', W'), which serve every object and round."""
        scales, pixels = self.network.encode_image(image)
        key, shrinkage, selection = self.network.transform_key(scales[0])
        return FrameFeatures(key, (*scales, pixels, shrinkage, selection))

    def memory(self, features: Callable[[int, Tensor], FrameFeatures], objects: Sequence[int]) -> CutieMemory:
        """An empty memory of these objects.

        Args:
            features: of a frame, given its number and its padded image.
            objects: their numbers, ascending.
        """
        return CutieMemory(self, features, objects)


class CutieMemory:
    """What annotated frames leave in memory; see `CutieVideo.memory`."""

    def __init__(
        self,
        network: CutieVideo,
        features: Callable[[int, Tensor], FrameFeatures],
        objects: Sequence[int],
    ) -> None:
        core: Any = import_module("cutie.inference.inference_core")
        self.objects = list(objects)
        self._network = network
        self._store = _Store(features)
        self._core = core.InferenceCore(network.network, network.config, image_feature_store=self._store)
        self._starts: dict[int, tuple[Mapping[int, Tensor], Tensor]] = {}

    @torch.inference_mode()
    def annotate(self, frame: int, image: Tensor, labels: Tensor) -> None:
        """Remember a frame for good; the order of frames does not matter.

        Args:
            frame: its number.
            image: (3, H, W).
            labels: (H, W) integers; other objects than those of this memory count as background.
        """
        self._store.frame = frame
        positions = -(-image.shape[1] // CutieVideo.stride) * -(-image.shape[2] // CutieVideo.stride)
        self._core.memory.top_k = min(self._network.config.top_k, positions)  # a small frame has fewer
        self._core.clear_sensory_memory()
        self._core.last_mask = None
        masks = torch.stack([labels == k for k in self.objects]).float().to(image.device)
        self._core.step(image, masks, self.objects, idx_mask=False, force_permanent=True)
        self._starts[frame] = dict(self._core.memory.sensory), self._core.last_mask

    def sweep(self, source: int) -> CutieSweep:
        """Begin a sweep from an annotated frame."""
        core = copy.copy(self._core)
        core.object_manager, core.memory = copy.deepcopy((self._core.object_manager, self._core.memory))
        sensory, core.last_mask = self._starts[source]
        core.memory.sensory = dict(sensory)
        core.curr_ti = core.last_mem_ti = 0
        return CutieSweep(core, self._store)


class CutieSweep:
    """Objects on their way through a video; see `CutieMemory.sweep`."""

    def __init__(self, core: Any, store: _Store) -> None:
        self._core = core
        self._store = store

    @torch.inference_mode()
    def step(self, frame: int, image: Tensor, *, end: bool = False) -> Tensor:
        """Probabilities (K+1, H, W) of the next frame, of the background and the objects in their order.

        Args:
            frame: its number.
            image: (3, H, W).
            end: no further frame follows.
        """
        self._store.frame = frame
        found: Tensor = self._core.step(image, end=end)
        return found


class _Store:
    """Gives Cutie features that are kept elsewhere, whatever number it has for a frame."""

    def __init__(self, features: Callable[[int, Tensor], FrameFeatures]) -> None:
        self.frame = 0
        self._features = features

    def get_features(self, index: int, image: Tensor) -> tuple[list[Tensor], Tensor]:
        *scales, pixels, _, _ = self._features(self.frame, image).parts
        return scales, pixels

    def get_key(self, index: int, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        features = self._features(self.frame, image)
        return features.key, features.parts[-2], features.parts[-1]

    def delete(self, index: int) -> None:
        """Nothing: what is kept is decided elsewhere."""
