"""Jumps over many kinds of video files compared with decoding from the start: python -m tests.video.jumps"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import av
import numpy as np

from civos_siaf.video.frames import Frames
from civos_siaf.video.source import DamagedFrameError
from tests.video.clips import decoded_from_start, make, many


def wrong_jumps(path: Path, *, count: int, seed: int) -> tuple[int, list[int]]:
    """How many frames a file has, and those that a jump showed otherwise than decoding from the start.

    Args:
        path: of the file.
        count: jumps; every frame is read backwards once, too.
        seed: of the order.
    """
    truth = decoded_from_start(path)
    frames = Frames.open(path, cache_bytes=1)
    shown = [index for index in range(len(frames)) if index not in _lost(frames)]
    if len(shown) != len(truth):
        raise AssertionError(f"{len(truth)} frames decode, {len(shown)} of {len(frames)} are shown")
    places = dict(zip(shown, range(len(truth)), strict=True))
    rng = np.random.default_rng(seed)
    order = [*rng.choice(shown, count).tolist(), *reversed(shown)]
    return len(frames), [k for k in order if not np.array_equal(frames[k], truth[places[k]])]


def _lost(frames: Frames) -> set[int]:
    """Frames that cannot be shown."""
    lost = set()
    for index in frames.faults:
        try:
            _ = frames[index]
        except DamagedFrameError:
            lost.add(index)
    return lost


def main() -> int:
    """Try all kinds and print a line for each; 1 where one is wrong."""
    failed = files = jumps = 0
    for kind in many():
        with tempfile.TemporaryDirectory() as folder:
            try:
                path = make(Path(folder), kind)
            except (av.FFmpegError, ValueError) as error:
                print(f"not made  {kind.title}: {error}")
                continue
            start = time.perf_counter()
            files += 1
            try:
                length, wrong = wrong_jumps(path, count=60, seed=files)
                jumps += 60 + length
            except Exception as error:
                length, wrong = 0, [str(error)]
            failed += bool(wrong)
            seconds = time.perf_counter() - start
            verdict = f"WRONG {wrong[:5]}" if wrong else "right"
            print(f"{kind.title}: {length} frames, {seconds:.1f} s, {verdict}", flush=True)
    print(f"{files} files, {jumps} reads, {failed} files wrong")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
