"""How a tracker of the SAM 2 family is played."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from civos_siaf.propagation.settings import SpeedSettings

Sweeps = Literal["nearest", "earliest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SamSettings(SpeedSettings):
    """Settings of a `Sam`; further ones in `SpeedSettings`.

    Args:
        sweeps: "nearest": each frame is tracked from the nearest prompted one; "earliest": all from the first
            prompted one, forwards and then backwards, as the predictors of the models' authors do it.
        max_memory_frames: most tracked frames behind the present one that stay in memory, per object. None:
            as many as the model reads at all (15), which leaves nothing out; a session of transformers keeps
            every frame of the video.
        mask_bytes: most bytes of mask logits in memory; the rest is in a temporary file.
        folder: for that file; None: the system's, which the variable TMPDIR names.

    Raises:
        ValueError: a value outside its range.
    """

    sweeps: Sweeps = "nearest"
    max_memory_frames: int | None = None
    mask_bytes: int = 2**30
    folder: Path | str | None = None

    def __post_init__(self) -> None:
        SpeedSettings.__post_init__(self)
        if self.sweeps not in ("nearest", "earliest"):
            raise ValueError(f"sweeps must be nearest or earliest, got {self.sweeps!r}")
        if self.max_memory_frames is not None and self.max_memory_frames < 1:
            raise ValueError(f"max_memory_frames must be 1 or more, got {self.max_memory_frames}")
