import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from civos_siaf.benchmark.dataset import mini_root
from tests.scripts.conftest import ROOT


@pytest.fixture(scope="module", autouse=True)
def configs():
    with initialize_config_dir(config_dir=str(ROOT / "configs"), version_base="1.3"):
        yield


def dataset(*overrides):
    return instantiate(compose("eval_davis", overrides=["out=x", *overrides]).dataset)


def test_shapes_is_rendered_where_asked(tmp_path):
    data = dataset("dataset=shapes", f"dataset.root.folder={tmp_path / 'shapes'}")
    assert data.sequences == ["shapes-1", "shapes-2", "shapes-3", "shapes-4"]
    assert [data.info(name).num_objects for name in data.sequences] == [2, 3, 4, 5]
    assert not data.is_embedded
    assert "not comparable" in data.note


def test_a_root_may_take_the_place_of_the_rendering():
    assert dataset("dataset=shapes", f"dataset.root={mini_root()}", "dataset.resolution=480p").sequences == [
        "mini-a",
        "mini-b",
    ]


def test_davis_by_year():
    assert dataset("dataset=davis2017", f"dataset.root={mini_root()}").year == 2017
    assert dataset("dataset=davis").is_embedded


@pytest.mark.parametrize("year", [2016, 2017])
def test_missing_data_is_one_helpful_line(script, year):
    done = script("eval_davis.py", f"dataset=davis{year}")
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: DAVIS {year} needs dataset.root=FOLDER")
    assert "davischallenge.org" in done.stderr
    assert done.stderr.count("\n") == 1
