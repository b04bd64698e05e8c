"""Tensors put away: in memory up to a limit, in a temporary file beyond it."""

from __future__ import annotations

import errno
import shutil
import tempfile
import weakref
from collections import defaultdict
from collections.abc import Callable
from io import RawIOBase
from pathlib import Path
from typing import Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class TensorHandle(Protocol):
    """A tensor on a shelf; its place is free again once nobody holds this object."""

    def get(self) -> Tensor:
        """The tensor; not to be changed."""


class TensorSpill:
    """Keeps float32 tensors; several tables may hold the same one, as with undo.

    Args:
        max_bytes: bytes kept in memory; what comes later goes into a temporary file.
        folder: where the file is made; None: where the system puts temporary files.
    """

    def __init__(self, *, max_bytes: int, folder: Path | str | None = None) -> None:
        self._room = max_bytes
        self._folder = folder
        self._file: RawIOBase | None = None
        self._end = 0
        self._free: defaultdict[int, list[int]] = defaultdict(list)

    @property
    def file_bytes(self) -> int:
        """Size of the temporary file."""
        return self._end

    def put(self, tensor: Tensor) -> TensorHandle:
        """Put a tensor away, as float32 on the CPU.

        Raises:
            OSError: the temporary file cannot take it; names the folder.
        """
        own = tensor.detach().to("cpu", torch.float32).contiguous()
        size = own.numel() * own.element_size()
        if size <= self._room:
            held = _InMemory(own.clone() if own.data_ptr() == tensor.data_ptr() else own)
            self._room -= size
            weakref.finalize(held, self._give_back_room, size)
            return held
        offset = self._place(size)
        filed = _InFile(self, offset, tuple(own.shape))
        weakref.finalize(filed, self._free[size].append, offset)
        assert self._file is not None
        self._move(self._file.write, offset, own.numpy(), "written")
        return filed

    def check_room(self, count: int, size: int) -> None:
        """See whether so many further tensors of a size find room, before hours are spent on them.

        Args:
            count: of tensors.
            size: of each in bytes.

        Raises:
            ValueError: the disk has too little room; names the folder and the bytes.
        """
        places = max(self._room, 0) // size + len(self._free[size])
        needed = (count - places) * size
        free = shutil.disk_usage(self._where).free
        if needed > free:
            raise ValueError(
                f"masks of {count} frames need {needed:,} bytes in {self._where}, where {free:,} are free: "
                "make room, or let the variable TMPDIR name another folder for temporary files"
            )

    def read(self, offset: int, shape: tuple[int, ...]) -> Tensor:
        """Read a tensor back from the file.

        Raises:
            OSError: the file cannot be read, or has become shorter; names the folder.
        """
        assert self._file is not None
        out = np.empty(shape, np.float32)
        self._move(self._file.readinto, offset, out, "read")
        return torch.from_numpy(out)

    @property
    def _where(self) -> Path | str:
        return self._folder or tempfile.gettempdir()

    def _move(
        self, part: Callable[[memoryview], int | None], offset: int, array: NDArray[np.float32], verb: str
    ) -> None:
        """Move all bytes of an array; an unbuffered file may move fewer at a time than it is asked for."""
        assert self._file is not None
        rest = array.reshape(-1).view(np.uint8).data
        try:
            self._file.seek(offset)
            while len(rest):
                count = part(rest)
                if not count:
                    reason = f"{len(rest):,} of {array.nbytes:,} bytes are missing"
                    raise OSError(errno.ENOSPC if verb == "written" else errno.EIO, reason)
                rest = rest[count:]
        except OSError as error:
            reason = f"a temporary file for masks cannot be {verb} ({error.strerror})"
            raise OSError(error.errno, reason, str(self._where)) from error

    def _place(self, size: int) -> int:
        if self._file is None:
            file = tempfile.TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115
            self._file = cast(RawIOBase, file)
        if self._free[size]:
            return self._free[size].pop()
        self._end += size
        return self._end - size

    def _give_back_room(self, size: int) -> None:
        self._room += size


class _InMemory:
    def __init__(self, tensor: Tensor) -> None:
        self._tensor = tensor

    def get(self) -> Tensor:
        return self._tensor


class _InFile:
    def __init__(self, shelf: TensorSpill, offset: int, shape: tuple[int, ...]) -> None:
        self._shelf, self._offset, self._shape = shelf, offset, shape

    def get(self) -> Tensor:
        return self._shelf.read(self._offset, self._shape)
