"""Numbers of lines: many at once as JSON has them, one by one what else is a number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zibrato.lines import number, numbers, packed
from zibrato.wire import unpack

ODD = (b"", b"1,2", b"nan", b"Infinity", b"0x10", b"1_0", b" 1", b"1\t", b"1\r", b"[1]", b'"1"',
       b"true", b"null", b"1e400", b"12.89.23", b"+", b"-", b"e5", b"1d1")  # fmt: skip


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=20))
def test_numbers_of_all_sizes_come_back(values: list[float]) -> None:
    texts = [repr(value).encode() for value in values]
    assert numbers(texts) == values
    assert [number(text) for text in texts] == values
    assert unpack(packed(values)).tolist() == values


@pytest.mark.parametrize("text", ODD)
def test_what_is_no_number_is_none(text: bytes) -> None:
    assert numbers([b"1", text]) is None
    assert number(text) is None


@pytest.mark.parametrize("text", [b"+1", b"0012", b".5", b"5.", b"1E+2", b"1e-400"])
def test_a_number_that_json_has_not_is_read_alone(text: bytes) -> None:
    assert number(text) == float(text)
