"""From a mask of the first frame to all others, as the evaluation of STM does it.

Source: docs/specification/stm.md sections 1, 6 and 7.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from civos_siaf.networks.aggregate import aggregate_logits
from civos_siaf.networks.baselines.stm import SpaceTimeMemory
from civos_siaf.networks.memory_read import read_memory
from civos_siaf.networks.padding import Padding
from civos_siaf.networks.propagation_network import Memory
from civos_siaf.video.frames import Frames

MOST_OBJECTS = 10
"""The network's softmax goes over so many objects and the background, however many there are."""


def every(step: int, num_frames: int) -> frozenset[int]:
    """Frames 0, step, 2 * step, ... of a video, which stay in memory.

    >>> sorted(every(5, 8))
    [0, 5]
    """
    return frozenset(range(0, num_frames, step))


def spread(number: int, num_frames: int) -> frozenset[int]:
    """The first frame and so many others, evenly over a video; halves are rounded to even.

    >>> sorted(spread(2, 8))
    [0, 3, 5]
    """
    return frozenset(round(float(t)) for t in np.linspace(0, num_frames, number + 2)[:-1])


def eleven_logits(prob: Tensor) -> Tensor:
    """Logits (11, ...) of background and objects (K, ...); those of objects that there are not are -16.1.

    Raises:
        ValueError: more than 10 objects.
    """
    if len(prob) > MOST_OBJECTS:
        raise ValueError(f"STM takes at most {MOST_OBJECTS} objects, got {len(prob)}")
    unused = prob.new_zeros(MOST_OBJECTS - len(prob), *prob.shape[1:])
    return aggregate_logits(torch.cat([prob, unused]))


@torch.inference_mode()
def propagate_first_mask(
    network: SpaceTimeMemory,
    frames: Frames,
    first_mask: NDArray[np.uint8],
    *,
    kept: Collection[int],
    observer: Callable[[int, int], None] | None = None,
) -> Tensor:
    """Probabilities (11, T, H, W) of background and objects; their argmax are the labels.

    Args:
        network: in eval mode.
        frames: the video.
        first_mask: labels (H, W) of frame 0; 255 belongs to no object.
        kept: frames that stay in memory, see `every` and `spread`; the one before is always read.
        observer: called with each frame's number and how many frames it reads from memory.

    Raises:
        ValueError: no object or more than 10 in the mask.
    """
    objects = first_mask[first_mask != 255]
    num_objects = int(objects.max()) if objects.size else 0
    if not 1 <= num_objects <= MOST_OBJECTS:
        raise ValueError(f"the first mask must have objects 1 to at most {MOST_OBJECTS}, got {num_objects}")
    padding = Padding.to_multiple(frames.height, frames.width, network.stride)
    place = next(network.parameters()).device
    prob = torch.zeros(MOST_OBJECTS + 1, len(frames), frames.height, frames.width)
    for label in range(num_objects + 1):
        prob[label, 0] = torch.from_numpy(first_mask == label).float()

    def padded(t: int) -> Tensor:
        # Black, not the mean colour: padded before it is normalised.
        pixels = torch.tensor(frames[t]).to(place).permute(2, 0, 1)[None].float() / 255
        return network.Encoder_Q.normalize(padding.pad(pixels))

    lasting: list[Memory] = []
    for t in range(1, len(frames)):
        masks = padding.pad(prob[1 : num_objects + 1, t - 1, None].to(place))
        read = [*lasting, network.encode_memory(padded(t - 1), masks)]
        if observer is not None:
            observer(t, len(read))
        logits = padding.crop(eleven_logits(segment(network, padded(t), read)))
        prob[:, t] = logits.softmax(dim=0).cpu()
        if t - 1 in kept:
            lasting = read
    return prob


def segment(network: SpaceTimeMemory, image: Tensor, memories: list[Memory]) -> Tensor:
    """Probabilities (K, H, W) of the objects on a normalised image (1, 3, H, W)."""
    frame = network.encode_frame(image)
    keys = torch.cat([memory.key.flatten(2).transpose(1, 2) for memory in memories], dim=1)
    values = torch.cat([memory.value.flatten(2).transpose(1, 2) for memory in memories], dim=1)
    readout = read_memory(keys, values, frame.key[0].flatten(1), top_k=None)
    grid = readout.reshape(*readout.shape[:2], *frame.key.shape[2:])
    return F.sigmoid(network.decode(grid, frame))[:, 0]
