import numpy as np
import pytest
from PIL import Image

from civos_siaf import Click, Frames, Prompts, Scribble
from civos_siaf.benchmark import ContactSheets, DavisDataset, Evaluation, Rules, click_strategy
from civos_siaf.benchmark.sheets import CELL_WIDTH, cell, frames_to_show
from tests.benchmark.eroded import Eroded


def test_a_sheet_per_sample_with_a_row_per_round(tmp_path):
    run = Evaluation(Eroded(), DavisDataset(), rules=Rules(max_rounds=2), clicks=click_strategy("f3"))
    sheets = ContactSheets(tmp_path, columns=3)
    written = [path for played in run.play() if (path := sheets.add(played))]
    assert [path.name for path in written] == ["mini-a_1.jpg", "mini-a_2.jpg", "mini-b_1.jpg", "mini-b_2.jpg"]
    with Image.open(written[0]) as image:
        assert image.size == (3 * CELL_WIDTH, 2 * (22 + round(120 * CELL_WIDTH / 213)))
    with pytest.raises(ValueError, match="columns must be 1 or more"):
        ContactSheets(tmp_path, columns=0)


def test_masks_and_prompts_are_visible():
    frames = Frames.open(np.full((1, 90, 160, 3), 100, np.uint8))
    labels = np.zeros((90, 160), np.uint8)
    labels[:, :80] = 1
    nothing = cell(frames, 0, np.zeros_like(labels), Prompts())
    assert (nothing == 100).all()
    stroke = Scribble(0, 2, [[100, 10], [150, 10]])
    prompts = Prompts((Click(0, 1, 40, 45), Click(0, 1, 120, 45, positive=False), stroke))
    drawn = cell(frames, 0, labels, prompts)
    assert drawn.shape == (180, 320, 3)
    assert np.abs(drawn[150, 40].astype(int) - [111, 60, 60]).max() <= 1
    assert drawn[150, 300].tolist() == [100, 100, 100]
    assert drawn[90, 80].tolist() == [60, 220, 60]
    assert drawn[90, 240].tolist() == [230, 50, 50]
    assert drawn[20, 250].tolist() == [0, 128, 0]


def test_an_object_is_tinted_unlike_itself_in_every_round(tmp_path):
    run = Evaluation(Eroded(), DavisDataset(), rules=Rules(max_rounds=2), clicks=click_strategy("f3"))
    sheets, colours = ContactSheets(tmp_path, columns=1), []
    for played in run.play():
        sheets.add(played)
        colours.append(sheets._colours)
        own = np.median(played.frames[0][played.masks[0] == 1], axis=0)
        assert np.linalg.norm(colours[-1][1] - own) > 100
    assert np.array_equal(colours[0], colours[1])


@pytest.mark.parametrize(
    ("num_frames", "columns", "wanted", "shown"),
    [
        (100, 5, (), [0, 25, 50, 74, 99]),
        (100, 5, (30,), [0, 30, 50, 74, 99]),
        (3, 6, (1,), [0, 1, 2]),
        (1, 4, (0,), [0]),
        (100, 2, (40, 41, 42), [40, 41]),
    ],
)
def test_frames_are_spread_and_prompted_ones_shown(num_frames, columns, wanted, shown):
    assert frames_to_show(num_frames, columns, wanted) == shown
