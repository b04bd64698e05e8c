import io
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from civos_siaf.app.document.actions import from_json
from civos_siaf.app.exports import export, export_file
from civos_siaf.app.imports import mask_actions, object_actions, picture_files, read_masks
from civos_siaf.masks import from_rle, palette_image, write_png
from civos_siaf.video.frames import Frames
from tests.app.exports.fakes import FakeAnnotation, scene


@pytest.fixture
def annotation():
    return FakeAnnotation(scene())


def png(pixels, mode=None):
    file = io.BytesIO()
    (palette_image(pixels) if mode is None else Image.fromarray(pixels).convert(mode)).save(file, "PNG")
    return file.getvalue()


def drawn(actions, like):
    """Label maps that the actions draw."""
    video = np.zeros_like(like)
    for data in actions:
        action = from_json(data)
        video[action.frame][from_rle(action.rle)] = action.object_id
    return video


def test_our_own_davis_export_comes_back(annotation, tmp_path):
    options = {"images": True}
    packed = export_file(annotation, "davis", tmp_path, options=options)
    folder = export(annotation, "davis", tmp_path / "folder", options=options)
    for path in (packed, folder, folder / "Annotations" / "480p" / "clip"):
        imported = read_masks(path, "png", annotation.frames)
        assert imported.frames == (0, 1, 2, 3)
        assert dict(imported.names) == {1: None, 2: None, 3: None}
        np.testing.assert_array_equal(drawn(mask_actions(imported), annotation.video), annotation.video)


def test_numbers_and_frames_can_be_chosen(annotation, tmp_path):
    imported = read_masks(export_file(annotation, "davis", tmp_path), "png", annotation.frames)
    added = dict(object_actions(imported))
    assert added == {n: {"type": "add_object"} for n in (1, 2, 3)}
    actions = list(mask_actions(imported, {1: 11, 2: 12, 3: 13}, frames=[0]))
    assert [(action["frame"], action["object"]) for action in actions] == [(0, 11), (0, 12), (0, 13)]


def test_one_png_for_one_frame(annotation, tmp_path):
    write_png(tmp_path / "whatever.png", annotation.video[0])
    imported = read_masks(tmp_path / "whatever.png", "png", annotation.frames, frame=2)
    assert imported.frames == (2,)
    np.testing.assert_array_equal(imported.labels(2), annotation.video[0])
    with pytest.raises(ValueError, match="says no frame number"):
        read_masks(tmp_path / "whatever.png", "png", annotation.frames)
    with pytest.raises(ValueError, match="frame 4: the video has frames 0 to 3"):
        read_masks(tmp_path / "whatever.png", "png", annotation.frames, frame=4)


def test_white_on_black_is_one_object_and_void_is_background(annotation, tmp_path):
    mask = np.zeros((37, 51), np.uint8)
    mask[3:9, 4:8] = 255
    (tmp_path / "1.png").write_bytes(png(mask, "L"))
    (tmp_path / "2.png").write_bytes(png(mask, "1"))
    for number in (1, 2):
        imported = read_masks(tmp_path / f"{number}.png", "png", annotation.frames)
        np.testing.assert_array_equal(imported.labels(number), mask > 0)
    mask[20, 20] = 7
    write_png(tmp_path / "3.png", mask)
    imported = read_masks(tmp_path / "3.png", "png", annotation.frames)
    assert set(imported.names) == {7}
    assert np.argwhere(imported.labels(3)).tolist() == [[20, 20]]


def test_names_of_frames_come_before_numbers(tmp_path):
    for number in (7, 8):
        Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / f"shot{number}.jpg")
    frames = Frames.open(tmp_path)
    write_png(tmp_path / "masks" / "shot8.png", np.ones((4, 4), np.uint8))
    assert read_masks(tmp_path / "masks", "png", frames).frames == (1,)


def bad_files():
    good = png(np.ones((37, 51), np.uint8))
    yield "0.png", png(np.ones((36, 51), np.uint8)), r"0.png: it is 51x36 pixels, the video 51x37"
    yield "4.png", good, "4.png: frame 4, the video has frames 0 to 3"
    yield "0.png", good[:60], "0.png: "
    yield "0.png", png(np.zeros((37, 51), np.uint8)), "there is no mask in it"
    yield "0.png", png(np.full((37, 51, 3), (255, 0, 0), np.uint8), "RGB"), "no pixel is black.*#ff0000"
    deep = io.BytesIO()
    Image.fromarray(np.full((37, 51), 300, np.uint16)).save(deep, "PNG")
    yield "0.png", deep.getvalue(), "16-bit values up to 300: objects have numbers 1 to 254"
    yield "0.png", b"", "neither a PNG nor a zip file"
    yield "0.png", b"PK\x05\x06 not a zip", "damaged zip file"


@pytest.mark.parametrize(("name", "data", "message"), list(bad_files()))
def test_bad_files(name, data, message, annotation, tmp_path):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ValueError, match=message):
        read_masks(tmp_path / name, "png", annotation.frames)


def packed(path, entries, **options):
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return path


def test_nothing_of_an_archive_is_written_to_disk(annotation, tmp_path):
    good = png(np.ones((37, 51), np.uint8))
    hostile = ("../../../2.png", "/etc/passwd", "a/.x/2.png", "__MACOSX/2.png")
    entries = [("C:\\a/0.png", good), ("C:\\a/1.png", good), *((name, b"x") for name in hostile)]
    (tmp_path / "in").mkdir()
    path = packed(tmp_path / "in" / "evil.zip", entries)
    before = sorted(tmp_path.rglob("*"))
    imported = read_masks(path, "png", annotation.frames)
    assert imported.frames == (0, 1)
    assert imported.labels(1).all()
    assert sorted(tmp_path.rglob("*")) == before


def test_bad_archives(annotation, tmp_path, monkeypatch):
    good, frames = png(np.ones((37, 51), np.uint8)), annotation.frames
    several = packed(tmp_path / "a.zip", [("dog/0.png", good), ("cat/0.png", good)])
    with pytest.raises(ValueError, match=r"several videos \(cat, dog\)"):
        read_masks(several, "png", frames)
    twice = packed(tmp_path / "b.zip", [("a0.png", good), ("b0.png", good)])
    with pytest.raises(ValueError, match="both of frame 0"):
        read_masks(twice, "png", frames)
    with pytest.raises(ValueError, match="no PNG in it"):
        read_masks(packed(tmp_path / "c.zip", [("a.txt", b"x")]), "png", frames)
    with pytest.raises(ValueError, match="2 PNGs for one frame"):
        read_masks(packed(tmp_path / "d.zip", [("0.png", good), ("1.png", good)]), "png", frames, frame=0)
    with pytest.raises(FileNotFoundError, match="no masks at"):
        read_masks(tmp_path / "none", "png", frames)
    monkeypatch.setattr(picture_files, "MAX_FILE", 10_000)
    monkeypatch.setattr(picture_files, "MAX_TOTAL", 100_000)
    bomb = packed(tmp_path / "e.zip", [("0.png", bytes(50_000))], compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(ValueError, match="larger than"):
        read_masks(bomb, "png", frames)
    many = [(f"{n}.png", bytes(50_000)) for n in range(3)]
    bomb = packed(tmp_path / "f.zip", many, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(ValueError, match="unpacked, at most"):
        read_masks(bomb, "png", frames)
    monkeypatch.setattr(picture_files, "MAX_ENTRIES", 2)
    with pytest.raises(ValueError, match="3 entries"):
        read_masks(packed(tmp_path / "g.zip", [(f"{n}.txt", b"") for n in range(3)]), "png", frames)


def test_a_png_that_claims_to_be_huge_is_not_unpacked(annotation, tmp_path):
    data = bytearray(png(np.ones((37, 51), np.uint8)))
    data[16:24] = (60_000).to_bytes(4, "big") * 2
    (tmp_path / "0.png").write_bytes(data)
    with pytest.raises(ValueError, match=r"0\.png: "):
        read_masks(tmp_path / "0.png", "png", annotation.frames)


@given(st.data())
@settings(max_examples=30)
def test_damage_is_a_clear_error_or_harmless(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("damaged")
    annotation = FakeAnnotation(scene())
    whole = bytearray(export_file(annotation, "davis", folder).read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(whole) - 1), min_size=1, max_size=4)):
        whole[place] = data.draw(st.integers(0, 255))
    (folder / "damaged.zip").write_bytes(whole)
    try:
        imported = read_masks(folder / "damaged.zip", "png", annotation.frames)
    except ValueError:
        return
    assert all(imported.labels(t).shape == (37, 51) for t in imported.frames)
