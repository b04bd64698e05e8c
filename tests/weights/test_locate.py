import os

import pytest
import torch

from civos_siaf.networks.stm import Stm
from civos_siaf.weights.load import load_strictly
from civos_siaf.weights.locate import VARIABLE, published_weights, trained_weights, weight_folders
from civos_siaf.weights.provenance import hashes


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "none"))
    return tmp_path


def written(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(path.parent.name.encode())
    return path


def test_several_folders_of_weights(here, monkeypatch):
    monkeypatch.setenv(VARIABLE, os.pathsep.join([str(here / "a"), "", str(here / "b")]))
    assert weight_folders()[:2] == [here / "a", here / "b"]
    file = written(here / "b" / "AOTT_PRE_YTB_DAV.pth")
    assert published_weights("aott") == file
    for name in ("b/resnet50_dh128_lvis.pth", "a/fbrs.pth"):
        file = written(here / name)
        assert published_weights("mivos-fbrs") == file


def test_trained_weights_are_found_where_their_training_wrote_them(here):
    with pytest.raises(FileNotFoundError, match=r"train\.py experiment=siaf_swinb data_root=DATA`"):
        trained_weights("siaf_swinb_y")
    for name, at in (("siaf_swinb_y", "davis"), ("siaf_swinb", "lvis-davis"), ("siaf_swinb_lvis", "lvis")):
        file = written(here / "outputs" / "train" / "siaf_swinb" / at / "weights.safetensors")
        assert trained_weights(name).absolute() == file
    copied = written(here / "checkpoints" / "siaf_swinb_y.safetensors")
    assert trained_weights("siaf_swinb_y").absolute() == copied


def test_a_run_is_named_by_its_folder(here):
    with pytest.raises(FileNotFoundError, match=r"no weights.safetensors .* in mine \(no such folder\)"):
        trained_weights("siaf_r50_y", "mine")
    early = written(here / "mine" / "ytb" / "weights.safetensors")
    config = {"_target_": "civos_siaf.weights.locate.trained_weights", "name": "siaf_r50_y", "run": "mine"}
    assert trained_weights("siaf_r50_y", here / "mine") == early
    before = hashes(config)
    last = written(here / "mine" / "davis" / "weights.safetensors")
    assert trained_weights("siaf_r50_y", here / "mine") == last
    assert trained_weights("siaf_r50_y", here / "mine" / "ytb") == early
    assert list(before) == ["weights.safetensors"]
    assert before != hashes(config)


def test_a_file_of_another_project_is_refused_by_its_name():
    names = ("key_comp.weight", "key_proj.key_proj.weight", "key_encoder.conv1.weight")
    with pytest.raises(ValueError, match=r"stcn\.pth is a file of STCN, which propagates by one key"):
        load_strictly(Stm(), {name: torch.zeros(1) for name in names}, source="stcn.pth")
