import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from civos_siaf.runtime.files import atomic_folder, atomic_path, write_text


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "deep" / "note.txt"
    write_text(target, "old")

    def fail_half_way():
        with atomic_path(target) as path:
            path.write_text("half of the n")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert target.read_text() == "old"
    assert [p.name for p in target.parent.iterdir()] == ["note.txt"]


def test_the_temporary_file_keeps_the_suffix(tmp_path):
    with atomic_path(tmp_path / "mask.png") as path:
        assert path.suffix == ".png"
        path.write_bytes(b"x")
    assert (tmp_path / "mask.png").read_bytes() == b"x"


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    target = tmp_path / "made" / "out"
    with atomic_folder(target) as folder:
        (folder / "a.txt").write_text("a")
        assert not target.exists()
    assert (target / "a.txt").read_text() == "a"
    assert target.stat().st_mode & 0o777 == 0o777 & ~umask()

    def fail_half_way():
        with atomic_folder(tmp_path / "b") as folder:
            (folder / "a.txt").write_text("a")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert [path.name for path in tmp_path.rglob("*")] == ["made", "out", "a.txt"]


def test_a_folder_with_something_in_it_is_kept(tmp_path):
    (tmp_path / "empty").mkdir()
    with atomic_folder(tmp_path / "empty") as folder:
        (folder / "a.txt").write_text("a")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("empty", "empty/a.txt", "link"):
        with pytest.raises(ValueError, match="exists already"), atomic_folder(tmp_path / name):
            pass
    assert (tmp_path / "empty" / "a.txt").read_text() == "a"


def test_threads_that_write_at_once_leave_the_umask_as_it_was(tmp_path, monkeypatch):
    expected, ask = umask(), os.umask

    def slowly(mask):
        before = ask(mask)
        time.sleep(0.01)
        return before

    monkeypatch.setattr(os, "umask", slowly)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: write_text(tmp_path / f"{n}.txt", ""), range(8)))
    monkeypatch.undo()
    left = umask()
    os.umask(expected)
    assert left == expected
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o666 & ~expected}


def umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask
