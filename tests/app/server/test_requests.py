import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from civos_siaf.app.server.requests import RequestError, parse

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES)
def test_json_comes_through(value: object) -> None:
    assert parse(json.dumps(value).encode()) == value


BAD = ["", "{", "[1,]", "NaN", "-Infinity", '{"x": Infinity}', "1e999", "-1e999", "[" * 100_000, "9" * 10_000,
       '"\\ud800"', '{"\\uDC00": 1}', '"\\', "'x'", "{1: 2}", "\ufeff{}", "01", "nul"]  # fmt: skip


@pytest.mark.parametrize("text", BAD, ids=lambda text: text[:12])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(RequestError) as error:
        parse(text.encode())
    assert error.value.status == 400
    assert len(error.value.message) < 200


@pytest.mark.parametrize("data", [b"\xff", b'"\xc3"', b"\x00\x01", b'"\xed\xa0\x80"'])
def test_what_is_no_text_is_refused(data: bytes) -> None:
    with pytest.raises(RequestError):
        parse(data)


@given(st.binary(max_size=100))
def test_any_bytes_are_json_or_refused(data: bytes) -> None:
    try:
        value = parse(data)
    except RequestError:
        return
    assert not isinstance(value, float) or math.isfinite(value)
