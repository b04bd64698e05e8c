"""Everything that the papers time, on one GPU, as one page to send us: python scripts/speed.py gpu

Fig. 6 and Tables IV to VI of SIAF beside the paper's figures; frames per second and memory of every method
for 1 to 13 objects; the latency of clicks; training steps per second. Networks are untrained, as seconds do
not depend on weights. Options: device (cuda), out (the page), objects, methods, networks, size (height and
width), length (of the video), lines and frames (of Tables V and VI), crop (of the training), repeats,
threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from civos_siaf.benchmark.environment import environment
from civos_siaf.interaction.multi_object_predictor import MultiObjectClickPredictor
from civos_siaf.interaction.scribble_interaction import ScribbleInteraction
from civos_siaf.methods import SIAF, AotRounds, CiVOS, MiVOS
from civos_siaf.networks.click_network import ClickNetwork
from civos_siaf.prompts import Click
from civos_siaf.protocol import Method
from civos_siaf.runtime.device import torch_device
from civos_siaf.runtime.files import write_text
from civos_siaf.speed import siaf
from civos_siaf.speed.propagation import made_video
from civos_siaf.speed.siaf import NETWORKS, play_round
from civos_siaf.speed.siaf_report import NAME
from civos_siaf.speed.timing import now, peak_mebibytes, set_up, untrained_on_purpose
from civos_siaf.weights.afi_networks import build, load_afi_network
from civos_siaf.weights.aot_networks import load_aot_network
from civos_siaf.weights.mivos_networks import load_network, load_propagation_network

METHODS = (
    "siaf_r50",
    "siaf_swinb",
    "scribbles_aot",
    "mivos",
    "civos",
    "siaf_light",
    "mivos_light",
    "civos_light",
)
TRAININGS = {"light": "light-interaction", "r50": "afi-r50", "swinb": "afi-swinb"}
Row = dict[str, object]


def run(
    *,
    device: str = "cuda",
    out: str = "outputs/speed-gpu.md",
    methods: Sequence[str] = METHODS,
    networks: Sequence[str] = ("r50", "swinb"),
    objects: Sequence[int] = tuple(range(1, 14)),
    size: tuple[int, int] = (480, 854),
    length: int = 20,
    lines: Sequence[int] = (360, 480, 600, 720),
    frames: Sequence[int] = (1, 2, 3, 4, 5),
    crop: int = 480,
    repeats: int = 3,
    threads: int = 2,
) -> Iterator[Row]:
    """Measure, give each figure as a row, and write the page at the end; see the module."""
    place = torch_device(device)
    set_up(threads=threads, keep=False)
    rows: list[Row] = []
    for row in _all(place, methods, networks, objects, size, length, lines, frames, crop, repeats, threads):
        rows.append(row)
        yield row
    write_text(Path(out), page(rows, place, threads=threads))


def page(rows: Sequence[Row], device: torch.device, *, threads: int) -> str:
    """All figures with the machine, in Markdown."""
    keys = ("what", "figure", "unit", "MiB", "paper", "paper MB")
    heading = f"# Speed on {_device_name(device)}"
    text = [heading, "", "| " + " | ".join(keys) + " |", "|" + " --- |" * len(keys)]
    text += ["| " + " | ".join(_cell(row.get(key, "")) for key in keys) + " |" for row in rows]
    about = {**environment(), "threads": threads, "device": _device_name(device)}
    return "\n".join([*text, "", *(f"- {name}: {value}" for name, value in about.items()), ""])


def _all(
    device: torch.device,
    methods: Sequence[str],
    networks: Sequence[str],
    objects: Sequence[int],
    size: tuple[int, int],
    length: int,
    lines: Sequence[int],
    frames: Sequence[int],
    crop: int,
    repeats: int,
    threads: int,
) -> Iterator[Row]:
    costs = siaf.run(
        networks=networks,
        devices=(str(device),),
        objects=objects,
        sizes=lines,
        frames=frames,
        height=size[0],
        width=size[1],
        threads=threads,
        repeats=repeats,
        keep=False,
    )
    for cost in costs:
        yield {
            "what": cost[NAME],
            "figure": 1000 * float(str(cost["seconds"])),
            "unit": "ms",
            "MiB": cost["MiB"],
            "paper": cost["paper ms"],
            "paper MB": cost["paper MB"],
        }
    video = made_video(length, *size)
    for name in methods:
        with untrained_on_purpose():
            method = METHOD_BUILDERS[name](str(device))
        for count in objects:
            play = partial(play_round, method, video, count)
            seconds, peak = _seconds(play, device, repeats), peak_mebibytes(play, device)
            speed = length / seconds
            yield {"what": f"{name}, {count} objects", "figure": speed, "unit": "frames/s", "MiB": peak}
    yield from _clicks(device, size, repeats)
    for name in networks:
        yield _training(TRAININGS[name], device, crop, repeats)


def _seconds(function: Callable[[], object], device: torch.device, repeats: int) -> float:
    """The least of some calls, after one that warms up."""
    function()
    best = float("inf")
    for _ in range(repeats):
        start = now(device)
        function()
        best = min(best, now(device) - start)
    return best


def _clicks(device: torch.device, size: tuple[int, int], repeats: int) -> Iterator[Row]:
    """Milliseconds from a click to the mask of its object."""
    image = np.asarray(made_video(1, *size)[0])
    clicks = [Click(0, 1, x=size[1] // 2, y=size[0] // 2), Click(0, 1, x=9, y=9, positive=False)]
    for architecture in ("hrnet18s-ocr", "light-clicks"):
        with untrained_on_purpose():
            network = load_network(architecture, device=str(device))
        assert isinstance(network, ClickNetwork)
        for mode in ("NoBRS", "f-BRS-B"):
            predictor = MultiObjectClickPredictor(network, mode=mode)
            predict = partial(predictor.predict, image, clicks, num_objects=1)
            seconds = _seconds(predict, device, repeats)
            yield {"what": f"two clicks, {architecture}, {mode}", "figure": 1000 * seconds, "unit": "ms"}


def _training(architecture: str, device: torch.device, crop: int, repeats: int) -> Row:
    """Forward, backward and update of the interaction network: four clips of three frames, bfloat16."""
    network = build(architecture).to(device).train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-5)
    batch, count, classes = 4, 3, 11
    images = torch.zeros(batch, count, 3, crop, crop, device=device)
    marks = torch.zeros(batch, count, classes, crop, crop, device=device)
    target = torch.zeros(batch * count, crop // 4, crop // 4, dtype=torch.long, device=device)

    def step() -> None:
        with torch.autocast(device.type, torch.bfloat16):
            logits = network.quarter(images, marks, marks)
        loss: Tensor = F.cross_entropy(logits.float().flatten(0, 1), target)
        torch.autograd.backward(loss)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    seconds = _seconds(step, device, repeats)
    peak = peak_mebibytes(step, device)
    what = f"training, {architecture}, batch 4 x 3 frames of {crop}"
    return {"what": what, "figure": 1 / seconds, "unit": "steps/s", "MiB": peak}


def _siaf(network: str) -> Callable[[str], Method]:
    interaction, propagation = NETWORKS[network]
    return lambda device: SIAF(
        load_afi_network(interaction, device=device), load_aot_network(propagation, device=device)
    )


def _scribbles_aot(device: str) -> Method:
    scribbles = ScribbleInteraction(load_network("mivos-s2m", device=device), scale_to_padded=False)
    return AotRounds(load_aot_network("r50_aotl", device=device), scribbles=scribbles)


def _mivos(kind: str) -> Callable[[str], Method]:
    def make(device: str) -> Method:
        propagation = load_propagation_network(f"{kind}-propagation", device=device)
        fusion = load_network(f"{kind}-fusion", device=device)
        s2m = load_network(f"{kind}-s2m", device=device)
        return MiVOS(ScribbleInteraction(s2m), propagation, fusion, propagate_after=None)

    return make


def _civos(clicks: str, mode: str, kind: str) -> Callable[[str], Method]:
    def make(device: str) -> Method:
        network = load_network(clicks, device=device)
        assert isinstance(network, ClickNetwork)
        propagation = load_propagation_network(f"{kind}-propagation", device=device)
        fusion = load_network(f"{kind}-fusion", device=device)
        return CiVOS(MultiObjectClickPredictor(network, mode=mode, flip=True), propagation, fusion)

    return make


METHOD_BUILDERS: dict[str, Callable[[str], Method]] = {
    "siaf_r50": _siaf("r50"),
    "siaf_swinb": _siaf("swinb"),
    "siaf_light": _siaf("light"),
    "scribbles_aot": _scribbles_aot,
    "mivos": _mivos("mivos"),
    "mivos_light": _mivos("light"),
    "civos": _civos("hrnet18s-ocr", "f-BRS-B", "mivos"),
    "civos_light": _civos("light-clicks", "NoBRS", "light"),
}


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)


def _cell(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
