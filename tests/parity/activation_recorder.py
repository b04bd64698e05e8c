"""Noting what modules put out during a forward pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn


class ActivationRecorder(dict[str, Tensor]):
    """Values by name, filled by forward passes inside `into`."""

    @contextmanager
    def into(self, modules: Mapping[str, nn.Module | tuple[nn.Module, bool]]) -> Iterator[None]:
        """Note what each module puts out; a pair (module, True) stands for what comes in first."""
        handles = [self._tap(name, module) for name, module in modules.items()]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _tap(self, name: str, target: nn.Module | tuple[nn.Module, bool]) -> Any:
        if isinstance(target, tuple):
            return target[0].register_forward_pre_hook(lambda _, args: self.update({name: args[0].clone()}))
        return target.register_forward_hook(lambda _, __, output: self.update({name: output.clone()}))


def thin(x: Tensor, channels: int, rows: int) -> Tensor:
    """Every so many channels, rows and columns of (B, C, H, W)."""
    return x[:, ::channels, ::rows, ::rows]
