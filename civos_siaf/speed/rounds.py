"""A round as it is timed: strokes are answered, and masks that stand for a real answer are propagated."""

from __future__ import annotations

from civos_siaf.frames import Frames
from civos_siaf.prompts import MaskPrompt, Prompts, Scribble
from civos_siaf.protocol import LabelVideo, Method
from civos_siaf.speed.aot import boxes


def play_round(method: Method, video: Frames, count: int) -> LabelVideo:
    """One round from the first frame with objects 1..`count`.

    An untrained network answers strokes with noise, so masks take the place of its answer. They come in a
    call of their own: strokes before a mask in the same call would not be answered at all.
    """
    labels = boxes(count, video.size).numpy()
    session = method.open(video, num_objects=count)
    session.interact(Prompts(tuple(_stroke(number) for number in range(1, count + 1))))
    session.interact(Prompts(tuple(MaskPrompt(0, k, labels == k) for k in range(1, count + 1))))
    return session.propagate()


def _stroke(number: int) -> Scribble:
    return Scribble(0, number, [(9 * number, 20), (9 * number + 5, 30)])
