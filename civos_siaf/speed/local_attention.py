"""Forms of AOT's local attention on a map of 480p: seconds, and the largest difference from the first form.

Options: height, width (of the map), batch, device, threads, repeats.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import torch

from civos_siaf.networks.aot.local_attention import FORMS
from civos_siaf.networks.aot.transformer import DEPTH, HEADS, RADIUS
from civos_siaf.speed.timing import best_of

Row = dict[str, object]


def run(
    *,
    height: int = 31,
    width: int = 54,
    batch: int = 1,
    device: str = "cpu",
    threads: int = 2,
    repeats: int = 3,
) -> Iterator[Row]:
    """One row per form."""
    torch.set_num_threads(threads)
    g = torch.Generator().manual_seed(0)
    reach = (2 * RADIUS + 1) ** 2

    def noise(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=g).to(device)

    q, k, v = (noise(batch, HEADS, height * width, DEPTH) for _ in range(3))
    weight, bias = noise(HEADS, DEPTH, reach), noise(HEADS, reach)
    embedding = noise(HEADS, reach, DEPTH)
    first = None
    with torch.inference_mode():
        for name, form in FORMS.items():

            def once() -> torch.Tensor:
                out = form(q / DEPTH**0.5, k, v, weight, bias, embedding, (height, width))  # noqa: B023
                if out.is_cuda:
                    torch.cuda.synchronize()
                return out

            out = once()
            first = out if first is None else first
            yield {
                "form": name,
                "seconds": best_of(once, repeats=repeats),
                "difference": f"{float((out - first).abs().max()):.1e}",
                "load": os.getloadavg()[0],
            }
