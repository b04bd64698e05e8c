"""CVAT XML read with the standard library and a decoder of its own."""

import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
from hypothesis import given, settings

from civos_siaf.app.exports import export
from tests.app.exports.fakes import HOSTILE, FakeAnnotation, FakeObject, label_videos
from tests.app.exports.test_polygons import windings


def decode(shape, element):
    """The mask of a <mask>: runs of background and object in turn, row by row in a box."""
    box = {key: int(element.get(key)) for key in ("left", "top", "width", "height")}
    pixels = []
    for index, length in enumerate(element.get("rle").split(",")):
        pixels += [index % 2 == 1] * int(length)
    mask = np.zeros(shape, bool)
    part = np.array(pixels).reshape(box["height"], box["width"])
    mask[box["top"] : box["top"] + box["height"], box["left"] : box["left"] + box["width"]] = part
    return mask


def label_video(root):
    """Labels (T, H, W) as the tracks say: what is shown stays until it is outside."""
    task = root.find("meta/task")
    size = task.find("original_size")
    shape = (int(size.find("height").text), int(size.find("width").text))
    video = np.zeros((int(task.find("size").text), *shape), np.uint8)
    for track in root.iter("track"):
        shapes = {int(element.get("frame")): element for element in track}
        assert all(element.get("keyframe") == "1" for element in track)
        shown = None
        for t in range(len(video)):
            shown = shapes.get(t, shown)
            if shown is None or shown.get("outside") == "1":
                continue
            if shown.tag == "mask":
                mask = decode(shape, shown)
            else:
                points = [tuple(map(float, pair.split(","))) for pair in shown.get("points").split(";")]
                mask = windings(np.array(points), shape) != 0
            assert not video[t][mask].any()
            video[t][mask] = int(track.get("group_id"))
    return video


@given(label_videos())
@settings(max_examples=25)
def test_masks_and_polygons_come_back(video):
    with tempfile.TemporaryDirectory() as folder:
        for shapes, tracks in (("masks", "frames"), ("masks", "objects"), ("polygons", "frames")):
            target = Path(folder) / f"{shapes}.xml"
            export(FakeAnnotation(video), "cvat", target, options={"shapes": shapes, "tracks": tracks})
            np.testing.assert_array_equal(label_video(ElementTree.parse(target).getroot()), video)


def test_tracks(annotation, tmp_path):
    annotation.name = HOSTILE
    annotation.objects = [FakeObject(1, HOSTILE), FakeObject(2, "dog"), FakeObject(3, "dog")]
    root = ElementTree.parse(export(annotation, "cvat", tmp_path / "a.xml")).getroot()
    assert root.find("version").text == "1.1"
    names = [name.text for name in root.iterfind("meta/task/labels/label/name")]
    assert names == [HOSTILE.replace("\x00", "\ufffd"), "dog"]
    tracks = list(root.iter("track"))
    assert [track.get("id") for track in tracks] == [str(n) for n in range(6)]
    # CVAT keeps the first mask of a track alone.
    for track in tracks:
        assert [element.get("outside") for element in track] in (["0", "1"], ["0"])
        assert track.get("label") in names
    options = {"shapes": "polygons"}
    root = ElementTree.parse(export(annotation, "cvat", tmp_path / "b.xml", options=options)).getroot()
    assert [track.get("group_id") for track in root.iter("track")] == ["1", "2", "3"]


def test_key_frames_where_a_mask_changes(tmp_path):
    video = np.zeros((9, 6, 8), np.uint8)
    video[1:6, 1:4, 1:4] = 1
    video[3, 1, 1] = 0  # another mask in frame 3 alone
    found = {}
    for shapes in ("masks", "polygons"):
        options = {"shapes": shapes, "tracks": "objects"}
        path = export(FakeAnnotation(video), "cvat", tmp_path / "a.xml", options=options)
        (track,) = ElementTree.parse(path).getroot().iter("track")
        found[shapes] = [(int(element.get("frame")), element.get("outside")) for element in track]
    assert found["masks"] == [(1, "0"), (3, "0"), (4, "0"), (6, "1")]
    # Corners move between two key frames, so a polygon that stays has one at either end.
    assert found["polygons"] == [(1, "0"), (2, "0"), (3, "0"), (4, "0"), (5, "0"), (6, "1")]
