import copy
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from civos_siaf.app.exports import export
from civos_siaf.app.exports.polygons import edge_outline
from civos_siaf.app.imports import mask_actions, object_actions, read_masks
from civos_siaf.masks import to_rle
from tests.app.exports.fakes import FakeAnnotation, FakeObject, scene
from tests.app.imports.test_png import drawn


@pytest.fixture
def annotation():
    return FakeAnnotation(scene(), objects=[FakeObject(n, f"name {n}") for n in (1, 2, 3)])


@pytest.fixture
def write(tmp_path):
    def write(content):
        path = tmp_path / "in.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


def square(**more):
    """One image with one annotation."""
    mask = np.zeros((37, 51), bool)
    mask[5:9, 6:12] = True
    image = {"id": 9, "file_name": "00002.jpg", "height": 37, "width": 51}
    entry = {"id": 1, "image_id": 9, "category_id": 4, "segmentation": to_rle(mask)} | more
    return {"images": [image], "categories": [{"id": 4, "name": "dog"}], "annotations": [entry]}, mask


def test_our_own_export_comes_back(annotation, tmp_path):
    path = export(annotation, "coco", tmp_path / "out.json")
    imported = read_masks(path, "coco", annotation.frames)
    assert imported.frames == (0, 2, 3)
    assert dict(imported.names) == {n: f"name {n}" for n in (1, 2, 3)}
    np.testing.assert_array_equal(drawn(mask_actions(imported), annotation.video), annotation.video)
    assert next(iter(object_actions(imported))) == (1, {"type": "add_object", "name": "name 1"})


def test_polygons_and_plain_run_lengths(annotation, write):
    _, mask = square()
    polygon = [edge_outline(mask).ravel().tolist()]
    flat = mask.ravel(order="F")
    ends = np.flatnonzero(np.diff(flat.astype(int))) + 1
    plain = np.diff([0, *ends, flat.size]).tolist()
    for shape in (polygon, {"size": [37, 51], "counts": plain}):
        imported = read_masks(write(square(segmentation=shape)[0]), "coco", annotation.frames)
        assert imported.frames == (2,)
        np.testing.assert_array_equal(imported.labels(2), mask)
        assert dict(imported.names) == {1: "dog"}


def test_without_tracks(annotation, write):
    data, _ = square()
    other = np.zeros((37, 51), bool)
    other[20:25, 6:12] = True
    data["annotations"].append(dict(data["annotations"][0], id=2, segmentation=to_rle(other)))
    imported = read_masks(write(data), "coco", annotation.frames, frame=1)
    assert imported.frames == (1,)
    assert dict(imported.names) == {1: "dog", 2: "dog"}
    data["images"].append(dict(data["images"][0], id=10, file_name="00003.jpg"))
    data["annotations"][1]["image_id"] = 10
    imported = read_masks(write(data), "coco", annotation.frames)
    assert (imported.frames, dict(imported.names)) == ((2, 3), {1: "dog"})
    data["annotations"].append(dict(data["annotations"][0]))
    with pytest.raises(ValueError, match="several annotations of category 4 without track_id"):
        read_masks(write(data), "coco", annotation.frames)


def change(data, where, value):
    data = copy.deepcopy(data)
    target = data
    for key in where[:-1]:
        target = target[key]
    if value is KeyError:
        del target[where[-1]]
    else:
        target[where[-1]] = value
    return data


SHAPE = ("annotations", 0, "segmentation")


@pytest.mark.parametrize(
    ("where", "value", "message"),
    [
        (("images", 0, "height"), 38, "image 9 is 51x38 pixels, the video 51x37"),
        (("images", 0, "file_name"), "00004.jpg", "frame 4, the video has frames 0 to 3; .* first=1"),
        (("images", 0, "frame_index"), 4, "frame 4: the video has"),
        (("images", 0, "frame_index"), "2", "frame '2': the video has"),
        (("images", 0, "id"), KeyError, "not a COCO file of masks"),
        (("annotations",), [], "there is no mask in it"),
        (("annotations",), 3, "must be a list of objects"),
        (("annotations",), ["a"], "must be a list of objects"),
        (("annotations", 0, "image_id"), 1, "image 1, which is not listed"),
        (("annotations", 0, "image_id"), [1], "not a COCO file"),
        (SHAPE, KeyError, "frame 2: KeyError"),
        ((*SHAPE, "size"), [37, 52], "run lengths of size"),
        ((*SHAPE, "counts"), "999", "run lengths|of .* pixels"),
        ((*SHAPE, "counts"), "\u20ac", "foreign character"),
        ((*SHAPE, "counts"), [1, 2**40], "do not fill the frame"),
        ((*SHAPE, "counts"), [-1, 37 * 51 + 1], "do not fill the frame"),
        ((*SHAPE, "counts"), None, "frame 2: "),
        (SHAPE, [[1, 2, 3, 4]], "three corners or more, this one 4 numbers"),
        (SHAPE, [], "there is no mask in it"),
        (SHAPE, [[900, 900, 1000, 900, 900, 1000]], "there is no mask in it"),
        (SHAPE, [[0, 0, float("nan"), 0, 0, 5]], "a corner of a polygon is no number"),
        (SHAPE, [[0, 0, 50, 36] * 2000], "edges"),
        (SHAPE, [["a"] * 6], "frame 2: "),
        (SHAPE, 5, "frame 2: "),
    ],
)
def test_bad_entries(where, value, message, annotation, write):
    with pytest.raises(ValueError, match=message):
        read_masks(write(change(square()[0], where, value)), "coco", annotation.frames)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"images": [' + "[" * 100_000, "\x00", '{"images": {}}'])
def test_not_coco(text, annotation, write):
    with pytest.raises(ValueError, match=r"in\.json"):
        read_masks(write(text), "coco", annotation.frames)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 300) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
PLACES = (
    ("images",),
    ("images", 0),
    ("images", 0, "id"),
    ("images", 0, "width"),
    ("images", 0, "frame_index"),
    ("images", 0, "file_name"),
    ("annotations",),
    ("annotations", 0),
    ("annotations", 0, "image_id"),
    ("annotations", 0, "track_id"),
    ("annotations", 0, "category_id"),
    ("categories",),
    ("categories", 0),
    ("categories", 0, "name"),
    SHAPE,
    (*SHAPE, "size"),
    (*SHAPE, "counts"),
)


@given(where=st.sampled_from(PLACES), value=JSON)
@settings(max_examples=100)
def test_anything_is_read_or_refused_with_a_clear_error(tmp_path_factory, where, value):
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_text(json.dumps(change(square()[0], where, value)))
    annotation = FakeAnnotation(scene())
    try:
        imported = read_masks(path, "coco", annotation.frames)
    except ValueError as error:
        assert "any.json" in str(error)  # noqa: PT017 - other values are read
        return
    for action in mask_actions(imported):
        assert 0 <= action["frame"] < 4


def test_formats(annotation, tmp_path):
    with pytest.raises(ValueError, match="no import format 'tiff'; there are png, coco"):
        read_masks(tmp_path, "tiff", annotation.frames)
    with pytest.raises(FileNotFoundError):
        read_masks(tmp_path / "none.json", "coco", annotation.frames)


def test_names_that_a_project_does_not_take(annotation, write):
    data, _ = square()
    data["categories"][0]["name"] = "\x00\n a\u202eb" + "x" * 300
    ((_, action),) = object_actions(read_masks(write(data), "coco", annotation.frames))
    assert action["name"].startswith("ab")
    assert len(action["name"]) == 200
    data["categories"][0]["name"] = "\n"
    ((_, action),) = object_actions(read_masks(write(data), "coco", annotation.frames))
    assert "name" not in action


def rectangle(top, left, bottom, right):
    mask = np.zeros((37, 51), bool)
    mask[top:bottom, left:right] = True
    return mask


def test_the_smaller_of_overlapping_masks_is_on_top(annotation, write):
    data, _ = square(track_id=1, segmentation=to_rle(rectangle(5, 5, 10, 10)))
    data["annotations"] += square(track_id=2, segmentation=to_rle(rectangle(0, 0, 30, 30)))[0]["annotations"]
    imported = read_masks(write(data), "coco", annotation.frames)
    assert (imported.labels(2) == 1).sum() == 25
    assert (imported.labels(2) == 2).sum() == 875
    assert "masks overlap in 1 frames; the smaller one is on top" in imported.notes


def test_what_is_hidden_or_empty_is_said(annotation, write):
    data, mask = square(track_id=1)
    data["annotations"] += square(track_id=2)[0]["annotations"]
    data["annotations"] += square(track_id=3, segmentation=[])[0]["annotations"]
    imported = read_masks(write(data), "coco", annotation.frames)
    assert set(imported.names) == {1, 2}
    assert "object 1 is wholly below others" in imported.notes
    assert "object 3 is without a pixel, and left out" in imported.notes
    assert ((imported.labels(2) == 2) == mask).all()


def test_sizes_may_be_missing_and_polygons_are_cut_off(annotation, write):
    data, _ = square(segmentation=[[-500, -400, 25.5, -400, 25.5, 900, -500, 900]])
    del data["images"][0]["width"], data["images"][0]["height"]
    labels = read_masks(write(data), "coco", annotation.frames).labels(2)
    assert (labels[:, :25] == 1).all()
    assert (labels[:, 26:] == 0).all()


def test_tracks_among_the_attributes(annotation, write):
    data, _ = square(attributes={"track_id": 7, "occluded": False})
    data["annotations"].append(dict(data["annotations"][0], attributes={"track_id": 9}))
    assert set(read_masks(write(data), "coco", annotation.frames).names) == {7, 9}


def test_youtube_vis(annotation, write):
    size = {"width": 51, "height": 37}
    shapes = [None, to_rle(rectangle(1, 1, 5, 5)), None, to_rle(rectangle(2, 2, 6, 6))]
    entry = {"id": 4, "video_id": 1, "category_id": 4, "segmentations": shapes}
    video = {"id": 1, **size, "length": 4, "file_names": [f"clip/{t:05d}.jpg" for t in range(4)]}
    other = {"id": 2, **size, "length": 9, "file_names": [f"x/{t}.jpg" for t in range(9)]}
    data = {"videos": [video, other], "categories": [{"id": 4, "name": "dog"}], "annotations": [entry]}
    imported = read_masks(write(data), "coco", annotation.frames)
    assert (imported.frames, dict(imported.names)) == ((1, 3), {4: "dog"})
    np.testing.assert_array_equal(imported.labels(3), rectangle(2, 2, 6, 6) * 4)
    data["annotations"].append(entry | {"video_id": 2, "segmentations": [None] * 9})
    assert read_masks(write(data), "coco", annotation.frames).frames == (1, 3)
    video["length"], video["file_names"] = 5, None
    with pytest.raises(ValueError, match="it is of 2 videos, and none of them have 4 frames of 51x37"):
        read_masks(write(data), "coco", annotation.frames)


def test_lists_of_results(annotation, write):
    result = {"category_id": 1, "score": 0.9, "segmentation": to_rle(rectangle(1, 1, 5, 5))}
    imported = read_masks(write([{"image_id": t, **result} for t in (0, 3)]), "coco", annotation.frames)
    assert (imported.frames, set(imported.names)) == ((0, 3), {1})
    shapes = [to_rle(rectangle(1, 1, 5, 5)), None, None, None]
    video = [{"video_id": 3, "category_id": 1, "segmentations": shapes}]
    assert read_masks(write(video), "coco", annotation.frames).frames == (0,)


def test_a_byte_order_mark(annotation, tmp_path):
    (tmp_path / "bom.json").write_bytes(b"\xef\xbb\xbf" + json.dumps(square()[0]).encode())
    assert read_masks(tmp_path / "bom.json", "coco", annotation.frames).frames == (2,)
