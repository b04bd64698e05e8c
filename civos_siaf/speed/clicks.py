"""Click networks: seconds per forward pass, plain and prepared for inference, and per click.

plain: fp32 as loaded. fused: fp32, batch norm folded in, channels last. bf16: the same under autocast.
flip: image and mirror image in one batch. click: a whole click of the predictor, published settings without
zoom-in. Options: height, width, threads, repeats, networks, keep (freed memory).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch

from civos_siaf.interaction.predictor import ClickPredictor, autocast
from civos_siaf.networks.click_network import ClickNetwork
from civos_siaf.networks.prepare import fuse_batch_norm
from civos_siaf.prompts import Click
from civos_siaf.runtime.precision import Precision
from civos_siaf.speed.timing import best_of, set_up
from civos_siaf.weights.click_networks import build

Row = dict[str, str | float]


def run(
    *,
    height: int = 480,
    width: int = 854,
    threads: int = 2,
    repeats: int = 5,
    networks: Sequence[str] = ("hrnet18s-ocr", "hrnet32-ocr", "light-clicks"),
    keep: bool = True,
) -> Iterator[Row]:
    """One row per network and way to run it; seconds are those of the fastest of `repeats`."""
    kept = set_up(threads=threads, keep=keep)
    for name in networks:
        torch.manual_seed(0)
        plain = build(name).eval().requires_grad_(False)
        fused = fuse_batch_norm(plain).to(memory_format=torch.channels_last)
        baseline = best_of(_forward(plain, height, width, batch=1), repeats=repeats)
        yield _row(f"{name} plain", baseline, baseline, kept)
        ways: dict[str, Callable[[], object]] = {
            "fused": _forward(fused, height, width, batch=1),
            "fused, flip": _forward(fused, height, width, batch=2),
            "fused, bf16": _forward(fused, height, width, batch=1, precision="bf16"),
            "fused, click": _click(fused, height, width, flip=False),
            "fused, click with flip": _click(fused, height, width, flip=True),
        }
        for way, function in ways.items():
            yield _row(f"{name} {way}", best_of(function, repeats=repeats), baseline, kept)


def _row(what: str, seconds: float, baseline: float, kept: bool) -> Row:
    memory = "kept" if kept else "returned"
    return {"what": what, "seconds": seconds, "of plain": seconds / baseline, "freed memory": memory}


def _forward(
    network: ClickNetwork, height: int, width: int, *, batch: int, precision: Precision = "fp32"
) -> Callable[[], object]:
    image = torch.rand(batch, 4, height, width)
    points = torch.tensor([[[height / 2, width / 2, 0.0], [-1.0, -1.0, -1.0]]]).expand(batch, -1, -1)

    def forward() -> object:
        with torch.inference_mode(), autocast(image.device, precision):
            return network(image, points)

    return forward


def _click(network: ClickNetwork, height: int, width: int, *, flip: bool) -> Callable[[], object]:
    predictor = ClickPredictor(network, flip=flip)
    predictor.set_image(np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8))
    return lambda: (predictor.add(Click(0, 1, x=width / 2, y=height / 2)), predictor.undo())
