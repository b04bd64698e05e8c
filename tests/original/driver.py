"""Runs inside the original toolkit's environment and obeys requests on standard input.

Started as a script by `client.py`; imports nothing of this package, as it is not installed there. A message
is an 8-byte length, that many bytes of JSON, and the arrays which the JSON's "arrays" describes.
"""

from __future__ import annotations

import json
import os
import struct
import sys
from typing import Any, BinaryIO

import numpy as np

LENGTH = struct.Struct(">Q")


def send(stream: BinaryIO, content: dict[str, Any], arrays: Any = ()) -> None:
    """Write one message."""
    arrays = [np.ascontiguousarray(array) for array in arrays]
    described = [{"dtype": array.dtype.str, "shape": array.shape} for array in arrays]
    text = json.dumps({**content, "arrays": described}).encode()
    stream.write(LENGTH.pack(len(text)) + text)
    for array in arrays:
        stream.write(array.tobytes())
    stream.flush()


def receive(stream: BinaryIO) -> tuple[dict[str, Any], list[Any]]:
    """Read one message.

    Raises:
        EOFError: the other side has gone.
    """
    content = json.loads(_exactly(stream, LENGTH.unpack(_exactly(stream, LENGTH.size))[0]))
    arrays = []
    for entry in content.pop("arrays"):
        dtype = np.dtype(entry["dtype"])
        data = _exactly(stream, dtype.itemsize * int(np.prod(entry["shape"], dtype=np.int64)))
        arrays.append(np.frombuffer(data, dtype).reshape(entry["shape"]))
    return content, arrays


def _exactly(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise EOFError("the other side has gone")
    return data


class Clock:
    """Stands in for the `time` module where the toolkit reads it."""

    def __init__(self, now: float) -> None:
        self.now = now

    def time(self) -> float:
        """The time as set."""
        return self.now


class HistoricalGenerator(np.random.Generator):
    """A generator whose permutation is the same each time: that of scikit-image up to 0.18."""

    def __init__(self, *_: Any) -> None:
        super().__init__(np.random.PCG64(0))

    def permutation(self, x: Any, axis: int = 0) -> Any:
        """The legacy generator's permutation with seed 0."""
        return np.random.RandomState(0).permutation(x)


class Driver:
    """The toolkit's calls by name."""

    def __init__(self) -> None:
        self.session: Any = None
        self.clock: Clock | None = None

    def fix_permutation(self) -> None:
        """Give the medial axis the permutation it had up to scikit-image 0.18."""
        np.random.default_rng = HistoricalGenerator  # type: ignore[assignment]

    def metrics(self, truth: Any, prediction: Any, num_objects: int) -> Any:
        """J and F, (T, K) each."""
        from davisinteractive.metrics import batched_f_measure, batched_jaccard

        options = {"average_over_objects": False, "nb_objects": num_objects}
        truth, prediction = truth.astype(np.int64), prediction.astype(np.int64)
        return {}, [measure(truth, prediction, **options) for measure in (batched_jaccard, batched_f_measure)]

    def robot(
        self,
        truth: Any,
        prediction: Any,
        num_objects: int,
        frame: int,
        sorted_neighbours: bool,
        **parameters: Any,
    ) -> Any:
        """The robot's scribbles on one frame, if wished with its graph's neighbour lists in order."""
        from davisinteractive.robot import interactive_robot

        robot = interactive_robot.InteractiveScribblesRobot(**parameters)
        masks = prediction.astype(np.int64), truth.astype(np.int64)
        graph = interactive_robot.radius_neighbors_graph
        if sorted_neighbours:
            interactive_robot.radius_neighbors_graph = lambda *a, **k: graph(*a, **k).sorted_indices()
        try:
            return {"value": robot.interact("made", *masks, nb_objects=num_objects, frame=frame)}, []
        finally:
            interactive_robot.radius_neighbors_graph = graph

    def open(
        self, table: Any, sets: Any, start: float | None, session_key: str | None, **arguments: Any
    ) -> Any:
        """Start a session; `start` puts a clock that stands still in place of the real one."""
        from davisinteractive.dataset import Davis
        from davisinteractive.robot import interactive_robot
        from davisinteractive.session import DavisInteractiveSession
        from davisinteractive.session import session as session_module

        if table is not None:
            Davis.dataset, Davis.sets = table, sets
        if start is not None:
            self.clock = Clock(start)
            interactive_robot.time = session_module.time = self.clock
        self.session = DavisInteractiveSession(**arguments)
        if session_key is not None:
            self.session.session_key = self.session.connector.session_key = session_key
        self.session.__enter__()
        return {}, []

    def next(self) -> Any:
        """Whether the session goes on."""
        return {"value": bool(self.session.next())}, []

    def get_scribbles(self, only_last: bool) -> Any:
        """Sequence, scribbles, whether the sample is new."""
        return {"value": self.session.get_scribbles(only_last=only_last)}, []

    def submit_masks(self, masks: Any, candidates: Any) -> Any:
        """Hand in masks."""
        self.session.submit_masks(masks.astype(np.int64), candidates)
        return {}, []

    def advance(self, seconds: float) -> Any:
        """Move the clock."""
        assert self.clock is not None
        self.clock.now += seconds
        return {}, []

    def summary(self) -> Any:
        """The global summary."""
        return {"value": self.session.get_global_summary()}, []

    def report(self) -> Any:
        """The report as CSV."""
        return {"value": self.session.get_report().to_csv()}, []


def main() -> None:
    """Obey until the other side closes."""
    requests, replies = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever the toolkit prints must not come between the messages
    driver = Driver()
    while True:
        try:
            content, arrays = receive(requests)
        except EOFError:
            return
        try:
            reply, out = getattr(driver, content["call"])(*arrays, **content["arguments"]) or ({}, [])
            send(replies, reply, out)
        except Exception as error:  # every failure is the caller's to judge
            send(replies, {"error": type(error).__name__, "message": str(error)})


if __name__ == "__main__":
    main()
