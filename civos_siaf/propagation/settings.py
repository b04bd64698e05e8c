"""How masks are propagated; the published values are the defaults."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from civos_siaf.runtime.precision import PRECISIONS, TYPES, Concrete, Precision, concrete

GPU_SWEEPS = 4
"""Sweeps at once where it is left to the device; not measured."""
DTYPES: dict[str, torch.dtype] = {str(kind): dtype for kind, dtype in TYPES.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedSettings:
    """How a network runs and what is kept of frames; for every propagation.

    Args:
        feature_bytes: most bytes of frame features that are kept between frames and rounds.
        feature_precision: the type in which they are kept.
        precision: "fp32", or autocast to "bf16" or "fp16"; "auto": what is fastest on the device.

    Raises:
        ValueError: a value outside its range.
    """

    feature_bytes: int = 5 * 2**30
    feature_precision: Concrete = "fp32"
    precision: Precision = "fp32"

    def __post_init__(self) -> None:
        for name, kind, known in (
            ("precision", self.precision, PRECISIONS),
            ("feature_precision", self.feature_precision, tuple(DTYPES)),
        ):
            if kind not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}, got {kind!r}")

    @property
    def feature_dtype(self) -> torch.dtype | None:
        """The type to which kept features are converted, or None."""
        return None if self.feature_precision == "fp32" else DTYPES[self.feature_precision]

    def autocast(self, device: torch.device) -> torch.autocast:
        """A context that computes in `precision`."""
        kind = concrete(self.precision, device)
        if kind == "fp32":
            return torch.autocast(device.type, enabled=False)
        return torch.autocast(device.type, dtype=DTYPES[kind])


@dataclass(frozen=True, slots=True, kw_only=True)
class PropagationSettings(SpeedSettings):
    """Settings of a `Propagator`; further ones in `SpeedSettings`.

    Args:
        mem_every: frames of a sweep at least so far from the one kept before stay in memory.
        top_k: memory positions that are read for each position of a frame; None: all.
        max_memory_frames: most frames of a sweep in memory, beyond which every second one is dropped. The
            published code has no limit; videos of up to 125 frames do not reach this one at the default
            `mem_every`.
        mask_bytes: most bytes of probabilities in memory; the rest is in a temporary file.
        folder: for that file; None: the system's, which the variable TMPDIR names.
        earlier_annotated: a sweep reads the annotated frames of all rounds (published code); otherwise only
            the one that it starts from, beside frames that it has visited (the paper's section 3.2).
        keep_outdated: when a frame is annotated again, its older memory stays beside the new (published).
        empty_rim: on the padded rim of an annotated frame there is nothing, not even background (published).
        repropagate: every annotation propagates all frames that are not annotated again, each from the
            nearest annotated one with all of them in memory, and nothing is fused. Published: only up to the
            next annotated frames, where new and old masks are fused.
        max_distractors: parts that a correction took away from an object are propagated as so many things of
            their own, so that the object does not take them again; they are background in the end. 0: none
            (published).

    Raises:
        ValueError: a value outside its range.
    """

    mem_every: int = 5
    top_k: int | None = 50
    max_memory_frames: int | None = 24
    mask_bytes: int = 2**30
    folder: Path | str | None = None
    earlier_annotated: bool = True
    keep_outdated: bool = True
    empty_rim: bool = True
    repropagate: bool = False
    max_distractors: int = 0

    def __post_init__(self) -> None:
        if self.max_distractors < 0:
            raise ValueError(f"max_distractors must be 0 or more, got {self.max_distractors}")
        for name, value in (
            ("mem_every", self.mem_every),
            ("top_k", self.top_k),
            ("max_memory_frames", self.max_memory_frames),
        ):
            if value is not None and value < 1:
                raise ValueError(f"{name} must be 1 or more, got {value}")
        SpeedSettings.__post_init__(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class AotSettings(SpeedSettings):
    """Settings of an `AotPropagator`; further ones in `SpeedSettings`.

    Args:
        mem_every: every so many frames of a sweep one stays in memory until its end.
        repropagate: every round, all frames without annotation are propagated again from all annotated ones;
            otherwise only those nearest to the frames of this round, from these (ablation, Table II).
        max_memory_frames: most frames in memory during a sweep; beyond it the oldest that was visited goes.
            Annotated ones count and all stay: this bounds what a sweep adds, not how many annotated frames it
            reads. None: no limit.
        max_references: most annotated frames that a sweep reads: its source and the nearest ones. Without it
            the time and memory of a visited frame grow with the annotated ones. Between rounds a memory of
            each of them is kept in any case. None: all are read.
        max_short: shorter side of the frames as the network sees them at most; None: no limit.
        max_long: longer side.
        sweeps_at_once: how many sweeps go through the network as a batch; "auto": 4 on a GPU, otherwise 1.

    Raises:
        ValueError: a value outside its range.
    """

    mem_every: int = 5
    repropagate: bool = True
    max_memory_frames: int | None = None
    max_references: int | None = None
    max_short: float | None = None
    max_long: float = 1040
    sweeps_at_once: int | Literal["auto"] = 1

    def __post_init__(self) -> None:
        SpeedSettings.__post_init__(self)
        for name in (
            "mem_every",
            "max_memory_frames",
            "max_references",
            "max_short",
            "max_long",
            "sweeps_at_once",
        ):
            value = getattr(self, name)
            automatic = name == "sweeps_at_once" and value == "auto"
            if value is not None and not automatic and value < 1:
                raise ValueError(f"{name} must be 1 or more, got {value}")

    def sweeps_on(self, device: torch.device) -> int:
        """How many sweeps go through the network at once on a device."""
        if self.sweeps_at_once == "auto":
            return GPU_SWEEPS if device.type == "cuda" else 1
        return self.sweeps_at_once
