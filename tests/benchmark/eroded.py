"""A stand-in for a method: the truth where it was prompted, the truth eroded elsewhere; no network."""

import itertools
import os
import time

import cv2
import numpy as np

from civos_siaf.benchmark import DavisDataset

HELD_AT = int(os.environ.get("ERODED_HOLD_AT", "0"))
"""Number of the propagation of this process at which it waits to be killed."""

_number = itertools.count(1)


class Eroded:
    def __init__(self, root=None, split="val", year=2017, resolution="480p", shrink=3, pause=0.0):
        self.dataset = DavisDataset(root, split=split, year=year, resolution=resolution)
        self.shrink, self.pause = shrink, pause

    def open(self, frames, *, num_objects):
        name = next(
            name for name in self.dataset.sequences if np.array_equal(self.dataset.frames(name)[0], frames[0])
        )
        return ErodedSession(self.dataset.annotations(name), self.shrink, self.pause)


class ErodedSession:
    def __init__(self, truth, shrink, pause):
        self.truth, self.shrink, self.pause = truth, shrink, pause
        self.prompts = []

    def interact(self, prompts):
        self.prompts.append(prompts)
        return {t: self.truth[t] for t in prompts.frames}

    def propagate(self, progress=None):
        time.sleep(600 if next(_number) == HELD_AT else self.pause)
        kernel = np.ones((2 * self.shrink + 1,) * 2, np.uint8)
        prompted = {frame for prompts in self.prompts for frame in prompts.frames}
        masks = self.truth.copy()
        for t in set(range(len(masks))) - prompted:
            kept = [cv2.erode((masks[t] == k).view(np.uint8), kernel) for k in range(1, masks.max() + 1)]
            masks[t] = sum(k * mask for k, mask in enumerate(kept, 1))
        return masks

    def undo(self):
        self.prompts.pop()
