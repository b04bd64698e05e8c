"""A method whose masks tell its whole history, so that a session out of step is seen; and tiny videos."""

from __future__ import annotations

import json
import time
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from civos_siaf.prompts import Box, Click, MaskPrompt, Scribble
from civos_siaf.video.frames import Frames

HEIGHT, WIDTH = 8, 40


def make_video(folder: Path, num_frames: int = 5) -> Path:
    folder.mkdir(parents=True)
    for frame in range(num_frames):
        Image.fromarray(np.full((HEIGHT, WIDTH, 3), 10 * frame, np.uint8)).save(folder / f"{frame:03d}.png")
    return folder


class Telltale:
    """Paints a square at every prompt, and the checksum of all it was ever asked into row 0 as object 1.

    Args:
        grows: "always", "between" rounds only, or "never": when further objects can be added.
        saves: sessions have `save` and `load`.
        streams: frames arrive one by one, in a scattered order.
        sure: with it, how sure the session is of them, which follows from its history; not of every frame.
        boxes: boxes are taken.
        max_undo: rounds that can be undone.
        one_frame: only the first frame of a call is answered.
        seconds: for every frame of a propagation.
    """

    def __init__(self, **traits):
        self.traits = traits
        self.calls: list[str] = []

    def open(self, frames, *, num_objects):
        self.calls.append("open")
        base = TelltaleSession(frames, num_objects, self)
        if self.traits.get("grows", "always") != "never":
            base.add_objects = base._add_objects
        if self.traits.get("saves"):
            base.save, base.load = base._save, base._load
        return base


class TelltaleSession:
    def __init__(self, frames: Frames, num_objects: int, method: Telltale) -> None:
        self.frames, self.num_objects, self.method = frames, num_objects, method
        self.traits = method.traits
        self.streams = bool(self.traits.get("streams"))
        self._past = []  # told and number of objects before each round or step
        self._round = []  # before each interaction of this round
        self._told: tuple[str, ...] = ()

    def interact(self, prompts):
        prompts.check(num_frames=len(self.frames), height=HEIGHT, width=WIDTH, num_objects=self.num_objects)
        if not self.traits.get("boxes", True) and prompts.boxes:
            raise ValueError("this method takes no Box")
        frames = prompts.frames[:1] if self.traits.get("one_frame") else prompts.frames
        taken = [item for item in prompts if item.frame in frames]
        self.method.calls.append(f"interact {len(taken)}")
        self._round.append((self._told, self.num_objects))
        self._told += (" ".join(_told(item) for item in taken),)
        return {frame: self._labels(frame) for frame in frames}

    def propagate(self, progress=lambda done, total: None, **more):
        assert self._round, "nothing was asked in this round"
        self.method.calls.append("propagate")
        before = self._told
        self._told += ("propagate",)
        total = len(self.frames)
        video = np.zeros((total, HEIGHT, WIDTH), np.uint8)
        try:
            for done, frame in enumerate(sorted(range(total), key=lambda t: (t * 7) % 5)):
                time.sleep(self.traits.get("seconds", 0))
                video[frame] = self._labels(frame)
                if "arrived" in more:
                    more["arrived"](frame, video[frame], *self._sure(frame))
                progress(done + 1, total)
        except BaseException:
            self._told = before
            raise
        self._past = [*self._past, self._round[0]][-self.traits.get("max_undo", 3) :]
        self._round = []
        return video

    def undo(self):
        self.method.calls.append("undo")
        self._told, self.num_objects = (self._round or self._past).pop()

    def _add_objects(self, count=1):
        if self._round and self.traits.get("grows") == "between":
            raise RuntimeError("not now")
        (self._round or self._past).append((self._told, self.num_objects))
        self.num_objects += count

    def _save(self, folder):
        (folder / "told.json").write_text(json.dumps(self._told))

    def _load(self, folder):
        self.method.calls.append("load")
        self._told = tuple(json.loads((folder / "told.json").read_text()))

    def _sure(self, frame):
        if not self.traits.get("sure"):
            return ()
        return ((zlib.crc32(repr((self._told, frame)).encode()) % 1000 / 1000) if frame % 4 else None,)

    def _labels(self, frame):
        labels = np.zeros((HEIGHT, WIDTH), np.uint8)
        for call in self._told:
            for text in call.split(" "):
                if text.startswith("click"):
                    _, number, x, y, positive = text.split(":")
                    x, y = round(float(x)), round(float(y))
                    labels[max(1, y - 1) : y + 2, max(0, x - 1) : x + 2] = int(number) * (positive == "True")
        bits = zlib.crc32(repr((frame, self._told)).encode())
        labels[0, :32] = [bits >> place & 1 for place in range(32)]
        return labels


def _told(item):
    if isinstance(item, Click):
        return f"click:{item.object_id}:{item.x}:{item.y}:{item.positive}"
    if isinstance(item, Scribble):
        return f"scribble:{item.frame}:{item.object_id}:{zlib.crc32(item.points.tobytes())}"
    if isinstance(item, Box):
        return f"box:{item.frame}:{item.object_id}:{item.x0},{item.y0},{item.x1},{item.y1}"
    assert isinstance(item, MaskPrompt)
    return f"mask:{item.frame}:{item.object_id}:{item.mask.sum()}"
