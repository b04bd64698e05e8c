"""`precision: auto`: the type in which convolutions are fastest here, found by timing one block of them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import Literal

import torch
from torch import Tensor, nn

Concrete = Literal["fp32", "bf16", "fp16"]
Precision = Literal["fp32", "bf16", "fp16", "auto"]
TYPES: dict[Concrete, torch.dtype] = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
PRECISIONS = (*TYPES, "auto")
GAIN = 0.9
"""Another type than fp32 is taken where the block takes less than this part of the time."""
SECONDS = 0.25
"""About so long each type is timed."""

_log = logging.getLogger(__name__)


def concrete(precision: Precision, device: torch.device, *, training: bool = False) -> Concrete:
    """A precision with `auto` replaced by what is fastest on a device, found once and said in the log.

    CPUs without instructions for bf16 compute in it far more slowly than in fp32, so no fixed choice is right
    everywhere.

    Args:
        precision: fp32, bf16, fp16, or auto.
        device: where it is computed.
        training: forward and backward are timed.

    Raises:
        ValueError: another precision.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, got {precision!r}")
    return _found(str(device), training) if precision == "auto" else precision


def fastest(seconds: Mapping[Concrete, float]) -> Concrete:
    """What to compute in, from the seconds of each type: fp32 unless another is clearly faster.

    >>> fastest({"fp32": 1.0, "bf16": 0.95}), fastest({"fp32": 1.0, "bf16": 0.5})
    ('fp32', 'bf16')
    """
    best = min(seconds, key=lambda kind: seconds[kind])
    return best if seconds[best] < GAIN * seconds["fp32"] else "fp32"


def candidates(device: torch.device) -> tuple[Concrete, ...]:
    """The types that are worth timing on a device."""
    if device.type == "cuda":
        return (
            ("fp32", "bf16") if torch.cuda.is_bf16_supported(including_emulation=False) else ("fp32", "fp16")
        )
    return ("fp32", "bf16") if device.type == "cpu" else ("fp32",)


@cache
def _found(name: str, training: bool) -> Concrete:
    device = torch.device(name)
    seconds = {kind: block_seconds(kind, device, training=training) for kind in candidates(device)}
    chosen = fastest(seconds)
    figures = ", ".join(f"{kind} {1000 * value:.1f} ms" for kind, value in seconds.items())
    _log.warning("precision auto on %s: %s (a block of convolutions: %s)", name, chosen, figures)
    return chosen


def block_seconds(
    kind: Concrete,
    device: torch.device,
    *,
    training: bool = False,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Seconds of one block of convolutions in a type, the fastest of those that fit into a moment."""
    with torch.random.fork_rng(devices=[]):
        block = nn.Sequential(
            nn.Conv2d(64, 64, 3, padding=1), nn.ReLU(), nn.Conv2d(64, 64, 1), nn.ReLU(), nn.Conv2d(64, 64, 3)
        )
    block = block.to(device).to(memory_format=torch.channels_last)
    image = torch.zeros(1, 64, 64, 64, device=device).to(memory_format=torch.channels_last)

    def once() -> Tensor:
        with (
            torch.autocast(device.type, TYPES[kind], enabled=kind != "fp32"),
            torch.set_grad_enabled(training),
        ):
            out = block(image).float().sum()
        if training:
            out.backward()
        return torch.as_tensor(out.detach())

    once().item()  # not counted: kernels are chosen
    best, begun = float("inf"), clock()
    while best == float("inf") or clock() - begun < SECONDS:
        start = clock()
        once().item()  # waits for the device
        best = min(best, clock() - start)
    return best
