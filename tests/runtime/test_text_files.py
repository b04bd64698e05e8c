import codecs

import pytest

from civos_siaf.runtime.text_files import read_names, read_text


@pytest.mark.parametrize(
    "data",
    [b"a\nb\n", codecs.BOM_UTF8 + b"a\r\nb", "a\nb".encode("utf-16"), "\ufeffa\n b ".encode("utf-16-be")],
)
def test_lists_with_and_without_byte_order_marks(data, tmp_path):
    (tmp_path / "list.txt").write_bytes(data)
    assert read_names(tmp_path / "list.txt") == ["a", "b"]


@pytest.mark.parametrize("data", ["a\nb".encode("utf-16-le"), b"\xff\xfe\x00", "é".encode("latin-1"), b" \n"])
def test_what_is_no_list_is_refused_by_name(data, tmp_path):
    (tmp_path / "list.txt").write_bytes(data)
    with pytest.raises(ValueError, match=r"list\.txt: "):
        read_names(tmp_path / "list.txt")


def test_text_has_no_mark(tmp_path):
    (tmp_path / "a.json").write_bytes(codecs.BOM_UTF8 + b"{}")
    assert read_text(tmp_path / "a.json") == "{}"
