import pytest
import torch
from PIL import Image

from civos_siaf.speed import siaf
from civos_siaf.speed.siaf_report import NAME, PAPER
from civos_siaf.speed.timing import peak_mebibytes


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    folder = tmp_path_factory.mktemp("speed")
    rows = siaf.run(
        objects=(1, 11),
        sizes=(64, 96),
        frames=(1, 2, 3),
        length=2,
        height=64,
        width=96,
        threads=1,
        repeats=1,
        folder=str(folder),
        keep=False,
        devices=("cpu",),
    )
    return list(rows), folder


def test_a_row_per_measurement(measured):
    rows, _ = measured
    tables = [str(row[NAME]).split(", ")[1] for row in rows]
    assert [tables.count(name) for name in ("Fig. 6", "Table IV", "Table V", "Table VI")] == [2, 4, 4, 6]
    assert all(0 <= row["seconds"] < 60 for row in rows)
    by_case = {row[NAME]: row["MiB"] for row in rows}
    assert all(mebibytes > 0 for case, mebibytes in by_case.items() if "AFA" not in case)
    # In the light network one frame alone has nothing to attend to across frames. What further ones cost may
    # not grow with their square.
    two, three = (by_case[f"light cpu, Table VI, AFA frames {n}"] for n in (2, 3))
    assert 0 < two < three < 3 * two


def test_a_table_and_curves_are_written(measured):
    rows, folder = measured
    text = (folder / "siaf.md").read_text()
    assert sum(line.startswith("| light cpu") for line in text.splitlines()) == len(rows)
    assert "- threads: 1" in text
    with Image.open(folder / "siaf.png") as picture:
        assert picture.width > 1000


def test_the_papers_figures():
    assert PAPER["Table IV", "AFI without AFA"] == PAPER["Table V", "AFI 480p"] == (37.0, 3347)
    assert PAPER["Table VI", "AFA frames 5"] == (38.6, 1336)
    assert len(PAPER) == 6 + 8 + 10


def test_peak_memory_is_that_of_tensors_alive_together():
    x, cpu = torch.zeros(2**18), torch.device("cpu")
    kept = []

    def one_after_the_other():
        for _ in range(3):
            x + 1

    assert peak_mebibytes(one_after_the_other, cpu) == pytest.approx(1, abs=0.01)
    assert peak_mebibytes(lambda: kept.extend([x + 1, x + 2, x + 3]), cpu) == pytest.approx(3, abs=0.01)
