"""Metrics, robot, renders, summaries and sessions against the original DAVIS interactive toolkit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from civos_siaf.benchmark import scribbles
from civos_siaf.benchmark.metrics import f_measure, jaccard, object_ids
from civos_siaf.benchmark.robot import ScribbleRobot
from civos_siaf.benchmark.robot.opening import open_region
from civos_siaf.benchmark.robot.skeleton import medial_axis
from civos_siaf.benchmark.scribbles import ScribbleLine, Scribbles
from civos_siaf.benchmark.table import read_table
from tests.parity.check import Check, Folder
from tests.parity.davis_rounds import check_sessions, check_summaries

METRIC_TOLERANCE = 1e-12
PATH_TOLERANCE = 1e-9


def check(folder: Folder) -> Iterator[Check]:
    """Everything the folder holds of the toolkit's answers."""
    yield from _check_metrics(folder)
    yield from _check_robot(folder)
    yield from _check_renders(folder)
    if folder.has("sequences.csv"):
        published = read_table("davis2017")
        yield Check.equal("published table", published, read_table(folder.file("sequences.csv")))
    if folder.has("summary.json"):
        yield from check_summaries(folder)
    if folder.has("session.json"):
        yield from check_sessions(folder)


def _check_metrics(folder: Folder) -> Iterator[Check]:
    arrays = folder.arrays("metrics.npz")
    for case in _json_in(arrays["cases"]):
        key, n = case["key"], case["nb_objects"]
        truth, prediction = arrays[f"{key}_gt"], arrays[f"{key}_pred"]
        j, f = jaccard(truth, prediction, n), f_measure(truth, prediction, n)
        ours = {
            "J": j,
            "F": f,
            "Jmean": _default_mean(truth, prediction, jaccard),
            "Fmean": _default_mean(truth, prediction, f_measure),
            "F_bound4px": f_measure(truth, prediction, n, tolerance=4),
            "J_eval2017": j,
            "F_eval2017": f,
        }
        for name, values in ours.items():
            reference = arrays.get(f"{key}_{name}")
            if reference is not None:
                label = f"metrics/{case['name']}/{name}"
                yield Check.compare(label, values, reference, tolerance=METRIC_TOLERANCE)


def _json_in(text: Any) -> Any:
    """JSON kept as a string inside an npz file."""
    return json.loads(str(text))


def _default_mean(truth: Any, prediction: Any, measure: Any) -> Any:
    """The mean over the objects found in the truth, as the toolkit takes by default."""
    return measure(truth, prediction, None if object_ids(truth) else 1).mean(axis=1)


def _check_robot(folder: Folder) -> Iterator[Check]:
    arrays, recorded = folder.arrays("robot.npz"), folder.json("robot.json")
    for case in recorded["cases"]:
        key, name = case["key"], f"robot/{case['name']}"
        truth, prediction = arrays[f"{key}_gt"], arrays[f"{key}_pred"]
        n = case["nb_objects"]
        quality = jaccard(truth, prediction, n).mean(axis=1)
        yield Check.compare(f"{name}/J", quality, arrays[f"{key}_J"], tolerance=METRIC_TOLERANCE)
        worst = int(np.argmin(quality))
        yield Check.equal(f"{name}/worst frame", worst, case["worst_frame_by_mean_J"])
        frame = worst if case["frame_argument"] is None else case["frame_argument"]
        robot = ScribbleRobot(**case["robot_parameters"])
        yield from _check_stages(name, case, (truth[frame], prediction[frame]), robot, arrays)
        strokes = robot.draw(truth[frame], prediction[frame], n)
        ids = [stroke.object_id for stroke in strokes]
        yield Check.equal(f"{name}/objects of the lines", ids, arrays[f"{key}_path_object_ids"].tolist())
        paths = np.stack([s.path for s in strokes]) if strokes else np.empty((0, robot.nb_points, 2))
        reference = arrays[f"{key}_paths"].reshape(-1, robot.nb_points, 2)
        yield Check.compare(f"{name}/lines", paths, reference, tolerance=PATH_TOLERANCE)


def _check_stages(
    name: str, case: dict[str, Any], labels: tuple[Any, Any], robot: ScribbleRobot, arrays: dict[str, Any]
) -> Iterator[Check]:
    truth, prediction = labels
    paths: list[Any] = []
    for stage in case["stages"]:
        k = stage["object_id"]
        region = (truth == k) & (prediction != k)
        opened = open_region(region, stage["kernel_radius_first"])
        for title, ours in (("opened", opened), ("skeleton", medial_axis(opened))):
            reference = arrays.get(f"{case['key']}_{title}_obj{k}")
            if reference is not None:
                yield Check.compare(f"{name}/{title} {k}", ours, reference)
        paths += robot.paths(region)
    for index, path in enumerate(paths):
        reference = arrays.get(f"{case['key']}_pixels{index}", np.empty((0, 2)))
        yield Check.compare(f"{name}/control pixels {index}", path, reference)


def _check_renders(folder: Folder) -> Iterator[Check]:
    arrays = folder.arrays("render.npz")
    robot = folder.arrays("robot.npz")
    for key in sorted({name.rsplit("_", 1)[0] for name in arrays if name.endswith("_lines")}):
        if f"{key}_paths" in robot:
            drawn = _robot_scribbles(robot[f"{key}_paths"], robot[f"{key}_path_object_ids"])
            height, width = arrays[f"{key}_lines"].shape
            labels = scribbles.to_labels(drawn, height=height, width=width)[0]
            yield Check.compare(f"render/{key}/lines", labels, arrays[f"{key}_lines"])
        elif "_" in key and f"{key}_dots" in arrays:
            yield from _check_rendered_file(folder, key, arrays)


def _robot_scribbles(paths: Any, ids: Any) -> Scribbles:
    lines: list[ScribbleLine] = [
        {"path": path.tolist(), "object_id": int(k), "start_time": 0, "end_time": 0}
        for path, k in zip(paths, ids, strict=True)
    ]
    return {"scribbles": [lines], "sequence": "robot"}


def _check_rendered_file(folder: Folder, key: str, arrays: dict[str, Any]) -> Iterator[Check]:
    sequence, number = key.rsplit("_", 1)
    num_frames, height, width = arrays[f"{key}_lines"].shape
    path = _mini(folder) / "Scribbles" / sequence / f"{number}.json"
    drawn = scribbles.load(path, sequence=sequence, num_frames=num_frames)
    for name, options in (
        ("lines", {}),
        ("dots", {"joined": False}),
        ("bezier_lines", {"curved": True}),
    ):
        labels = scribbles.to_labels(drawn, height=height, width=width, **options)
        yield Check.compare(f"render/{key}/{name}", labels, arrays[f"{key}_{name}"])
    points, ids = scribbles.to_points(drawn, size=(height, width), swapped=True)
    yield Check.compare(f"render/{key}/points", points, arrays[f"{key}_points"])
    yield Check.compare(f"render/{key}/objects", ids, arrays[f"{key}_points_object_ids"])


def _mini(folder: Folder) -> Path:
    """The small data set beside the fixtures, or the same one inside the package."""
    from civos_siaf.benchmark.dataset import mini_root

    beside = folder.path / "mini" / "DAVIS"
    return beside if beside.is_dir() else mini_root()
