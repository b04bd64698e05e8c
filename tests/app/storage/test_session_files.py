import os
import time

import pytest

from civos_siaf.app.storage.round_files import SessionFiles


@pytest.mark.parametrize("step", [10, 0, -10])
def test_the_last_rounds_are_kept_whatever_the_clock_says(tmp_path, monkeypatch, step):
    files = SessionFiles(tmp_path / "sessions", "toy", most=2)
    thin, now = files._thin, time.time()

    def at_that_time():
        for path in files.folder.iterdir():
            os.utime(path, times=(now + step * int(path.name[1:]),) * 2)
        thin()

    monkeypatch.setattr(files, "_thin", at_that_time)
    for number in (2, 9, 10, 30):
        files.save(f"r{number}", [1], lambda folder: None)
    assert {path.name for path in files.folder.iterdir()} == {"r10", "r30"}


def test_what_a_killed_save_left_goes_first(tmp_path):
    files = SessionFiles(tmp_path / "sessions", "toy", most=2)
    (files.folder / ".unfinished-r99").mkdir(parents=True)
    for number in (1, 2):
        files.save(f"r{number}", [1], lambda folder: None)
    assert {path.name for path in files.folder.iterdir()} == {"r1", "r2"}
