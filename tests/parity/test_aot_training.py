import json
from pathlib import Path

from tests.parity import check_folder

FOLDER = Path(__file__).parents[1] / "reference" / "aot"


def test_everything_recorded_of_training_agrees():
    unread = []
    checks = list(check_folder(FOLDER, unread=unread.extend))
    assert unread == []
    training = [check for check in checks if check.name.split()[0] in ("loss", "rates", "groups")]
    assert [str(check) for check in training if not check.ok] == []
    assert len(training) == 7 + 24 + 9


def test_a_wrong_group_is_noticed(tmp_path):
    for path in FOLDER.iterdir():
        if path.name != "optimizer_groups.json":
            (tmp_path / path.name).symlink_to(path)
    lists = json.loads((FOLDER / "optimizer_groups.json").read_text())
    moved = lists["aott"]["weight_decay_0"].pop()
    lists["aott"]["weight_decay_0.07"].append(moved)
    (tmp_path / "optimizer_groups.json").write_text(json.dumps(lists))
    failed = [check for check in check_folder(tmp_path) if not check.ok]
    assert len(failed) == 2
    assert all(moved in check.note for check in failed)
