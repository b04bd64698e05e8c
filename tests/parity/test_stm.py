from pathlib import Path

import pytest
import torch

from civos_siaf.networks.prepare import for_inference
from civos_siaf.propagation.first_mask import every, spread
from tests.parity import check_folder
from tests.parity.check import Folder
from tests.parity.stm import check_single, recorded_network

FOLDER = Path(__file__).parents[1] / "reference" / "stm"


def test_everything_recorded_agrees():
    unread = []
    checks = list(check_folder(FOLDER, unread=unread.extend))
    assert [str(check) for check in checks if not check.ok] == []
    assert unread == []
    assert "stm b labels" in [check.name for check in checks]


@torch.inference_mode()
def test_the_network_prepared_for_inference_gives_the_same():
    folder = Folder(FOLDER)
    network = for_inference(recorded_network(folder))
    assert [str(check) for check in check_single(folder, network) if not check.ok] == []


@pytest.mark.parametrize(("kept", "frames"), [(every(3, 8), {0, 3, 6}), (spread(2, 8), {0, 3, 5})])
def test_frames_that_stay_in_memory(kept, frames):
    assert kept == frames


def test_systems_are_told_apart_by_their_own_files(tmp_path):
    # MiVOS and IPN both have a file of this name.
    (tmp_path / "propagation_shapes.json").write_text("{}")
    with pytest.raises(ValueError, match="none of the files"):
        list(check_folder(tmp_path))
