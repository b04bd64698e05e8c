from pathlib import Path

import numpy as np
import pytest
import torch

from civos_siaf.networks.prepare import for_inference
from tests.parity import aot
from tests.parity.check import Folder

FOLDER = Path(__file__).parents[1] / "reference" / "aot"


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def test_everything_recorded_agrees():
    checks = {check.name: check for check in aot.check(Folder(FOLDER))}
    assert [str(check) for check in checks.values() if not check.ok] == []
    assert len(checks) >= 80
    for name in ("aott 13 objects merged", "r50_aotl tworef_raw", "r50_aotl lstt_t4_l2", "swinb_aotl enc16"):
        assert name in checks


@torch.inference_mode()
def test_networks_prepared_for_inference_give_the_recorded_videos():
    folder = Folder(FOLDER)
    for name in ("aott", "r50_aotl"):
        net = for_inference(aot.network(folder, name))
        assert [str(check) for check in aot.check_sequences(folder, name, net) if not check.ok] == []


def test_a_wrong_recording_is_noticed(tmp_path):
    for path in FOLDER.iterdir():
        if path.name in ("aott_shapes.json", "scales.json", "inputs.json"):
            (tmp_path / path.name).symlink_to(path)
    with np.load(FOLDER / "aott.npz") as archive:
        arrays = dict(archive)
    arrays["blk0_t1_short"][3, 4, 5] += 0.001
    arrays["lt_tokens"][2] += 117
    arrays["free_labels"][3, 40, 50] ^= 1
    np.savez(tmp_path / "aott.npz", **arrays)
    wrong = [check.name for check in aot.check(Folder(tmp_path)) if not check.ok]
    assert wrong == ["aott blk0_t1_short", "aott lt_tokens", "aott free_labels"]
