"""A short clip to try commands with, drawn on first use: what `video=sample` stands for."""

from __future__ import annotations

from pathlib import Path

from civos_siaf.data.shapes.clips import ShapesClips
from civos_siaf.video.writer import write_video

NAME = "sample"
FOLDER = Path("outputs") / "data"
SIZE = (240, 424)
FRAMES = 40


def sample_video(folder: Path | str = FOLDER) -> Path:
    """The clip: two moving shapes, 424x240 pixels, 40 frames; one lies at (290, 153) on frame 0.

    Args:
        folder: where it is kept.
    """
    path = Path(folder) / f"{NAME}.mp4"
    if not path.is_file():
        clip = ShapesClips(size=SIZE, objects=(2, 2), video_frames=FRAMES, held_out=True).render(0)
        write_video(path, clip.images)
    return path


def video_or_sample(video: Path | str) -> Path:
    """A path, or the sample where it says `sample` and no such file or folder exists."""
    path = Path(video)
    return sample_video() if str(video) == NAME and not path.exists() else path
