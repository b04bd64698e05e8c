"""Where networks run."""

from __future__ import annotations

import os

import torch


def tune(device: torch.device, *, tf32: bool = False) -> None:
    """Let cuDNN choose the fastest convolution for each size; for programs, as it acts on the whole process.

    Args:
        device: nothing is changed unless it is a GPU.
        tf32: convolutions and products of matrices in TensorFloat-32: faster, 10 bits of precision in place
            of 23.
    """
    if device.type != "cuda":
        return
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = tf32
    torch.backends.cuda.matmul.allow_tf32 = tf32


def torch_device(name: str) -> torch.device:
    """The device of a name, if it is there.

    Args:
        name: cpu, cuda, cuda:1, mps; auto: cuda if there is a GPU, otherwise cpu. cuda alone is the
            GPU of this process where torchrun started several (LOCAL_RANK), otherwise the first.

    Raises:
        ValueError: no such device here; says what there is.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.device_count() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ValueError(f"no device {name!r}; a device is cpu, cuda, cuda:1 or mps") from None
    if device.type == "cuda":
        index = int(os.environ.get("LOCAL_RANK", 0)) if device.index is None else device.index
        if index >= (count := torch.cuda.device_count()):
            raise ValueError(f"device {name} needs GPU {index}; torch sees {count or 'none'} here")
        return torch.device("cuda", index)
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise ValueError("device mps is not available here")
    return device


def best_device() -> str:
    """The name of the fastest device here: cuda, else mps, else cpu."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
