from pathlib import Path

import numpy as np
import pytest

from civos_siaf.parity import check_folder

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
