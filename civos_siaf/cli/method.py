"""A method from its configuration, compiled where that is asked for."""

from collections.abc import Callable
from typing import Any

from hydra.utils import instantiate
from omegaconf import DictConfig

from civos_siaf.protocol import Method


def built_method(
    config: DictConfig, *, compile: bool = False, build: Callable[[DictConfig], Any] = instantiate
) -> Method:
    """Build a method.

    Args:
        config: of `configs/method`; stays as it is.
        compile: compile its networks on their first calls.
        build: makes what a configuration describes.
    """
    own = compile and "compile" in config  # it compiles what its authors advise
    if own:
        config = config.copy()
        config.compile = True
    method: Method = build(config)
    if compile and not own:
        from civos_siaf.runtime.compiling import compile_networks  # loads torch

        compile_networks(method)
    return method
