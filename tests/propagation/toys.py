"""A propagation network small enough to be checked by eye, with the interface of the real ones."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from civos_siaf.networks.propagation_network import FrameFeatures, Memory, PropagationNetwork
from civos_siaf.video.frames import Frames


class ToyPropagation(PropagationNetwork):
    """Colour is the key, mask and others are the value; the answer is the mask that was read."""

    def __init__(self, *, shared_keys=False):
        super().__init__()
        self.shared_keys = self.memory_needs_frame = shared_keys
        self.register_parameter("scale", nn.Parameter(torch.tensor(3.0)))
        self.frames_encoded = 0

    def encode_frame(self, image):
        self.frames_encoded += 1
        return FrameFeatures(
            self.scale.detach() * F.avg_pool2d(image, 16), (image.mean(dim=1, keepdim=True),)
        )

    def encode_objects(self, images, masks, rest, frames=None):
        assert (frames is not None) == self.memory_needs_frame
        key = self.scale.detach() * F.avg_pool2d(images, 16)
        if not self.shared_keys:
            key = key + F.avg_pool2d(masks, 16)
        value = torch.cat([masks, rest], dim=1)
        return Memory(key, F.avg_pool2d(value, 16))

    def decode_low(self, readout, frame):
        low = 6 * (readout[:, :1] - 0.5 * readout[:, 1:] - 0.4)
        low = F.interpolate(low, scale_factor=4, mode="bilinear", align_corners=False)
        return low + 0.1 * F.avg_pool2d(frame.parts[0], 4)


class ToyFusion:
    """Weighs old and new masks by their distances and adds what attention says."""

    def __call__(self, image, previous, current, *, attention, n_c, n_r):
        mixed = n_r * previous + n_c * current + 0.2 * (attention[:, :1] - attention[:, 1:])
        return 8 * (mixed - 0.5) + 0.1 * image.mean(dim=1, keepdim=True)


def video(num_frames=12, height=40, width=70, seed=0):
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (num_frames, height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
    return Frames.open(np.repeat(np.repeat(small, 8, 1), 8, 2)[:, :height, :width].copy())


def masks(num_objects, height=40, width=70, seed=0):
    """One-hot (K+1, H, W): boxes that may cover each other."""
    rng = np.random.default_rng(seed)
    labels = torch.zeros(height, width, dtype=torch.long)
    for k in range(1, num_objects + 1):
        y, x = rng.integers(0, height - 16), rng.integers(0, width - 24)
        labels[y : y + 16, x : x + 24] = k
    return torch.stack([labels == k for k in range(num_objects + 1)]).float()
