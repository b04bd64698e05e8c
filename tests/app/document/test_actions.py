import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from civos_siaf.app.document import actions
from civos_siaf.app.document.actions import ActionError, AddBox, AddMask, from_json, to_json
from civos_siaf.masks import to_rle

whole, numbers = st.integers(0, 2**31 - 1), st.floats(-1e6, 1e6)
object_ids = st.integers(1, 254)
names = st.none() | st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=200)
colours = st.none() | st.from_regex(r"#[0-9a-f]{6}", fullmatch=True)
drawn = st.one_of(
    st.builds(actions.AddClick, whole, object_ids, numbers, numbers, st.booleans()),
    st.builds(
        actions.AddScribble,
        whole,
        whole,
        st.lists(st.tuples(numbers, numbers), min_size=1, max_size=30).map(tuple),
    ),
    st.builds(actions.AddBox, whole, object_ids, numbers, numbers, numbers, numbers),
    st.builds(actions.Clear, whole),
)
marks = st.builds(actions.Review, whole, st.sampled_from(["reviewed", "doubtful", None]))
others = st.one_of(
    st.builds(actions.AddObject, names, colours),
    st.builds(actions.ChangeObject, object_ids, names, colours, st.booleans()),
    st.builds(actions.DeleteObject, object_ids),
    st.sampled_from([actions.Commit(), actions.Propagate(), actions.Undo(), actions.Redo()]),
)


@given(drawn | marks | others)
def test_json_round_trip(action):
    assert from_json(json.loads(json.dumps(to_json(action)))) == action


def test_corners_of_a_box_may_come_in_any_order():
    assert AddBox(0, 1, 9, 2, 3, 8) == AddBox(0, 1, 3, 2, 9, 8)


@given(st.integers(1, 20), st.integers(1, 20), st.randoms(use_true_random=False))
def test_masks_keep_every_pixel(height, width, random):
    mask = np.array([[random.random() < 0.4 for _ in range(width)] for _ in range(height)])
    rle = to_rle(mask)
    action = from_json({"type": "mask", "frame": 0, "object": 1, "rle": rle})
    assert isinstance(action, AddMask)
    assert action.rle == rle
    assert to_json(action)["rle"] == rle


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ([], "JSON object"),
        ({}, "type"),
        ({"type": "boil"}, "boil"),
        ({"type": ["click"]}, "type"),
        ({"type": "clear"}, "frame"),
        ({"type": "clear", "frame": -1}, "0 or more"),
        ({"type": "clear", "frame": True}, "whole number"),
        ({"type": "clear", "frame": 1.0}, "whole number"),
        ({"type": "clear", "frame": 10**30}, "whole number"),
        ({"type": "clear", "frame": 1, "more": 2}, "more"),
        ({"type": "click", "frame": 0, "object": 0, "x": 1, "y": 1}, "object"),
        ({"type": "click", "frame": 0, "object": 1, "x": math.nan, "y": 1}, "x must be a finite"),
        ({"type": "click", "frame": 0, "object": 1, "x": 10**400, "y": 1}, "x must be a finite"),
        ({"type": "click", "frame": 0, "object": 1, "x": "1", "y": 1}, "x must be a number"),
        ({"type": "click", "frame": 0, "object": 1, "x": 1, "y": 1, "positive": 1}, "positive"),
        ({"type": "scribble", "frame": 0, "object": 1, "points": []}, "1 to 10000"),
        ({"type": "scribble", "frame": 0, "object": 1, "points": [[0, 0]] * 10_001}, "10001"),
        ({"type": "scribble", "frame": 0, "object": 1, "points": [[0, 0, 0]]}, r"\[x, y\]"),
        ({"type": "add_object", "name": "x" * 201}, "200"),
        ({"type": "add_object", "name": "  "}, "name"),
        ({"type": "add_object", "name": "a\nb"}, "one line"),
        ({"type": "add_object", "name": "\ud800"}, "one line"),
        ({"type": "add_object", "colour": "red"}, "#e6194b"),
        ({"type": "change_object", "object": 1}, "needs"),
        ({"type": "review", "frame": 1}, "status is missing"),
        ({"type": "review", "frame": 1, "status": "good"}, "reviewed, doubtful"),
        ({"type": "review", "frame": 1, "status": ["reviewed"]}, "reviewed, doubtful"),
        ({"type": "mask", "frame": 0, "object": 1, "rle": {"size": [4, 4]}}, "counts"),
        ({"type": "mask", "frame": 0, "object": 1, "rle": {"size": [4, 4], "counts": "04"}}, "expected 16"),
        ({"type": "mask", "frame": 0, "object": 1, "rle": {"size": [0, 4], "counts": ""}}, "size"),
    ],
)
def test_bad_actions_say_what_is_wrong(data, words):
    with pytest.raises(ActionError, match=words):
        from_json(data)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
fields = st.sampled_from(["frame", "object", "x", "y", "points", "rle", "name", "colour", "status", "hidden"])


@given(st.sampled_from(["click", "scribble", "mask", "review", "add_object", "change_object"]), st.data())
def test_anything_else_is_an_action_error(kind, data):
    record = {"type": kind} | data.draw(st.dictionaries(fields, json_values, max_size=6))
    try:
        action = from_json(record)
    except ActionError:
        return
    assert from_json(to_json(action)) == action
