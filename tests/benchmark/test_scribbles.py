import json

import numpy as np
import pytest

from civos_siaf.benchmark import scribbles as davis
from civos_siaf.benchmark.dataset import mini_root
from civos_siaf.benchmark.robot import Stroke
from civos_siaf.prompts import Click, Prompts

PATH = mini_root() / "Scribbles" / "mini-a" / "001.json"


def line(points, object_id=1):
    return {"path": points, "object_id": object_id, "start_time": 0, "end_time": 1}


def in_frames(*frames):
    return {"scribbles": [list(f) for f in frames], "sequence": "s"}


def test_pixels_are_fractions_of_the_size_less_one():
    prompts = davis.to_prompts(in_frames([], [line([[1.0, 1.0], [0.5, 0.0]], 2)]), height=11, width=21)
    assert prompts.frames == (1,)
    assert prompts.scribbles[0].points.tolist() == [[20.0, 10.0], [10.0, 0.0]]
    assert prompts.scribbles[0].object_id == 2


def test_points_are_scaled_by_their_own_axis_unless_the_mistake_is_asked_for():
    scribbles = in_frames([line([[1.0, 0.5]])])
    points, ids = davis.to_points(scribbles, size=(11, 21))
    assert (points.tolist(), ids.tolist()) == ([[0, 20, 5]], [1])
    assert davis.to_points(scribbles, size=(11, 21), swapped=True)[0].tolist() == [[0, 10, 10]]
    assert davis.to_points(scribbles)[0].tolist() == [[0, 1.0, 0.5]]
    assert davis.to_points(in_frames([]))[0].shape == (0, 3)


def test_fusing_keeps_order_and_changes_nothing():
    a, b = in_frames([line([[0, 0]])], []), in_frames([line([[1, 1]])], [line([[0, 1]], 3)])
    both = davis.fuse(a, b)
    assert [[entry["path"] for entry in frame] for frame in both["scribbles"]] == [
        [[[0, 0]], [[1, 1]]],
        [[[0, 1]]],
    ]
    assert len(a["scribbles"][0]) == 1
    assert davis.annotated_frames(both) == [0, 1]
    assert davis.annotated_frames(both, object_id=3) == [1]
    with pytest.raises(ValueError, match="cannot be fused"):
        davis.fuse(a, davis.empty("s", 3))
    with pytest.raises(ValueError, match="cannot be fused"):
        davis.fuse(a, davis.empty("t", 2))


def test_copies_are_independent():
    original = in_frames([line([[0, 0]])])
    copy = davis.copied(original)
    assert copy == original
    copy["scribbles"][0][0]["path"][0][0] = 7
    assert original["scribbles"][0][0]["path"] == [[0, 0]]


def test_strokes_of_the_robot():
    made = davis.from_strokes(
        {2: [Stroke(3, np.array([[0.5, 0.5]]))]}, sequence="s", num_frames=4, times=(1.0, 2.0)
    )
    assert davis.annotated_frames(made) == [2]
    assert made["scribbles"][2] == [
        {"path": [[0.5, 0.5]], "object_id": 3, "start_time": 1.0, "end_time": 2.0}
    ]


def test_label_maps_need_a_size():
    with pytest.raises(ValueError, match="at least 1x1, got 5x0"):
        davis.to_labels(in_frames([]), height=0, width=5)


def test_a_good_file_loads():
    assert davis.annotated_frames(davis.load(PATH, sequence="mini-a", num_frames=6)) == [1]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda d: "{", "not a JSON file"),
        (lambda d: [], "a list 'scribbles'"),
        (lambda d: {**d, "sequence": "other"}, "holds sequence 'other', expected 'mini-a'"),
        (lambda d: {**d, "scribbles": d["scribbles"][:-1]}, "holds 5 frames, the sequence has 6"),
        (lambda d: {**d, "scribbles": [[{"path": []}]] * 6}, "frame 0, line 0: expected an object with"),
        (lambda d: {**d, "scribbles": [[line([])]] * 6}, r"path must be a list of \[x, y\]"),
        (lambda d: {**d, "scribbles": [[line([[0, "a"]])]] * 6}, "path must be"),
        (lambda d: {**d, "scribbles": [[line([[0, float("nan")]])]] * 6}, "path must be"),
        (lambda d: {**d, "scribbles": [[line([[0, 0]], -1)]] * 6}, "object_id must be a whole number"),
        (lambda d: {**d, "scribbles": [7] * 6}, "frame 0, line 0"),
    ],
)
def test_bad_files_are_named_with_the_place(tmp_path, spoil, message):
    content = spoil(json.loads(PATH.read_text()))
    path = tmp_path / "001.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(ValueError, match=message) as caught:
        davis.load(path, sequence="mini-a", num_frames=6)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no scribble file at .*009\.json"):
        davis.load(tmp_path / "009.json", sequence="s", num_frames=1)


@pytest.mark.parametrize(("point", "value"), [([35, 0.5], "35"), ([0, 1.01], "1.01"), ([-0.2, 0], "-0.2")])
def test_pixels_are_no_fractions(point, value, tmp_path):
    line = {"path": [[0.1, 0.2], point], "object_id": 1, "start_time": 0, "end_time": 1}
    file = tmp_path / "001.json"
    file.write_text(json.dumps({"scribbles": [[], [line]], "sequence": "a"}))
    with pytest.raises(ValueError, match=rf"001\.json: frame 1, line 0: {value} is no fraction"):
        davis.load(file, sequence="a", num_frames=2)


@pytest.mark.parametrize("x", [-0.4, 0, 127, 127.4])
def test_the_rim_of_the_picture_counts_as_for_clicks(x, tmp_path):
    data = {"sequence": "s", "scribbles": [[line([[x / 127, 0.5]])]]}
    (tmp_path / "a.json").write_text(json.dumps(data))
    scribbles = davis.load(tmp_path / "a.json", sequence="s", num_frames=1)
    (stroke,) = davis.to_prompts(scribbles, height=65, width=128).scribbles
    assert stroke.points[0].tolist() == pytest.approx([x, 32])
    labels = davis.to_labels(scribbles, height=65, width=128)
    assert np.argwhere(labels[0] >= 0).tolist() == [[32, 0 if x < 1 else 127]]
    Prompts((Click(0, 1, x=x, y=32),)).check(num_frames=1, height=65, width=128, num_objects=1)


@pytest.mark.parametrize("x", [-0.6, 127.6])
def test_beyond_the_rim_is_refused_as_for_clicks(x, tmp_path):
    data = {"sequence": "s", "scribbles": [[line([[x / 127, 0.5]])]]}
    (tmp_path / "a.json").write_text(json.dumps(data))
    scribbles = davis.load(tmp_path / "a.json", sequence="s", num_frames=1)
    for read in (davis.to_prompts, davis.to_labels):
        with pytest.raises(ValueError, match="lies outside the 128x65 picture"):
            read(scribbles, height=65, width=128)
    with pytest.raises(ValueError, match="outside"):
        Prompts((Click(0, 1, x=x, y=32),)).check(num_frames=1, height=65, width=128, num_objects=1)
