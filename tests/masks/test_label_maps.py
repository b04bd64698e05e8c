import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from civos_siaf.masks import davis_palette, from_one_hot, from_rle, one_hot, read_png, to_rle, write_png

label_map = hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=20))


@settings(max_examples=30)
@given(label_map)
def test_palette_png_round_trip(tmp_path_factory, labels):
    path = tmp_path_factory.mktemp("png") / "m.png"
    write_png(path, labels)
    assert (read_png(path) == labels).all()
    with Image.open(path) as image:
        assert image.mode == "P"
        assert (np.array(image.convert("RGB")) == davis_palette()[labels]).all()


def test_palette_has_the_published_colours():
    palette = davis_palette()
    assert palette[[1, 2, 3, 4, 8, 255]].tolist() == [
        [128, 0, 0], [0, 128, 0], [128, 128, 0], [0, 0, 128], [64, 0, 0], [224, 224, 192],
    ]  # fmt: skip
    assert len(np.unique(palette, axis=0)) == 256


@given(hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=30)))
def test_run_lengths_round_trip(mask):
    rle = to_rle(mask)
    assert rle["size"] == list(mask.shape)
    assert (from_rle(rle) == mask).all()


@given(label_map.map(lambda a: a % 5), st.integers(4, 9))
def test_one_hot_round_trip(labels, num_objects):
    stack = one_hot(labels, num_objects)
    assert stack.shape == (num_objects + 1, *labels.shape)
    assert (stack.sum(axis=0) == 1).all()
    assert (from_one_hot(stack) == labels).all()


def test_labels_without_a_channel_belong_to_none():
    assert not one_hot(np.array([[3, 255]], np.uint8), 2).any()


def test_files_that_are_no_label_maps_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no mask at"):
        read_png(tmp_path / "missing.png")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"0" * 50)
    with pytest.raises(ValueError, match=r"broken\.png: not a readable PNG"):
        read_png(tmp_path / "broken.png")
    Image.new("RGB", (3, 3)).save(tmp_path / "colour.png")
    with pytest.raises(ValueError, match="values are labels, got RGB"):
        read_png(tmp_path / "colour.png")
    with pytest.raises(ValueError, match=r"uint8, got \(2, 2\) int64"):
        write_png(tmp_path / "m.png", np.zeros((2, 2), np.int64))


def test_a_cut_off_png_is_refused(tmp_path):
    path = tmp_path / "cut.png"
    write_png(path, np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8))
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(ValueError, match=r"cut\.png"):
        read_png(path)


def test_run_lengths_that_do_not_fit_are_refused():
    rle = to_rle(np.eye(4, dtype=bool))
    with pytest.raises(ValueError, match="size"):
        from_rle({"size": [2, 2], "counts": rle["counts"]})


def test_a_palette_whose_black_is_not_0_is_refused(tmp_path):
    image = Image.fromarray(np.array([[0, 1]], np.uint8))
    image.putpalette([230, 25, 75, 0, 0, 0])
    image.save(tmp_path / "inverted.png")
    with pytest.raises(ValueError, match=r"inverted\.png: the palette's black is 1 and its 0 is #e6194b"):
        read_png(tmp_path / "inverted.png")
