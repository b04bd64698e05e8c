"""Contact sheets: the masks of a sample over frames and rounds, with the prompts drawn in."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from civos_siaf.benchmark.evaluation import PlayedRound
from civos_siaf.prompts import Prompts
from civos_siaf.runtime.files import atomic_path
from civos_siaf.video.frames import Frames, Rgb
from civos_siaf.video.overlay import contrasting_colours, draw_prompts, overlay

CELL_WIDTH = 320
BAR = 22
OPACITY = 0.4
WHITE = (255, 255, 255)


class ContactSheets:
    """Collects the rounds of a sample and writes one JPEG when it is over: a row per round.

    An object's tint differs from the colours that it and the picture have, and is the same in all rounds.

    Args:
        folder: where the sheets go, as `<sequence>_<scribbles>.jpg`.
        columns: frames per row, spread over the video; the annotated ones take the places nearest to them.
    """

    def __init__(self, folder: Path | str, *, columns: int = 6) -> None:
        if columns < 1:
            raise ValueError(f"columns must be 1 or more, got {columns}")
        self._folder = Path(folder)
        self._columns = columns
        self._rows: list[Rgb] = []
        self._colours: NDArray[np.uint8] | None = None

    def add(self, played: PlayedRound) -> Path | None:
        """Take a round; the sheet's path when this completes it."""
        if played.round == 1:
            self._rows = []
            self._colours = sheet_colours(played)
        self._rows.append(self._row(played))
        if not played.over:
            return None
        path = self._folder / f"{played.sample.sequence}_{played.sample.label}.jpg"
        with atomic_path(path) as temporary:
            Image.fromarray(np.concatenate(self._rows)).save(temporary, quality=90)
        return path

    def _row(self, played: PlayedRound) -> Rgb:
        score = "too late" if played.scores is None else f"J&F {played.scores.j_and_f.mean():.3f}"
        cells: list[Rgb] = []
        for frame in frames_to_show(len(played.frames), self._columns, played.prompts.frames):
            title = f"round {played.round}  {score}" if not cells else ""
            mark = "  prompted" if frame in played.prompts.frames else ""
            picture = cell(played.frames, frame, played.masks[frame], played.prompts.on(frame), self._colours)
            cells.append(_titled(picture, f"{title}  frame {frame}{mark}".strip()))
        return np.concatenate(cells, axis=1)


def frames_to_show(num_frames: int, columns: int, wanted: tuple[int, ...]) -> list[int]:
    """Frames spread over a video, with the wanted ones in the places nearest to them.

    >>> frames_to_show(100, 5, (30,))
    [0, 30, 50, 74, 99]
    """
    shown = np.unique(np.linspace(0, num_frames - 1, min(columns, num_frames)).round().astype(int)).tolist()
    free = list(range(len(shown)))
    for frame in wanted[: len(shown)]:
        place = min(free, key=lambda index: abs(shown[index] - frame))
        shown[place] = frame
        free.remove(place)
    return sorted(set(shown))


def sheet_colours(played: PlayedRound) -> NDArray[np.uint8]:
    """The colours (256, 3) of a sample, by the first prompted frame of its first round."""
    frame = min(played.prompts.frames, default=0)
    return contrasting_colours(played.frames[frame], np.asarray(played.masks[frame], np.uint8))


def cell(
    frames: Frames,
    frame: int,
    labels: NDArray[np.uint8],
    prompts: Prompts,
    colours: NDArray[np.uint8] | None = None,
) -> Rgb:
    """One frame with its masks tinted and outlined and the prompts on top, `CELL_WIDTH` wide.

    `colours` are (256, 3) uint8, RGB by label; None: those of DAVIS.
    """
    scale = CELL_WIDTH / frames.width
    size = (CELL_WIDTH, max(1, round(frames.height * scale)))
    image = cv2.resize(frames[frame], size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    small = cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST)
    mixed = overlay(
        np.asarray(image, np.uint8), np.asarray(small, np.uint8), opacity=OPACITY, colours=colours, rim=True
    )
    draw_prompts(mixed, prompts, scale=scale, colours=colours)
    return mixed


def _titled(picture: Rgb, title: str) -> Rgb:
    bar = np.zeros((BAR, picture.shape[1], 3), np.uint8)
    cv2.putText(bar, title, (4, BAR - 7), cv2.FONT_HERSHEY_SIMPLEX, 0.42, WHITE, 1, cv2.LINE_AA)
    return np.concatenate([bar, picture])
