"""SIAF on synthetic videos beside the paper's figures: by objects, by part, by input size, by frames.

Fig. 6: a whole round from one prompted frame, seconds per frame of the video; the paper gives one number
without a clear unit. Table IV: parts at 480p. AFI is the interaction without across-frame attention, AFA the
latter; the memory network makes the memory of an annotated frame, the decoder propagates to one frame. Tables
V and VI: AFI and AFA by input size and by prompted frames. Seconds are the least of the repeats. MiB: most
memory of tensors during the call, without weights and inputs; that of AFI is of the whole network. The
paper's MB are of the whole process, on an RTX 3090 Ti. Options: networks (light, r50, swinb), devices
(default: cpu, and cuda if there is one), objects, sizes, frames, length (of the video), height, width,
threads, repeats, folder (for siaf.md and siaf.png), keep (freed memory).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TypeAlias

import torch
from torch import Tensor, nn

from civos_siaf.methods.siaf import SIAF
from civos_siaf.networks.afi.network import Afi
from civos_siaf.networks.identity_network import IdentityNetwork
from civos_siaf.networks.light_interaction import LightInteraction
from civos_siaf.prompts import Click, MaskPrompt, Prompts, Scribble
from civos_siaf.propagation.aot_engine import AotEngine
from civos_siaf.propagation.images import network_size
from civos_siaf.protocol import LabelVideo, Method
from civos_siaf.runtime.files import write_text
from civos_siaf.speed.aot import boxes
from civos_siaf.speed.propagation import made_video
from civos_siaf.speed.siaf_report import PAPER, Row, markdown, plot
from civos_siaf.speed.timing import now, peak_mebibytes, set_up, untrained_on_purpose
from civos_siaf.video.frames import Frames
from civos_siaf.weights.afi_networks import load_afi_network
from civos_siaf.weights.aot_networks import load_aot_network


def play_round(method: Method, video: Frames, count: int) -> LabelVideo:
    """One round from the first frame with objects 1..`count`.

    An untrained network answers strokes with noise, so masks take the place of its answer. They come in a
    call of their own: strokes before a mask in the same call would not be answered at all. A method that
    takes no strokes gets a click on each object.
    """
    labels = boxes(count, video.size).numpy()
    session = method.open(video, num_objects=count)
    mark = _stroke if Scribble in getattr(session, "accepts", (Scribble,)) else _click
    session.interact(Prompts(tuple(mark(number, video.size) for number in range(1, count + 1))))
    session.interact(Prompts(tuple(MaskPrompt(0, k, labels == k) for k in range(1, count + 1))))
    return session.propagate()


def _stroke(number: int, size: tuple[int, int]) -> Scribble:
    """Within a frame of this height and width, however small."""
    height, width = size
    points = ((9 * number, 20), (9 * number + 5, 30))
    return Scribble(0, number, [(min(x, width - 1), min(y, height - 1)) for x, y in points])


def _click(number: int, size: tuple[int, int]) -> Click:
    x, y = _stroke(number, size).points[0]
    return Click(0, number, x=float(x), y=float(y))


NETWORKS = {
    "light": ("light-interaction", "light-identity"),
    "r50": ("afi-r50", "r50_aotl"),
    "swinb": ("afi-swinb", "swinb_aotl"),
}
"""Interaction and propagation."""
Interaction: TypeAlias = Afi | LightInteraction
Cost = tuple[float, float]
"""Seconds and MiB."""


def run(
    *,
    networks: Sequence[str] = ("light",),
    devices: Sequence[str] | None = None,
    objects: Sequence[int] = tuple(range(1, 14)),
    sizes: Sequence[int] = (360, 480, 600, 720),
    frames: Sequence[int] = (1, 2, 3, 4, 5),
    length: int = 6,
    height: int = 480,
    width: int = 854,
    threads: int = 2,
    repeats: int = 2,
    folder: str | None = None,
    keep: bool = True,
) -> Iterator[Row]:
    """One row per measurement."""
    set_up(threads=threads, keep=keep)
    rows: list[Row] = []
    for device in devices or ("cpu", *(["cuda"] if torch.cuda.is_available() else [])):
        for name in networks:
            with untrained_on_purpose():
                afi = load_afi_network(NETWORKS[name][0], device=device)
                aot = load_aot_network(NETWORKS[name][1], device=device)
            every = (
                _by_objects(afi, aot, made_video(length, height, width), objects, repeats),
                _parts(afi, aot, (height, width), repeats),
                _by_size(afi, sizes, width / height, repeats),
                _by_frames(afi, (height, width), frames, repeats),
            )
            for table, label, seconds, mebibytes in (item for part in every for item in part):
                paper_ms, paper_mb = PAPER.get((table, label), ("-", "-")) if name == "r50" else ("-", "-")
                rows.append(
                    {
                        "network, table and case": f"{name} {device}, {table}, {label}",
                        "seconds": seconds,
                        "MiB": mebibytes,
                        "paper ms": paper_ms,
                        "paper MB": paper_mb,
                    }
                )
                yield rows[-1]
    if folder is not None:
        write_text(Path(folder) / "siaf.md", markdown(rows, threads=threads))
        plot(rows, Path(folder) / "siaf.png")


Measured = Iterator[tuple[str, str, float, float]]
"""Table, case, seconds, MiB."""


def _by_objects(
    afi: Interaction, aot: IdentityNetwork, video: Frames, objects: Sequence[int], repeats: int
) -> Measured:
    method = SIAF(afi, aot)
    for count in objects:
        play = partial(play_round, method, video, count)
        seconds, mebibytes = _cost(play, method.interaction.device, repeats)
        yield "Fig. 6", f"objects {count}", seconds / len(video), mebibytes


def _parts(afi: Interaction, aot: IdentityNetwork, size: tuple[int, int], repeats: int) -> Measured:
    own, across = _interaction(afi, size, 1, repeats)
    yield "Table IV", "AFI without AFA", *own
    yield "Table IV", "AFA", *across
    shape = network_size(*size, align_corners=aot.align_corners)
    device = next(aot.parameters()).device
    image = torch.randn(1, 3, *shape, generator=torch.Generator().manual_seed(0)).to(device)
    labels = boxes(3, shape).to(device)[None]

    @torch.inference_mode()
    def remember() -> object:
        return aot.reference(aot.encode_frame(image), aot.identify(labels))[1]

    engine = AotEngine(aot, mem_every=5)
    with torch.inference_mode():
        memory = aot.reference(aot.encode_frame(image), aot.identify(labels))[1]

    @torch.inference_mode()
    def follow() -> object:
        engine.begin([memory], memory)
        return aot.resize(engine.propagate(aot.encode_frame(image)), size)

    yield "Table IV", "memory network", *_cost(remember, device, repeats)
    yield "Table IV", "batch decoder", *_cost(follow, device, repeats)


def _by_size(afi: Interaction, sizes: Sequence[int], ratio: float, repeats: int) -> Measured:
    for lines in sizes:
        own, across = _interaction(afi, (lines, round(lines * ratio)), 1, repeats)
        yield "Table V", f"AFI {lines}p", *own
        yield "Table V", f"AFA {lines}p", *across


def _by_frames(afi: Interaction, size: tuple[int, int], frames: Sequence[int], repeats: int) -> Measured:
    for count in frames:
        own, across = _interaction(afi, size, count, repeats)
        yield "Table VI", f"AFI frames {count}", *own
        yield "Table VI", f"AFA frames {count}", *across


def _interaction(afi: Interaction, size: tuple[int, int], frames: int, repeats: int) -> tuple[Cost, Cost]:
    """The network without its attention across frames, and the latter."""
    device = next(afi.parameters()).device
    padded = tuple(side + -side % afi.stride for side in size)
    g = torch.Generator().manual_seed(0)
    images = torch.randn(1, frames, 3, *padded, generator=g).to(device)
    marks = (torch.rand(1, frames, 11, *padded, generator=g) > 0.999).float().to(device)
    if isinstance(afi, LightInteraction):
        return _light_interaction(afi, images, marks, repeats)
    with _Inputs(afi.across) as seen:
        whole = _cost(lambda: _quarter(afi, images, marks), device, repeats)
        inputs = seen.last
    across = _cost(lambda: _call(afi.across, inputs), device, repeats)
    return (max(whole[0] - across[0], 0.0), whole[1]), across


def _light_interaction(
    net: LightInteraction, images: Tensor, marks: Tensor, repeats: int
) -> tuple[Cost, Cost]:
    """The network frame by frame, and what all frames together cost beyond that."""
    whole = _cost(lambda: _quarter(net, images, marks), images.device, repeats)
    net.across = False
    own = _cost(lambda: _quarter(net, images, marks), images.device, repeats)
    net.across = True
    return own, (max(whole[0] - own[0], 0.0), max(whole[1] - own[1], 0.0))


@torch.inference_mode()
def _quarter(afi: Interaction, images: Tensor, marks: Tensor) -> Tensor:
    return afi.quarter(images, marks, torch.zeros_like(marks))


@torch.inference_mode()
def _call(module: nn.Module, inputs: tuple[object, ...]) -> object:
    return module(*inputs)


class _Inputs:
    """Notes what a module is given."""

    def __init__(self, module: nn.Module) -> None:
        self._module = module
        self.last: tuple[object, ...] = ()

    def __enter__(self) -> _Inputs:
        def note(module: nn.Module, inputs: tuple[object, ...]) -> None:
            self.last = inputs

        self._hook = self._module.register_forward_pre_hook(note)
        return self

    def __exit__(self, *_: object) -> None:
        self._hook.remove()


def _cost(function: Callable[[], object], device: torch.device, repeats: int) -> Cost:
    mebibytes = peak_mebibytes(function, device)  # also the call that is not timed
    times = []
    for _ in range(repeats):
        start = now(device)
        function()
        times.append(now(device) - start)
    return min(times), mebibytes
