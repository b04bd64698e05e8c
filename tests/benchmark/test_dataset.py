import json

import numpy as np
import pytest
from PIL import Image, ImageFilter

from civos_siaf.benchmark import DavisDataset
from civos_siaf.benchmark.dataset import first_frame
from civos_siaf.benchmark.scribbles import annotated_frames
from civos_siaf.benchmark.table import SequenceInfo, read_table
from civos_siaf.masks import read_png, write_png
from tests.benchmark.conftest import make_sequence


def test_the_embedded_set():
    mini = DavisDataset()
    assert mini.is_embedded
    assert mini.sequences == ["mini-a", "mini-b"]
    assert mini.info("mini-a") == SequenceInfo("mini-a", 6, 120, 213, 2, 2)
    assert mini.annotations("mini-a").shape == (6, 120, 213)
    assert mini.frames("mini-b").size == (120, 213)
    assert annotated_frames(mini.first_scribbles("mini-a", 1)) == [1]


def test_facts_are_read_off_the_files(tmp_path, moving_squares):
    truth = moving_squares.copy()
    truth[0, 0, 0] = 255
    make_sequence(tmp_path, "squares", truth, scribbles=3)
    data = DavisDataset(tmp_path)
    assert data.info("squares") == SequenceInfo("squares", 9, 40, 60, 2, 3)
    assert (data.annotations("squares") == truth).all()
    with pytest.raises(ValueError, match="read-only"):
        data.annotations("squares")[0] = 0


def test_resolution_year_split_and_list(tmp_path, moving_squares):
    whole = np.where(moving_squares > 0, 255, 0).astype(np.uint8)
    make_sequence(tmp_path, "a", whole, resolution="240p", year="2016", split="train")
    make_sequence(tmp_path, "b", whole, resolution="240p", year="2016", split="val")
    options = {"resolution": "240p", "year": 2016}
    both = DavisDataset(tmp_path, split="trainval", **options)
    assert both.sequences == ["a", "b"]
    assert both.info("a").num_objects == 1
    assert set(np.unique(both.annotations("a"))) == {0, 1}
    assert DavisDataset(tmp_path, sequences=["b"], **options).sequences == ["b"]


def test_the_table_overrides_the_files(tmp_path, moving_squares):
    make_sequence(tmp_path, "a", moving_squares, scribbles=2)
    table = tmp_path / "table.csv"
    table.write_text("sequence,frames,objects,width,height\na,9,5,60,40\n")
    assert DavisDataset(tmp_path, table=table).info("a") == SequenceInfo("a", 9, 40, 60, 5, 2)
    wrong = {"a": SequenceInfo("a", 8, 40, 60, 2)}
    with pytest.raises(ValueError, match="9 masks, the table says 8 frames"):
        DavisDataset(tmp_path, table=wrong).annotations("a")


def test_the_published_table():
    table = read_table("davis2017")
    assert len(table) == 120
    assert table["dogs-jump"].num_objects == 3
    with pytest.raises(FileNotFoundError, match="no table at"):
        read_table("davis2099")


def test_broken_tables_are_named(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("sequence,frames\na,1\n")
    with pytest.raises(ValueError, match=r"t\.csv: no column objects, width, height"):
        read_table(path)
    path.write_text("sequence,frames,objects,width,height\na,1,x,3,4\n")
    with pytest.raises(ValueError, match=r"t\.csv, line 2: expected whole numbers"):
        read_table(path)


def test_without_scribble_files_the_robot_draws_the_first_ones(tmp_path, moving_squares):
    make_sequence(tmp_path, "a", moving_squares)
    data = DavisDataset(tmp_path, num_first_scribbles=2)
    assert not data.has_scribble_files("a")
    assert data.info("a").scribble_sets == 2
    first, second = data.first_scribbles("a", 1), data.first_scribbles("a", 2)
    assert first == data.first_scribbles("a", 1)
    assert (annotated_frames(first), annotated_frames(second)) == ([3], [4])
    assert {line["object_id"] for line in first["scribbles"][3]} == {1, 2}


def test_the_first_frame_shows_most_objects_and_most_of_them():
    truth = np.zeros((4, 10, 10), np.uint8)
    truth[0, :9], truth[1, :2], truth[1, 4], truth[2, :3], truth[2, 4] = 1, 1, 2, 1, 2
    assert first_frame(truth, 2) == 2
    assert first_frame(truth[:1].repeat(3, axis=0), 2) == 0
    assert [first_frame(truth, 2, (i, 6)) for i in range(6)] == [0, 0, 1, 2, 2, 3]


def test_missing_things_are_named(mini_copy):
    with pytest.raises(FileNotFoundError, match=r"no data set at .*nowhere"):
        DavisDataset(mini_copy / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"no split 'test': .*test\.txt is missing; there is val"):
        DavisDataset(mini_copy, split="test")
    with pytest.raises(FileNotFoundError, match=r"sequence 'bear': no folder .*bear"):
        DavisDataset(mini_copy, sequences=["bear"])
    with pytest.raises(ValueError, match="year must be 2016 or 2017"):
        DavisDataset(mini_copy, year=2018)
    with pytest.raises(ValueError, match=r"scribble files 1\.\.2, not 3"):
        DavisDataset(mini_copy).first_scribbles("mini-a", 3)
    (mini_copy / "JPEGImages/480p/mini-a/00003.jpg").unlink()
    with pytest.raises(FileNotFoundError, match=r"no image .*00003\.jpg for mask"):
        DavisDataset(mini_copy)
    (mini_copy / "Annotations/480p/mini-a/00003.png").unlink()
    (mini_copy / "Annotations/480p/mini-a/00002.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"no mask .*00002\.png for frame"):
        DavisDataset(mini_copy)


def test_broken_masks_are_named(mini_copy):
    path = mini_copy / "Annotations/480p/mini-a/00004.png"
    Image.new("P", (213, 119)).save(path)
    with pytest.raises(ValueError, match=r"00004\.png: size \(119, 213\), expected \(120, 213\)"):
        DavisDataset(mini_copy).info("mini-a")
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(ValueError, match=r"00004\.png: not a readable PNG"):
        DavisDataset(mini_copy).info("mini-a")


def test_a_sequence_without_objects_is_refused(tmp_path):
    make_sequence(tmp_path, "empty", np.zeros((2, 8, 8), np.uint8))
    with pytest.raises(ValueError, match=r"empty: no object in any frame"):
        DavisDataset(tmp_path).info("empty")


def test_an_empty_list_is_refused(mini_copy):
    (mini_copy / "ImageSets/2017/val.txt").write_text("\n")
    with pytest.raises(ValueError, match="lists nothing"):
        DavisDataset(mini_copy)


def renamed(root, names):
    """The small set with other names of the frames' files."""
    for folder in (root / "JPEGImages/480p").iterdir():
        for kind, suffix in (("JPEGImages", "jpg"), ("Annotations", "png")):
            beside = root / kind / "480p" / folder.name
            for number, path in enumerate(sorted(beside.iterdir())):
                path.rename(beside / f"{names(number)}.{suffix}")


def test_names_without_zeros_keep_images_and_masks_together(mini_copy):
    before = DavisDataset(mini_copy)
    truth = {name: before.annotations(name) for name in before.sequences}
    pictures = {name: np.stack(list(before.frames(name))) for name in before.sequences}
    renamed(mini_copy, lambda number: str(number + 7))  # 7, 8, 9, 10, 11, 12
    after = DavisDataset(mini_copy)
    for name in after.sequences:
        np.testing.assert_array_equal(after.annotations(name), truth[name])
        np.testing.assert_array_equal(np.stack(list(after.frames(name))), pictures[name])


def test_suffixes_in_capitals_hidden_files_and_byte_order_marks(mini_copy):
    for path in list((mini_copy / "Annotations").rglob("*.png")):
        path.rename(path.with_suffix(".PNG"))
        (path.parent / f"._{path.stem}.png").write_bytes(b"\x00\x05\x16\x07")
    listed = mini_copy / "ImageSets/2017/val.txt"
    listed.write_bytes(b"\xef\xbb\xbf" + listed.read_bytes().replace(b"\n", b"\r\n"))
    dataset = DavisDataset(mini_copy)
    assert dataset.annotations(dataset.sequences[0]).any()


def with_numbers(root, numbers):
    """The small set with other numbers of objects in its masks."""
    table = np.zeros(256, np.uint8)
    for old, new in numbers.items():
        table[old] = new
    for path in (root / "Annotations").rglob("*.png"):
        write_png(path, table[read_png(path)])


def test_numbers_that_never_occur_are_no_objects(mini_copy, caplog):
    name = DavisDataset().sequences[0]
    before = DavisDataset(mini_copy)
    truth = before.annotations(name)
    drawn = before.first_scribbles(name, 1)
    for file in (mini_copy / "Scribbles").rglob("*.json"):
        content = json.loads(file.read_text())
        for line in (line for lines in content["scribbles"] for line in lines):
            line["object_id"] = {0: 0, 1: 3, 2: 10}[line["object_id"]]
        file.write_text(json.dumps(content))
    with_numbers(mini_copy, {1: 3, 2: 10})
    dataset = DavisDataset(mini_copy)
    assert dataset.info(name).num_objects == 2
    assert dataset.object_numbers(name) == (3, 10)
    np.testing.assert_array_equal(dataset.annotations(name), truth)
    assert "objects 3, 10 count as 1 to 2" in caplog.text
    assert dataset.first_scribbles(name, 1)["scribbles"] == drawn["scribbles"]


def test_scribble_files_have_the_numbers_of_the_masks(mini_copy):
    name = DavisDataset().sequences[0]
    with_numbers(mini_copy, {1: 3, 2: 10})
    line = {"path": [[0.1, 0.1], [0.2, 0.2]], "object_id": 10, "start_time": 0, "end_time": 1}
    frames = [[line, {**line, "object_id": 0}], *([[]] * 5)]
    file = mini_copy / "Scribbles" / name / "001.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"scribbles": frames, "sequence": name}))
    found = DavisDataset(mini_copy).first_scribbles(name, 1)["scribbles"][0]
    assert [line["object_id"] for line in found] == [2, 0]
    file.write_text(json.dumps({"scribbles": [[{**line, "object_id": 2}], *([[]] * 5)], "sequence": name}))
    with pytest.raises(ValueError, match=r"001\.json: a line of object 2, the masks have \[3, 10\]"):
        DavisDataset(mini_copy).first_scribbles(name, 1)


def test_smoothed_masks_are_one_object_or_refused(mini_copy):
    for path in (mini_copy / "Annotations").rglob("*.png"):
        white = Image.fromarray(((read_png(path) > 0) * 255).astype(np.uint8))
        white.filter(ImageFilter.GaussianBlur(1)).save(path)
    dataset = DavisDataset(mini_copy)
    with pytest.raises(ValueError, match=r"smoothed or resized; .* year=2016"):
        dataset.annotations(dataset.sequences[0])
    one = DavisDataset(mini_copy, year=2016, sequences=dataset.sequences)
    truth = DavisDataset().annotations(dataset.sequences[0]) > 0
    assert ((one.annotations(dataset.sequences[0]) > 0) != truth).mean() < 0.02


def test_names_without_zeros_give_every_frame_its_own_mask(tmp_path):
    truth = np.zeros((12, 20, 40), np.uint8)
    for t in range(12):
        truth[t, 4:12, 2 + 2 * t : 10 + 2 * t] = 1
    make_sequence(tmp_path, "clip", truth)
    for path in [*tmp_path.rglob("*.jpg"), *tmp_path.rglob("*.png")]:
        path.rename(path.with_stem(str(int(path.stem))))
    data = DavisDataset(tmp_path)
    assert (data.annotations("clip") == truth).all()
    frames = data.frames("clip")
    for t in range(12):  # the object is reddish where the mask is
        red = frames[t][..., 0] > 30
        assert np.mean(red == (truth[t] > 0)) > 0.97
