"""Boxes on a video, and a propagator by AOT for them."""

import numpy as np
import torch

from civos_siaf.propagation.aot_propagator import AotPropagator
from civos_siaf.propagation.settings import AotSettings
from tests.propagation.toys import video

HEIGHT, WIDTH, FRAMES = 40, 60, 12

VIDEO = video(FRAMES, HEIGHT, WIDTH)


def boxes(*ids, shift=0):
    """A box per object, side by side."""
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    for place, label in enumerate(ids):
        left = (5 * place + shift) % (WIDTH - 5)
        labels[5 + place % 3 * 10 :, left : left + 5] = label
    return labels


def opened(net, num_objects=2, **options):
    return AotPropagator(
        net, VIDEO, num_objects=num_objects, settings=AotSettings(**{"mem_every": 2, **options})
    )


def annotated(net, *frames, num_objects=2, **options):
    propagator = opened(net, num_objects, **options)
    for place, frame in enumerate(frames):
        propagator.annotate(frame, boxes(*range(1, num_objects + 1), shift=7 * place))
    return propagator


class Everywhere:
    """An `AotSweeps` that finds the last object in the upper half of every frame."""

    def __init__(self, inner):
        self.inner, self.calls = inner, []

    def run(self, sweeps, references, *, num_objects):
        self.calls.append(([(s.source, list(s.frames)) for s in sweeps], sorted(references)))
        for visited in self.inner.run(sweeps, references, num_objects=num_objects):
            labels = torch.full_like(visited.labels, 1)
            labels[:20] = num_objects
            yield visited._replace(labels=labels)
