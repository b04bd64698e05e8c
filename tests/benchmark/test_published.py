import numpy as np
import pytest

from civos_siaf.benchmark import published_davis
from tests.benchmark.conftest import make_sequence


@pytest.mark.parametrize("year", [2016, 2017])
def test_a_missing_root_says_where_to_get_the_data(tmp_path, year):
    for root, opening in (
        (None, f"DAVIS {year} needs dataset.root"),
        (tmp_path / "no", f"no DAVIS {year} at .*no"),
    ):
        with pytest.raises(FileNotFoundError, match=opening) as caught:
            published_davis(root, year=year)
        for words in ("davischallenge.org", f"ImageSets/{year}/", "Annotations/480p", "Scribbles/"):
            assert words in str(caught.value)
        assert "\n" not in str(caught.value)


def test_where_the_scribbles_of_people_are_to_be_had_is_said_once(tmp_path, moving_squares, caplog):
    make_sequence(tmp_path, "a", moving_squares)
    published_davis(tmp_path, year=2017)
    (said,) = caplog.messages
    assert "DAVIS-2017-scribbles-trainval.zip" in said
    assert str(tmp_path / "Scribbles") in said
    caplog.clear()
    (tmp_path / "Scribbles" / "a").mkdir(parents=True)
    (tmp_path / "Scribbles" / "a" / "001.json").write_text("{}")
    published_davis(tmp_path, year=2017)
    assert caplog.messages == []


def test_a_copy_of_the_other_year_is_told_apart(tmp_path, moving_squares):
    make_sequence(tmp_path, "a", moving_squares)
    assert published_davis(tmp_path, year=2017).sequences == ["a"]
    with pytest.raises(FileNotFoundError, match="no ImageSets/2016"):
        published_davis(tmp_path, year=2016)
    single = published_davis(tmp_path, year=2016, sequences=["a"])
    assert set(np.unique(single.annotations("a"))) == {0, 1}
