import tracemalloc
import zipfile

import numpy as np
import pytest

from civos_siaf.app.exports import export, export_file, exporter, formats
from civos_siaf.video.frames import Frames
from tests.app.exports.fakes import HOSTILE, FakeAnnotation, FakeObject, scene

ALL = ("davis", "youtube_vos", "coco", "yolo", "cvat", "label_studio", "overlay", "matte")


def target(folder, format):
    return folder / f"out{exporter(format).suffix}"


def test_formats_describe_themselves():
    entries = formats()
    assert [entry["id"] for entry in entries] == list(ALL)
    for entry in entries:
        defaults = {option["name"]: option["default"] for option in entry["options"]}
        assert exporter(entry["id"], defaults) == exporter(entry["id"])
        assert all(option["help"] and option["type"] for option in entry["options"])
    every = next(o for o in entries[1]["options"] if o["name"] == "every")
    assert every == {"name": "every", "type": "int", "default": 5, "help": every["help"], "least": 1}


@pytest.mark.parametrize(
    ("format", "options", "message"),
    [
        ("dxf", {}, "no export format 'dxf'"),
        ("coco", {"colour": 1}, "no option 'colour'; it has categories, classes, segmentation, frames"),
        ("coco", {"every": 0}, r"every must be in \[1"),
        ("coco", {"every": True}, "every must be int, got True"),
        ("coco", {"every": 1.5}, "every must be int"),
        ("coco", {"categories": "ids"}, "one of names, objects, got 'ids'"),
        ("overlay", {"opacity": float("nan")}, "opacity must be in"),
        ("davis", {"images": 1}, "images must be bool"),
        ("davis", {"frames": "some"}, "one of all, reviewed"),
    ],
)
def test_wrong_options(format, options, message):
    with pytest.raises(ValueError, match=message):
        exporter(format, options)


@pytest.mark.parametrize("format", ALL)
def test_nothing_is_left_of_an_export_that_fails(format, annotation, tmp_path):
    def stop(done, total):
        if done >= 2:
            raise RuntimeError("cancelled")

    with pytest.raises(RuntimeError, match="cancelled"):
        export(annotation, format, target(tmp_path, format), progress=stop)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("format", ALL)
def test_the_same_files_twice(format, annotation, tmp_path):
    packed = [export_file(annotation, format, tmp_path / name).read_bytes() for name in "ab"]
    assert packed[0] == packed[1]


@pytest.mark.parametrize("format", ALL)
def test_hostile_names_stay_inside(format, annotation, tmp_path):
    annotation.name = HOSTILE
    annotation.objects = [FakeObject(n, HOSTILE) for n in (1, 2, 3)]
    inside = tmp_path / "a" / "b" / "c"
    path = export_file(annotation, format, inside)
    assert path.parent == inside
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files == [path]
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
            for name in archive.namelist():
                assert not name.startswith("/")
                assert ".." not in name.split("/")


@pytest.mark.parametrize("format", ALL)
def test_labels_are_checked(format, tmp_path):
    video = scene()
    cases = [
        (FakeAnnotation(video, objects=[FakeObject(1, "a"), FakeObject(2, "b")]), "frame 0 has the label 3"),
        (FakeAnnotation(video, frames=Frames.open(np.zeros((4, 30, 51, 3), np.uint8))), "labels of frame 0"),
        (FakeAnnotation(video, objects=[FakeObject(255, "a")]), "object 255: 8-bit"),
        (FakeAnnotation(video, objects=[FakeObject(1, "a"), FakeObject(1, "b")]), "same number"),
        (FakeAnnotation(video, objects=[FakeObject(n, "a") for n in range(1, 300)]), "at most 254"),
    ]
    for annotation, message in cases:
        with pytest.raises(ValueError, match=message):
            export(annotation, format, target(tmp_path, format))
    assert list(tmp_path.iterdir()) == []


def test_targets(annotation, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("keep")
    with pytest.raises(ValueError, match="exists already"):
        export(annotation, "davis", tmp_path / "full")
    assert (tmp_path / "full" / "mine.txt").read_text() == "keep"
    (tmp_path / "empty").mkdir()
    export(annotation, "davis", tmp_path / "empty")
    with pytest.raises(ValueError, match="this is a folder"):
        export(annotation, "coco", tmp_path / "full")
    with pytest.raises(ValueError, match=r"overlay writes \.mp4"):
        export(annotation, "overlay", tmp_path / "a.json")


class Long(FakeAnnotation):
    """2000 frames that exist only when asked for."""

    def __init__(self):
        class Source:
            def __len__(self):
                return 2000

            def read(self, index):
                return np.full((60, 80, 3), index % 200, np.uint8)

            def name(self, index):
                return f"{index:05d}"

        super().__init__(np.ones((1, 1, 1)), frames=Frames(Source(), cache_bytes=1 << 16))

    def labels(self, frame):
        labels = np.zeros((60, 80), np.uint8)
        labels[10:40, frame % 40 : frame % 40 + 30] = 1
        return labels


@pytest.mark.parametrize("format", ["coco", "cvat", "davis"])
def test_memory_does_not_grow_with_the_video(format, tmp_path):
    export(Long(), format, target(tmp_path, format), options={})  # the interpreter's tables grow once
    (tmp_path / "again").mkdir()
    tracemalloc.start()
    export(Long(), format, target(tmp_path / "again", format), options={})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # All labels at once would be 9.6 MB.
    assert peak < 2_500_000
