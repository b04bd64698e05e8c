"""A device that does not exist: its tensors are computed on the CPU, and mixing them with others is refused.

What only a GPU would show, operands on different devices, can so be tested anywhere: the code under test is
told to run on "cuda" and its tensors say that they are there. `"cuda"` cannot go backward without a driver;
trainings are told "meta", whose gradients are computed as those of CPUs are.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

_aten = torch.ops.aten
_COPIES = {_aten.copy_, _aten._to_copy}
_WRITE_AT_INDEX = {_aten.index_put, _aten.index_put_, _aten._index_put_impl_}
_READ_AT_INDEX = {_aten.index, _aten._unsafe_index}

TORCH = tuple(int(part) for part in torch.__version__.split(".")[:2])
_tensor, _autocast = torch.tensor, torch.autocast


class Elsewhere(Tensor):
    """A tensor that says it is on `device`; its numbers are in `held`, on the CPU."""

    held: Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, held: Tensor, device: torch.device) -> Elsewhere:
        out = torch.Tensor._make_wrapper_subclass(
            cls,
            held.size(),
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device=device,
        )
        out.held = held
        return out

    def __init__(self, held: Tensor, device: torch.device) -> None:
        """Everything was done in `__new__`."""

    def new_tensor(self, data: Any, *, dtype: torch.dtype | None = None) -> Tensor:
        return _tensor(data, dtype=dtype or self.dtype).to(self.device)

    def __getitem__(self, index: Any) -> Tensor:
        return super().__getitem__(_lists_as_tensors(index))

    def __setitem__(self, index: Any, value: Any) -> None:
        super().__setitem__(_lists_as_tensors(index), value)

    def tolist(self) -> Any:
        return self.cpu().tolist()

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        device = next(x.device for x in tree_leaves((args, kwargs)) if isinstance(x, Elsewhere))
        return _run(func, args, kwargs or {}, device)


class _Devices(TorchDispatchMode):
    """Sees what no tensor of the device takes part in: how the first ones come to be."""

    def __init__(self, device: torch.device) -> None:
        super().__init__()
        self.device = device

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(func, args, kwargs or {}, self.device)


@contextlib.contextmanager
def pretended(kind: str) -> Iterator[torch.device]:
    """While it is open there is a device of this kind, "cuda" (no gradients) or "meta".

    Skips the test where torch is older and cannot do it.
    """
    if TORCH < (2, 15) and not hasattr(torch._C, "_ensureCUDADeviceGuardSet"):
        pytest.skip(f"torch {torch.__version__} cannot pretend to have a device")
    device = torch.device(kind, 0) if kind != "meta" else torch.device(kind)
    torch._C._ensureCUDADeviceGuardSet()
    overwrite = torch.__future__.get_overwrite_module_params_on_conversion()
    with (
        patch("torch.cuda._lazy_init", lambda: None),
        patch("torch.cuda.device_count", lambda: 1),
        patch("torch._C._InferenceMode", _NoGrad),
        patch("torch.autocast", _autocast_where_there_is_one),
        patch("torch.tensor", _made_then_moved(torch.tensor)),
        patch("torch.as_tensor", _made_then_moved(torch.as_tensor)),
        _Devices(device),
    ):
        torch._C._set_only_lift_cpu_tensors(True)
        torch.__future__.set_overwrite_module_params_on_conversion(True)
        try:
            yield device
        finally:
            torch._C._set_only_lift_cpu_tensors(False)
            torch.__future__.set_overwrite_module_params_on_conversion(overwrite)


def _run(func: Any, args: Any, kwargs: dict[str, Any], device: torch.device) -> Any:
    _check_devices(func, args, kwargs, device)
    tensors = [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
    ours = [x for x in tensors if isinstance(x, Elsewhere)]
    assert all(isinstance(x, Elsewhere) or x.device.type == "cpu" for x in tensors), "made past this module"
    wanted = kwargs.get("device")
    if wanted is not None:
        kwargs = {**kwargs, "device": torch.device("cpu")}
        stays = torch.device(wanted).type == device.type
    elif func.overloadpacket is _aten.copy_:
        stays = isinstance(args[0], Elsewhere)
    else:
        stays = bool(ours)
    held_args, held_kwargs = tree_map(lambda x: x.held if isinstance(x, Elsewhere) else x, (args, kwargs))
    out = func(*held_args, **held_kwargs)
    known = {id(x.held): x for x in ours}  # what was changed in place comes back as it was given

    def placed(x: Any) -> Any:
        if not isinstance(x, Tensor) or isinstance(x, Elsewhere) or not stays:
            return x
        return known.get(id(x)) if id(x) in known else Elsewhere(x, device)

    return tree_map(placed, out)


def _check_devices(func: Any, args: Any, kwargs: dict[str, Any], device: torch.device) -> None:
    """Refuse what a device refuses: numbers without dimensions may come from the CPU, tensors may not."""
    packet = func.overloadpacket
    tensors = [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
    if packet in _COPIES or not any(isinstance(x, Elsewhere) for x in tensors):
        return
    if packet in _READ_AT_INDEX:
        tensors = args[:1]  # an index may come from the CPU
    elif packet in _WRITE_AT_INDEX:
        tensors = [args[0], args[2]]
    strangers = [tuple(x.shape) for x in tensors if not isinstance(x, Elsewhere) and x.dim() > 0]
    if strangers:
        raise RuntimeError(f"{func}: operands on {device} and on cpu, the latter of shapes {strangers}")


def _lists_as_tensors(index: Any) -> Any:
    """An index whose lists are tensors on the CPU; the library would make them on the device itself."""
    if isinstance(index, tuple):
        return tuple(_lists_as_tensors(part) for part in index)
    return _tensor(index) if isinstance(index, list) else index


class _NoGrad:
    """In place of inference mode, whose tensors cannot be wrapped."""

    def __init__(self, mode: bool = True) -> None:
        self.inner: Any = torch.no_grad() if mode else contextlib.nullcontext()

    def __enter__(self) -> None:
        self.inner.__enter__()

    def __exit__(self, *error: object) -> None:
        self.inner.__exit__(*error)


def _autocast_where_there_is_one(device_type: str, *args: Any, **options: Any) -> Any:
    return contextlib.nullcontext() if device_type == "meta" else _autocast(device_type, *args, **options)


def _made_then_moved(make: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def made(data: Any, *, device: Any = None, **options: Any) -> Tensor:
        tensor = make(data, **options)
        return tensor if device is None else tensor.to(device)

    return made
