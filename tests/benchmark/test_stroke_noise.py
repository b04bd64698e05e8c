import numpy as np
import pytest

from civos_siaf.benchmark import DavisDataset, Evaluation, FixedClock, Rules, StrokeNoise
from civos_siaf.benchmark.stroke_noise import shortened

HEIGHT, WIDTH = 100, 200


def strokes(*paths):
    lines = [{"path": path, "object_id": 1, "start_time": 0.0, "end_time": 1.0} for path in paths]
    return {"scribbles": [lines, []], "sequence": "bear"}


def pixels(scribbles, line=0):
    return np.array(scribbles["scribbles"][0][line]["path"]) * (WIDTH, HEIGHT)


STRAIGHT = [[0.3 + 0.001 * n, 0.5] for n in range(401)]
"""80 pixels long."""


def test_strokes_are_moved_by_a_part_of_the_shorter_side():
    before = strokes(STRAIGHT, STRAIGHT)
    after = StrokeNoise(shift=0.05)(before, height=HEIGHT, width=WIDTH)
    moves = [pixels(after, line) - pixels(before, line) for line in (0, 1)]
    for move in moves:
        assert np.linalg.norm(move, axis=1) == pytest.approx(np.full(401, 5.0))
    assert not np.allclose(*moves)  # each in a direction of its own
    again = StrokeNoise(shift=0.1)(before, height=HEIGHT, width=WIDTH)
    assert pixels(again) - pixels(before) == pytest.approx(2 * moves[0])
    assert after == StrokeNoise(shift=0.05)(before, height=HEIGHT, width=WIDTH)
    assert after != StrokeNoise(shift=0.05, seed=1)(before, height=HEIGHT, width=WIDTH)
    assert after["scribbles"][1] == []


def test_strokes_stay_in_the_frame():
    after = StrokeNoise(shift=1)(strokes(STRAIGHT), height=HEIGHT, width=WIDTH)
    path = np.array(after["scribbles"][0][0]["path"])
    assert path.min() >= 0
    assert path.max() <= 1
    assert 0 in path or 1 in path


def test_a_part_of_the_length_is_left():
    path = pixels(strokes(STRAIGHT))
    for place in (0, 0.3, 1):
        left = shortened(path, keep=0.5, place=place)
        assert np.ptp(left[:, 0]) == pytest.approx(40, abs=0.5)
        assert left[0, 0] == pytest.approx(60 + 40 * place, abs=0.5)
    assert len(shortened(path, keep=0, place=0.33)) == 1
    assert shortened(path, keep=1, place=0.7) is path
    assert len(shortened(path[:1], keep=0.5, place=0.7)) == 1


def test_values_outside_their_range_are_refused():
    with pytest.raises(ValueError, match=r"shift must be in \[0, 1\].*got -0.1"):
        StrokeNoise(shift=-0.1)
    with pytest.raises(ValueError, match=r"keep must be in \[0, 1\].*got 2"):
        StrokeNoise(keep=2)


class Looks:
    """Keeps the strokes that it is given, and finds nothing."""

    def __init__(self):
        self.given = []

    def open(self, frames, *, num_objects):
        self.labels = np.zeros((len(frames), frames.height, frames.width), np.uint8)
        return self

    def interact(self, prompts):
        self.given.append([scribble.points for scribble in prompts.scribbles])
        return {}

    def propagate(self):
        return self.labels


def played(rules):
    method = Looks()
    evaluation = Evaluation(method, DavisDataset(sequences=["mini-a"]), rules=rules, clock=FixedClock())
    return evaluation.record, [
        (r.scores.annotated_frames, g) for r, g in zip(evaluation.play(), method.given, strict=False)
    ]


def test_a_method_sees_changed_strokes_and_the_robot_true_errors():
    plain, before = played(Rules(max_rounds=2))
    noted, after = played(Rules(max_rounds=2, strokes=StrokeNoise(shift=0.05)))
    assert [frames for frames, _ in before] == [frames for frames, _ in after]
    for (_, old), (_, new) in zip(before, after, strict=True):
        assert [len(points) for points in old] == [len(points) for points in new]
        assert all(not np.allclose(a, b) for a, b in zip(old, new, strict=True))
    assert "strokes" not in plain.settings["rules"]  # as before there were any
    assert noted.settings["rules"]["strokes"] == {"shift": 0.05, "keep": 1.0, "seed": 0}
    assert plain.session_id != noted.session_id
