from hypothesis import given
from hypothesis import strategies as st

from civos_siaf.app.exports.names import Categories, frame_names, safe_name, video_name
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
