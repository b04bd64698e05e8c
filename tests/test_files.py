import pytest

from civos_siaf.files import atomic_path, write_text


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
