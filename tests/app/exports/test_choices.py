"""Options that many formats share: which frames, and fixed numbers of classes."""

import json
import xml.etree.ElementTree as ElementTree

import pytest
import yaml

from civos_siaf.app.exports import export, exporter, read_class_file
from tests.app.exports.fakes import FakeAnnotation, FakeObject, scene

WITH_FRAMES = ("davis", "youtube_vos", "coco", "yolo", "cvat", "label_studio")


def target(folder, format):
    return folder / f"out{exporter(format).suffix}"


def written(path, format):
    """The frames that an export holds."""
    if format == "davis":
        return sorted(int(file.stem) for file in path.glob("Annotations/*/*/*.png"))
    if format == "youtube_vos":
        return sorted(int(file.stem) for file in path.glob("Annotations/*/*.png"))
    if format == "coco":
        return [image["frame_index"] for image in json.loads(path.read_text())["images"]]
    if format == "yolo":
        assert len(list(path.glob("images/*.jpg"))) == len(list(path.glob("labels/*.txt")))
        return sorted(int(file.stem.rpartition("_")[2]) for file in path.glob("labels/*.txt"))
    if format == "cvat":
        shapes = ElementTree.parse(path).getroot().iter("mask")
        return sorted({int(shape.get("frame")) for shape in shapes if shape.get("outside") == "0"})
    return [task["data"]["frame"] for task in json.loads((path / "tasks.json").read_text())]


@pytest.mark.parametrize("format", WITH_FRAMES)
def test_reviewed_frames_whatever_every_is(format, tmp_path):
    annotation = FakeAnnotation(scene(), reviewed=(3, 2))
    path = export(annotation, format, target(tmp_path, format), options={"frames": "reviewed"})
    assert written(path, format) == [2, 3]


@pytest.mark.parametrize("format", WITH_FRAMES)
def test_nothing_reviewed_is_said(format, tmp_path):
    with pytest.raises(ValueError, match="no frame is marked as reviewed"):
        export(FakeAnnotation(scene()), format, target(tmp_path, format), options={"frames": "reviewed"})
    assert list(tmp_path.iterdir()) == []


def classes(path, format):
    """Names by number, or in order where a format has no numbers."""
    if format == "coco":
        return {entry["id"]: entry["name"] for entry in json.loads(path.read_text())["categories"]}
    if format == "yolo":
        return yaml.safe_load((path / "data.yaml").read_text())["names"]
    names = ElementTree.parse(path).getroot().iterfind("meta/task/labels/label/name")
    return dict(enumerate(name.text for name in names))


def used(path, format, expected):
    """The numbers of the classes of which there are objects."""
    if format == "coco":
        return {entry["category_id"] for entry in json.loads(path.read_text())["annotations"]}
    if format == "yolo":
        lines = "".join(file.read_text() for file in path.glob("labels/*.txt")).splitlines()
        return {int(line.split()[0]) for line in lines}
    labels = {track.get("label") for track in ElementTree.parse(path).getroot().iter("track")}
    return {key for key, label in expected.items() if label in labels}


@pytest.mark.parametrize(("format", "first"), [("coco", 1), ("yolo", 0), ("cvat", 0)])
def test_numbers_of_classes_agree_between_videos(format, first, tmp_path):
    (tmp_path / "names.txt").write_text("cat\nred, or blue car\ndog\n\n", encoding="utf-8-sig")
    options = read_class_file({"classes": str(tmp_path / "names.txt")})
    expected = dict(enumerate(("cat", "red, or blue car", "dog"), first))
    for number, name in enumerate(("dog", "red, or blue car")):
        annotation = FakeAnnotation(scene() * (scene() == 1), objects=[FakeObject(1, name)])
        (tmp_path / str(number)).mkdir()
        path = export(annotation, format, target(tmp_path / str(number), format), options=options)
        assert classes(path, format) == expected
        assert used(path, format, expected) == {key for key, label in expected.items() if label == name}


@pytest.mark.parametrize("format", ["coco", "yolo", "cvat"])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"classes": "cat, horse"}, "object 1 is called 'dog'; classes has cat, horse"),
        ({"classes": "dog,dog"}, "'dog' is there twice"),
    ],
)
def test_classes_that_do_not_fit(format, options, message, tmp_path):
    annotation = FakeAnnotation(scene() * (scene() == 1), objects=[FakeObject(1, "dog")])
    with pytest.raises(ValueError, match=message):
        export(annotation, format, target(tmp_path, format), options=options)
    assert list(tmp_path.iterdir()) == []


def test_classes_are_a_file_or_a_list(tmp_path):
    assert read_class_file({"classes": ["a", "b,c"], "every": 2}) == {"classes": "a\nb,c\n", "every": 2}
    assert read_class_file({"classes": "a,b"}) == {"classes": "a,b"}
    with pytest.raises(ValueError, match="no such file"):
        read_class_file({"classes": str(tmp_path / "names.txt")})
    options = {"classes": "object 1", "categories": "objects"}
    with pytest.raises(ValueError, match="need categories=names"):
        export(FakeAnnotation(scene()), "coco", tmp_path / "a.json", options=options)
