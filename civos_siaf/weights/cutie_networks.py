"""The network of Cutie, through rf-cutie."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from omegaconf import OmegaConf

from civos_siaf.networks.cutie_video import CutieVideo
from civos_siaf.runtime.device import torch_device
from civos_siaf.weights.hub import require
from civos_siaf.weights.load import load_strictly, read_weights, without_prefix
from civos_siaf.weights.ready import fill_untrained

ARCHITECTURES = ("cutie-base", "cutie-small")


def build(architecture: str, *, config: Any = None) -> Any:
    """`CUTIE` with fresh weights; nothing is downloaded.

    Args:
        architecture: one of `ARCHITECTURES`.
        config: of rf-cutie; None: that of the architecture.

    Raises:
        FileNotFoundError: rf-cutie is not installed; says what to install.
        ValueError: no such architecture; lists those there are.
    """
    settings = configuration(architecture) if config is None else config
    with _without_downloads():
        return import_module("cutie.model.cutie").CUTIE(settings)


def configuration(
    architecture: str,
    *,
    mem_every: int = 5,
    max_mem_frames: int = 5,
    use_long_term: bool = False,
    max_short: int | None = None,
    top_k: int = 30,
) -> Any:
    """The configuration of rf-cutie; the values are those of its authors for DAVIS 2017.

    Args:
        architecture: one of `ARCHITECTURES`.
        mem_every: every so many frames of a sweep one goes into memory.
        max_mem_frames: most of these there, beyond which the oldest leaves; annotated frames always stay.
        use_long_term: what would leave is condensed into a long-term memory.
        max_short: shorter side of the frames as the network sees them at most; None: no limit.
        top_k: memory positions that are read for each position of a frame.

    Raises:
        FileNotFoundError: rf-cutie is not installed; says what to install.
        ValueError: no such architecture; lists those there are.
    """
    if architecture not in ARCHITECTURES:
        raise ValueError(f"no architecture {architecture!r}; there are {', '.join(ARCHITECTURES)}")
    require("cutie")
    folder = Path(str(import_module("cutie.config").__file__)).parent
    config: Any = OmegaConf.load(folder / "eval_config.yaml")
    names = dict.fromkeys(("base", architecture.removeprefix("cutie-")))  # what differs comes last
    config.model = OmegaConf.merge(*(OmegaConf.load(folder / "model" / f"{name}.yaml") for name in names))
    config.mem_every, config.max_mem_frames, config.use_long_term = mem_every, max_mem_frames, use_long_term
    config.max_internal_size, config.top_k = -1 if max_short is None else max_short, top_k
    return config


def cutie_network(
    architecture: str, weights: Path | str | None, *, device: str = "cpu", **settings: Any
) -> CutieVideo:
    """Cutie, frozen and in eval mode.

    Args:
        architecture: one of `ARCHITECTURES`.
        weights: a published file. None: weights that follow from their names alone, and a warning says so.
        device: where it runs.
        settings: see `configuration`.

    Raises:
        FileNotFoundError: no such file, or rf-cutie is not installed; says what to install.
        ValueError: no such architecture or device, not a readable weight file, or one for another network.
    """
    config = configuration(architecture, **settings)
    place = torch_device(device)
    network = build(architecture, config=config)
    if weights is None:
        fill_untrained(network, architecture)
    else:
        load_strictly(network, without_prefix(read_weights(weights).state), source=str(weights))
    return CutieVideo(network.requires_grad_(False).eval().to(place), config)


@contextmanager
def _without_downloads() -> Iterator[None]:
    """Within it, encoders are built without fetching the ImageNet weights that they begin with."""
    resnet: Any = import_module("cutie.model.utils.resnet")
    before = resnet.model_zoo, resnet.load_weights_add_extra_dim
    resnet.model_zoo = SimpleNamespace(load_url=lambda *args, **options: {})
    resnet.load_weights_add_extra_dim = lambda *args, **options: None
    try:
        yield
    finally:
        resnet.model_zoo, resnet.load_weights_add_extra_dim = before
