"""Lines of text: which come through, and what they become."""

import sys
from math import isfinite

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.wire_rules import NOW, check_text, contents, rejected
from zibrato.daemon.aggregation.text_frame import decode_text
from zibrato.wire import unpack

GOOD_NUMBERS = ("1", " 2.5\t", "-3", "+.5", "5.", "1e3", "1E-3", "1e-999", "1e308")
BAD_NUMBERS = ("", ".", "e", "1e", "0x1", "1_0", "nan", "inf", "-Infinity", "1e999", "-1e999")
ODD_NUMBERS = ("٣", "½", "1\x1c", "1\x85", "1,5", "1 2", "--1")
NUMBERS = st.sampled_from((*GOOD_NUMBERS, *BAD_NUMBERS, *ODD_NUMBERS)) | st.floats().map(str)
FIELDS = st.tuples(
    st.sampled_from(["info", "", " debug ", "1", "x|y", "\N{SNOWMAN}"]),
    st.sampled_from(["counter", "timer", "gauge", "GAUGE ", "set", "", "c"]),
    st.sampled_from(["hits", "", " hits", "\u3000", "a b", "x" * 300]),
    NUMBERS,
    NUMBERS,
    st.sampled_from(["web1", "", " ", "web1\r"]),
    st.just("surplus"),
)
LINES = st.tuples(FIELDS, st.integers(1, 7) | st.just(4)).map(lambda drawn: drawn[0][: drawn[1]])


@settings(deadline=None)
@given(st.lists(LINES.map("|".join) | st.sampled_from(["", "  ", "\r"]), max_size=12))
@example(["x|counter|hits|1e308"] * 3)
@example(["", "x|counter|hits|1e308", "x|counter| hits|1e308"])
def test_lines_come_through_only_where_they_are_allowed(lines: list[str]) -> None:
    text = "info" + "\n".join(lines) if lines else ""
    check_text(text)


@pytest.mark.parametrize("number", GOOD_NUMBERS)
def test_a_decimal_number_is_a_value(number: str) -> None:
    rows = contents(decode_text(f"info|timer|a|{number}".encode(), NOW))
    assert rows == {("timer", "info", "a", None, NOW): [float(number)]}


@pytest.mark.parametrize("number", [*BAD_NUMBERS, *ODD_NUMBERS])
def test_what_is_no_decimal_number_is_none(number: str) -> None:
    assert rejected(f"info|timer|a|{number}".encode()) == {"value": 1}
    if number:
        assert rejected(f"info|timer|a|1|{number}".encode()) == {"timestamp": 1}


def test_values_of_one_series_stay_in_order_and_share_a_row() -> None:
    frame = b"info|gauge|depth|1\ninfo|gauge|other|5\ninfo|gauge|depth|3\ninfo|gauge|depth|2"
    (batch,) = decode_text(frame, NOW).batches
    assert [(row.name, unpack(row.samples).tolist()) for row in batch.gauges] == [
        ("depth", [1.0, 3.0, 2.0]),
        ("other", [5.0]),
    ]


def test_a_bad_line_does_not_take_the_others_with_it() -> None:
    frame = "info|counter|hits|1\nnonsense\ninfo|counter|hits|2\ninfo|x|hits|1\ninfo|x|hits|2"
    decoded = decode_text(frame.encode(), NOW)
    assert decoded.rejected == {"fields": 1, "mtype": 2}
    assert contents(decoded) == {("counter", "info", "hits", None, NOW): [2, 3]}


def test_the_sum_of_lines_stays_finite() -> None:
    (batch,) = decode_text(b"info|counter|hits|1e308\n" * 20, NOW).batches
    assert batch.counters[0].count == 20
    assert isfinite(batch.counters[0].sum)


def test_lines_that_spell_one_series_in_two_ways_share_a_row() -> None:
    frame = b"info|counter|hits|1e308\ninfo|COUNTER| hits |1e308\n|counter|hits|1e308"
    (batch,) = decode_text(frame, NOW).batches
    (row,) = batch.counters
    assert (row.count, row.sum) == (3, sys.float_info.max)
