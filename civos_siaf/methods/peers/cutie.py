"""Cutie as a method: masks from clicks, strokes or a brush, spread by its memory."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np

from civos_siaf.interaction.frame_interaction import FrameInteraction
from civos_siaf.methods.peers.cutie_propagator import CutiePropagator, CutieState
from civos_siaf.methods.session import RoundRules, RoundSession, Taken
from civos_siaf.networks.cutie_video import CutieVideo
from civos_siaf.propagation.settings import SpeedSettings
from civos_siaf.runtime.files import atomic_path, write_text
from civos_siaf.video.frames import Frames

FORMAT = 1
STATE, LABELS = "state.json", "labels.npz"


class Cutie:
    """Interaction on a frame by one of our networks, propagation by Cutie; every round is propagated.

    Args:
        interaction: makes masks of prompts, such as `ClickInteraction` or `ScribbleInteraction`.
        network: propagates.
        settings: of its speed, and of what is kept of frames.
        taken: of the frames in one call of `interact` the first, the last, or all.
        remember_prompts: prompts of earlier rounds on the same frame count again.
        max_undo: how many rounds can be undone.
    """

    def __init__(
        self,
        interaction: FrameInteraction,
        network: CutieVideo,
        *,
        settings: SpeedSettings | None = None,
        taken: Taken = "all",
        remember_prompts: bool = True,
        max_undo: int = 3,
    ) -> None:
        self.interaction = interaction
        self.network = network
        self.settings = settings or SpeedSettings()
        self.rules = RoundRules(taken=taken, remember_prompts=remember_prompts, max_undo=max_undo)

    def open(self, frames: Frames, *, num_objects: int) -> CutieSession:
        """Start on a video with objects 1..num_objects."""
        propagator = CutiePropagator(self.network, frames, num_objects=num_objects, settings=self.settings)
        return CutieSession(frames, self.interaction, propagator, self.rules)


class CutieSession(RoundSession):
    """A video segmented by Cutie; see `civos_siaf.protocol.Session`."""

    def save(self, folder: Path | str) -> None:
        """Write what the rounds before have left; to be called between rounds.

        Prompts of earlier rounds are not written, so they do not count again after `load`.
        """
        folder = Path(folder)
        state: CutieState = self.propagator.snapshot()
        packed = {
            str(t): np.frombuffer(own, np.uint8) for t, own in enumerate(state.labels) if own is not None
        }
        with atomic_path(folder / LABELS) as path, path.open("wb") as file:
            np.savez(file, **packed)  # type: ignore[arg-type]
        record = {
            "format": FORMAT,
            "num_frames": len(state.labels),
            "size": list(self.frames.size),
            "num_objects": state.num_objects,
            "annotated": {str(t): sorted(seen) for t, seen in state.annotated.items()},
        }
        write_text(folder / STATE, json.dumps(record))

    def load(self, folder: Path | str) -> None:
        """Go on from what another session of this video has saved.

        Raises:
            FileNotFoundError: nothing was saved there.
            ValueError: it is of another video or format, or damaged.
        """
        path = Path(folder) / STATE
        if not path.is_file():
            raise FileNotFoundError(f"no saved session at {path}")
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            expected = [FORMAT, len(self.frames), list(self.frames.size)]
            found = [record[key] for key in ("format", "num_frames", "size")]
            if found != expected:
                raise ValueError(f"format, frames and size (H, W) are {found}, expected {expected}")
            with np.load(Path(folder) / LABELS, allow_pickle=False) as file:
                labels = tuple(
                    file[str(t)].tobytes() if str(t) in file else None for t in range(len(self.frames))
                )
            annotated = {int(t): frozenset(map(int, seen)) for t, seen in record["annotated"].items()}
            state = CutieState(labels, int(record["num_objects"]), annotated)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile) as error:
            raise ValueError(f"{folder}: not a session saved of this video ({error})") from error
        self.resume(state)
