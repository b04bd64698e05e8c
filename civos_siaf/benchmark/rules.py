"""The rules of an evaluation: rounds, time, which frames come next."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from civos_siaf.benchmark.robot import ScribbleRobot
from civos_siaf.benchmark.stroke_noise import StrokeNoise

METRICS = ("J", "F", "J_AND_F")
DEFAULT_ROUNDS = 8
DEFAULT_SECONDS_PER_OBJECT = 240.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeLimit:
    """How long a method may take before its masks are no longer scored.

    Args:
        seconds_per_object: the limit is this times the number of objects of the sequence.
        scope: `sample`: for all rounds of a sample together (240 s in the published evaluations, which is
            8 rounds of 30 s); `round`: for each round by itself (30 s in the papers' words).
        charge: what counts: `everything` since the sample was opened, loading, metrics and robot included,
            as in the original toolkit; `method`: only the time between receiving prompts and handing in
            masks. The recorded seconds per round are the latter in both cases.
    """

    seconds_per_object: float = DEFAULT_SECONDS_PER_OBJECT
    scope: Literal["sample", "round"] = "sample"
    charge: Literal["everything", "method"] = "everything"

    def __post_init__(self) -> None:
        if self.seconds_per_object <= 0:
            raise ValueError(f"seconds_per_object must be more than 0, got {self.seconds_per_object}")
        if self.scope not in ("sample", "round"):
            raise ValueError(f"scope must be sample or round, got {self.scope!r}")
        if self.charge not in ("everything", "method"):
            raise ValueError(f"charge must be everything or method, got {self.charge!r}")

    def seconds_per_sample(self, max_rounds: int | None) -> float:
        """The limit for a whole sample of one object.

        Raises:
            ValueError: a limit per round without a number of rounds.
        """
        if self.scope == "sample":
            return self.seconds_per_object
        if max_rounds is None:
            raise ValueError("a time limit per round needs max_rounds")
        return self.seconds_per_object * max_rounds


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The protocol of one evaluation. The defaults are those of the published evaluations.

    Args:
        max_rounds: rounds per sample; None: until the time is up.
        time_limit: None: no limit.
        metric: J, F or J_AND_F: by which the robot finds the worst frame.
        frames_per_round: f, frames annotated in each round. With f > 1 (SIAF's protocol) round 1 takes f
            scribble files together, and frames annotated before are left out as long as others remain.
        min_frame_distance: least distance between the frames chosen for one round (f > 1).
        robot: draws the scribbles.
        strokes: how the strokes are changed before a method sees them, people's and the robot's; None: not.
        published_quirks: with the errors of the original toolkit where ours repairs them: candidates outside
            the video raise IndexError when no other is left.

    Raises:
        ValueError: a value out of range, or neither rounds nor time limited.
    """

    max_rounds: int | None = DEFAULT_ROUNDS
    time_limit: TimeLimit | None = field(default_factory=TimeLimit)
    metric: str = "J_AND_F"
    frames_per_round: int = 1
    min_frame_distance: int = 0
    robot: ScribbleRobot = field(default_factory=ScribbleRobot)
    strokes: StrokeNoise | None = None
    published_quirks: bool = False

    def __post_init__(self) -> None:
        if self.max_rounds is None and self.time_limit is None:
            raise ValueError("limit the rounds (max_rounds) or the time (time_limit), or both")
        if self.max_rounds is not None and self.max_rounds < 1:
            raise ValueError(f"max_rounds must be 1 or more, got {self.max_rounds}")
        if self.metric not in METRICS:
            raise ValueError(f"metric must be one of {', '.join(METRICS)}, got {self.metric!r}")
        if self.frames_per_round < 1:
            raise ValueError(f"frames_per_round must be 1 or more, got {self.frames_per_round}")
        if self.min_frame_distance < 0:
            raise ValueError(f"min_frame_distance must be 0 or more, got {self.min_frame_distance}")
        if self.time_limit is not None:
            self.time_limit.seconds_per_sample(self.max_rounds)
