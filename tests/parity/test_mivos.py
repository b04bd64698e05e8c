from pathlib import Path

import numpy as np
import pytest
import torch

from civos_siaf.networks.mask_fusion import MaskFusion
from civos_siaf.networks.prepare import for_inference
from civos_siaf.networks.stm import Stm
from tests.parity import check_folder, mivos_networks, mivos_rounds
from tests.parity.check import Folder

FOLDER = Path(__file__).parents[1] / "reference" / "mivos"


@pytest.fixture(scope="module")
def results():
    unread = []
    checks = {check.name: check for check in check_folder(FOLDER, unread=unread.extend)}
    return checks, unread


def test_everything_recorded_agrees(results):
    checks, unread = results
    assert [str(check) for check in checks.values() if not check.ok] == []
    assert unread == []
    assert len(checks) >= 120


@pytest.mark.parametrize(
    "name",
    ["two_objects round 3 labels", "one_object round 2 labels", "davis call 6 labels", "s2m labels"],
)
def test_labels_are_checked(results, name):
    assert name in results[0]


@torch.inference_mode()
def test_networks_prepared_for_inference_give_the_recorded_rounds():
    folder = Folder(FOLDER)
    stm = for_inference(mivos_networks.network(folder, "propagation", Stm()))
    fusion = for_inference(mivos_networks.network(folder, "fusion", MaskFusion()))
    assert [str(check) for check in mivos_rounds.check(folder, stm, fusion) if not check.ok] == []


def test_a_wrong_recording_is_noticed(tmp_path):
    for path in FOLDER.iterdir():
        if path.name != "aggregate.npz":
            (tmp_path / path.name).symlink_to(path)
    with np.load(FOLDER / "aggregate.npz") as archive:
        arrays = dict(archive)
    arrays["sbg"][0] += 0.01
    np.savez(tmp_path / "aggregate.npz", **arrays)
    for check in check_folder(tmp_path):
        if check.name.startswith("aggregate"):
            assert check.ok == (check.name != "aggregate sbg")
        if check.name.startswith("loss"):
            break
