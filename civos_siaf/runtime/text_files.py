"""Text that people or their tools wrote: UTF-8 with or without a byte order mark, or UTF-16 with one."""

from __future__ import annotations

import codecs
from pathlib import Path

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def read_text(path: Path | str) -> str:
    """The text of a file, without a byte order mark.

    Raises:
        FileNotFoundError: no such file.
        ValueError: neither UTF-8 nor marked UTF-16; names the file.
    """
    path = Path(path)
    data = path.read_bytes()
    encoding = next((encoding for mark, encoding in _MARKS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not text in UTF-8 (byte {error.start}); save it as UTF-8") from error
    if "\0" in text[:64]:
        raise ValueError(f"{path}: not text in UTF-8 (zero bytes, as in UTF-16); save it as UTF-8")
    return text.replace("\r\n", "\n")


def read_names(path: Path | str) -> list[str]:
    """The lines of a list file that are not blank, without spaces around them.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it lists nothing, or is no text.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"no list at {path}")
    names = [line.strip() for line in read_text(path).splitlines() if line.strip()]
    if not names:
        raise ValueError(f"{path}: lists nothing")
    return names
