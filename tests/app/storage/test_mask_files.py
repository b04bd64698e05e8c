import errno

import numpy as np
import pytest

from civos_siaf.app.storage.mask_files import MaskFiles, encode_png
from civos_siaf.masks import davis_palette, read_png


@pytest.fixture
def files(tmp_path):
    return MaskFiles(tmp_path / "masks", (4, 6))


def labels(value):
    return np.full((4, 6), value, np.uint8)


def test_labels_come_back(files):
    files.write("a1", {3: labels(7), 5: labels(254)})
    assert np.array_equal(files.read("a1", 3), labels(7))
    assert np.array_equal(files.read("a1", 5), labels(254))
    assert files.read("a1", 4) is None
    assert files.read("a2", 3) is None


def test_files_are_palette_images(tmp_path):
    from PIL import Image

    path = tmp_path / "x.png"
    path.write_bytes(encode_png(labels(3)))
    with Image.open(path) as image:
        assert image.mode == "P"
        assert image.convert("RGB").getpixel((0, 0)) == tuple(davis_palette()[3])
    assert np.array_equal(read_png(path), labels(3))


def test_a_version_is_not_seen_before_it_is_complete(files):
    writer = files.writer("r1")
    writer.put(0, labels(1))
    assert np.array_equal(writer.read(0), labels(1))
    assert files.read("r1", 0) is None
    writer.put(0, labels(2))
    assert np.array_equal(writer.read(0), labels(2))
    writer.finish()
    assert np.array_equal(files.read("r1", 0), labels(2))
    assert np.array_equal(writer.read(0), labels(2))


def test_equal_frames_share_a_file_and_changing_one_leaves_the_other(files):
    files.write("r1", {0: labels(1), 1: labels(2)})
    writer = files.writer("r2", like="r1")
    writer.put(0, labels(1))
    writer.put(1, labels(9))
    writer.put(1, labels(2))
    writer.put(0, labels(3))
    writer.finish()
    assert [files.read("r1", t)[0, 0] for t in (0, 1)] == [1, 2]
    assert [files.read("r2", t)[0, 0] for t in (0, 1)] == [3, 2]
    first, second = (files.folder / name / "00001.png" for name in ("r1", "r2"))
    assert first.samefile(second)


def test_without_links_files_are_written(files, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr("os.link", refuse)
    files.write("r1", {0: labels(1)})
    writer = files.writer("r2", like="r1")
    writer.put(0, labels(1))
    writer.finish()
    assert np.array_equal(files.read("r2", 0), labels(1))


def test_other_shapes_are_refused_and_nothing_remains(files):
    with pytest.raises(ValueError, match="frame 2 are"):
        files.write("a1", {0: labels(1), 2: np.zeros((6, 4), np.uint8)})
    with pytest.raises(ValueError, match="int64"):
        files.write("a1", {0: np.zeros((4, 6), np.int64)})
    assert list(files.folder.iterdir()) == []


@pytest.mark.parametrize(
    "version", ["../a1", "a1/../a1", "", ".", "live", "A1", "a1\n", "a" + "1" * 11, ".unfinished-r1"]
)
def test_only_names_of_versions_are_looked_up(files, version):
    files.write("a1", {0: labels(1)})
    assert files.read(version, 0) is None


def test_sweep_keeps_what_is_named(files):
    for version in ("a1", "a2", "r3"):
        files.write(version, {0: labels(1)})
    files.writer("r4").put(0, labels(1))
    files.sweep({"a1", "r3"})
    assert sorted(path.name for path in files.folder.iterdir()) == ["a1", "r3"]
    MaskFiles(files.folder / "none", (4, 6)).sweep(set())
