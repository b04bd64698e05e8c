"""Driving the original toolkit from here, through a pipe."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from civos_siaf.benchmark.scribbles import Scribbles
from civos_siaf.benchmark.table import SequenceInfo
from tests.original import driver


class OriginalError(RuntimeError):
    """An exception inside the original toolkit; `kind` is the name of its class."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind


class OriginalToolkit:
    """A process in the toolkit's environment.

    Args:
        python: the environment's interpreter.
        fixed_permutation: make the robot deterministic, as it was up to scikit-image 0.18.
        program: the script to run there.

    Raises:
        FileNotFoundError: no such interpreter.
    """

    def __init__(
        self, python: Path | str, *, fixed_permutation: bool = True, program: Path | None = None
    ) -> None:
        if not Path(python).exists():
            raise FileNotFoundError(f"no Python at {python}")
        self._process = subprocess.Popen(
            [str(python), str(program or driver.__file__)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        if fixed_permutation:
            self.call("fix_permutation")

    def __enter__(self) -> OriginalToolkit:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)

    def call(self, name: str, *arrays: NDArray[Any], **arguments: Any) -> tuple[Any, list[NDArray[Any]]]:
        """Ask for one of the driver's calls; returns its value and arrays.

        Raises:
            OriginalError: the toolkit raised an exception, or the process has died.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            driver.send(self._process.stdin, {"call": name, "arguments": arguments}, arrays)  # type: ignore[arg-type]
            content, out = driver.receive(self._process.stdout)  # type: ignore[arg-type]
        except (EOFError, BrokenPipeError):
            raise OriginalError("process", f"ended with status {self._process.wait()}") from None
        if "error" in content:
            raise OriginalError(content["error"], content["message"])
        return content.get("value"), out

    def metrics(
        self, truth: NDArray[np.uint8], prediction: NDArray[np.uint8], num_objects: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The toolkit's J and F, (T, K) each."""
        _, (j, f) = self.call("metrics", truth, prediction, num_objects=num_objects)
        return j, f

    def robot(
        self,
        truth: NDArray[np.uint8],
        prediction: NDArray[np.uint8],
        *,
        num_objects: int,
        frame: int,
        sorted_neighbours: bool = False,
        **parameters: float,
    ) -> Scribbles:
        """The toolkit's robot on one frame, if wished with its graph's neighbour lists in order."""
        options = {
            "num_objects": num_objects,
            "frame": frame,
            "sorted_neighbours": sorted_neighbours,
            **parameters,
        }
        value, _ = self.call("robot", truth, prediction, **options)
        scribbles: Scribbles = value
        return scribbles


class OriginalSession:
    """The original's session, with the calls of `InteractiveSession`.

    >>> with OriginalToolkit("original/bin/python") as toolkit:  # doctest: +SKIP
    ...     session = OriginalSession(toolkit, davis_root="DAVIS", max_nb_interactions=8, max_time=240)
    ...     while session.next():
    ...         sequence, scribbles, new_sample = session.get_scribbles(only_last=True)
    ...         session.submit_masks(masks_of_my_method(sequence, scribbles))
    ...     print(session.summary())

    Args:
        toolkit: the process.
        davis_root: the data set.
        table: facts of the sequences, in place of the toolkit's own table.
        start: put a clock that shows this time and is moved by `advance`; None: real time.
        session_key: the report's first column; random when None.
        options: further arguments of the original's session, such as subset, max_time, report_save_dir.
    """

    def __init__(
        self,
        toolkit: OriginalToolkit,
        *,
        davis_root: Path | str,
        table: Mapping[str, SequenceInfo] | None = None,
        start: float | None = None,
        session_key: str | None = None,
        **options: Any,
    ) -> None:
        self._toolkit = toolkit
        toolkit.call(
            "open",
            davis_root=str(davis_root),
            table=None if table is None else {name: _record(info) for name, info in table.items()},
            sets=None if table is None else {"val": list(table), "train": []},
            start=start,
            session_key=session_key,
            **options,
        )

    def next(self) -> bool:
        """Whether there is something to segment."""
        return bool(self._toolkit.call("next")[0])

    def get_scribbles(self, only_last: bool = False) -> tuple[str, Scribbles, bool]:
        """Sequence, scribbles, whether the sample is new."""
        sequence, scribbles, new = self._toolkit.call("get_scribbles", only_last=only_last)[0]
        return sequence, scribbles, new

    def submit_masks(
        self, masks: NDArray[np.integer], next_scribble_frame_candidates: Sequence[int] | None = None
    ) -> None:
        """Hand in labels (T, H, W)."""
        self._toolkit.call("submit_masks", masks, candidates=next_scribble_frame_candidates)

    def advance(self, seconds: float) -> None:
        """Move the clock that `start` put in place."""
        self._toolkit.call("advance", seconds=seconds)

    def summary(self) -> dict[str, Any]:
        """The toolkit's summary; empty before the end."""
        return dict(self._toolkit.call("summary")[0])

    def report_csv(self) -> str:
        """The report."""
        return str(self._toolkit.call("report")[0])


def _record(info: SequenceInfo) -> dict[str, Any]:
    """A sequence as the toolkit's table holds it."""
    return {
        "name": info.name,
        "num_frames": info.num_frames,
        "num_objects": info.num_objects,
        "num_scribbles": info.scribble_sets,
        "image_size": [info.width, info.height],
        "attributes": [],
        "eval_t": False,
        "set": "val",
        "year": 2017,
    }
