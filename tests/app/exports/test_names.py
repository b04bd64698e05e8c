import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from civos_siaf.app.exports import export
from civos_siaf.app.exports.names import Categories, frame_names, safe_name, video_name
from civos_siaf.video.frames import Frames
from tests.app.exports.fakes import FakeAnnotation, FakeObject


@given(st.text(st.characters(codec=None), max_size=300))
def test_any_text_becomes_a_plain_file_name(text):
    name = safe_name(text)
    assert 0 < len(name.encode()) <= 125
    assert not set(name) & set('/\\:*?"<>|\0\n')
    assert name[0] != "."
    assert ".." not in name
    assert name.partition(".")[0].lower() not in ("con", "nul", "com1")
    assert safe_name(name) == name


def test_frame_names():
    class Named:
        def __init__(self, stems):
            self.stems = stems

        def __len__(self):
            return len(self.stems)

        def name(self, index):
            return self.stems[index]

    def names(*stems):
        annotation = FakeAnnotation([[[0]]])
        annotation.frames = Named(stems)
        return frame_names(annotation)

    assert names("IMG_2", "IMG_10") == ["IMG_2", "IMG_10"]
    assert names("a", "A") == ["00000", "00001"]
    assert names("a b", "c") == ["00000", "00001"]
    assert names(*(f"{t:05d}" for t in range(100_002)))[-1] == "100001"
    assert names(*(f"{t:05d}" for t in range(100_002)))[0] == "000000"


def test_video_name():
    assert video_name(FakeAnnotation([[[0]]], name="my clip.MP4")) == "my_clip"
    assert video_name(FakeAnnotation([[[0]]], name="v1.2")) == "v1.2"


def test_categories_by_object_are_all_different():
    objects = [FakeObject(1, "a"), FakeObject(2, "a (3)"), FakeObject(3, "a")]
    classes = Categories(objects, by="objects", first=1)
    assert len(set(classes.names.values())) == 3
    assert sorted(classes.of.values()) == [1, 2, 3]


def test_a_table_tells_the_names_of_the_images(tmp_path):
    for name in ("shot 1.png", "shot 2.png"):
        Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / name)
    annotation = FakeAnnotation(np.ones((2, 4, 4), np.uint8), frames=Frames.open(tmp_path))
    for format in ("davis", "youtube_vos", "yolo", "label_studio"):
        folder = export(annotation, format, tmp_path / format)
        table = (folder / "frame_names.csv").read_text()
        assert table == "image,name_here\nshot 1,00000\nshot 2,00001\n"
    coco = json.loads(export(annotation, "coco", tmp_path / "out.json").read_text())
    assert [image["original_name"] for image in coco["images"]] == ["shot 1", "shot 2"]


def test_no_table_where_names_are_kept(tmp_path):
    folder = export(FakeAnnotation(np.ones((2, 4, 4), np.uint8)), "davis", tmp_path / "davis")
    assert not (folder / "frame_names.csv").exists()
