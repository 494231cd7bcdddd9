"""Rows: what they hold, what that costs, and what the encoder is spared."""

from __future__ import annotations

from array import array
from typing import cast

import pytest

from zibrato.client.rows import MAX_IDENTITY, ROW_COST, Rows, encodable, plain
from zibrato.model import COUNTER, GAUGE, MAX_EXACT_INT, TIMER, Series, bounded
from zibrato.wire import CounterRow, SampleRow, pack

SAMPLES = array("d", (3, 1, 2.5))


def test_each_kind_has_its_list() -> None:
    rows = Rows()
    assert not rows
    rows.add_count(Series(COUNTER, "c", "box", (("a", "b"),), "error"), 2, 5)
    rows.add_samples(Series(TIMER, "t", ""), SAMPLES)
    rows.add_samples(Series(GAUGE, "g", ""), SAMPLES)
    assert rows.counters == [CounterRow("c", "error", "box", {"a": "b"}, 2, 5)]
    assert rows.timers == [SampleRow("t", "info", None, {}, pack(SAMPLES))]
    assert rows.gauges == [SampleRow("g", "info", None, {}, pack(SAMPLES))]


def test_rows_cost_beside_their_samples() -> None:
    rows = Rows()
    assert rows.cost == 0
    rows.add_count(Series(COUNTER, "c", ""), 1000, 1)
    rows.add_samples(Series(TIMER, "t", ""), SAMPLES)
    rows.add_samples(Series(GAUGE, "g", ""), SAMPLES)
    assert (len(rows), rows.samples, rows.cost) == (3, 6, 6 + 3 * ROW_COST)
    assert rows.measurements == 1006


@pytest.mark.parametrize("total", [0, -3, MAX_EXACT_INT, -MAX_EXACT_INT])
def test_a_whole_sum_stays_whole_while_it_is_exact(total: int) -> None:
    assert encodable(total) == total
    assert type(encodable(total)) is int


@pytest.mark.parametrize("total", [MAX_EXACT_INT + 1, -(2**70), 10**400, 1.5, float("inf"), True])
def test_any_other_sum_is_a_finite_float(total: float) -> None:
    assert encodable(total) == float(bounded(total))
    assert type(encodable(total)) is float


class Text(str):
    """A string that says something else of itself."""

    __slots__ = ()

    def __str__(self) -> str:
        return "something else"


def test_a_plain_series_is_of_exact_strings() -> None:
    odd = Series(TIMER, Text("n"), Text("s"), ((Text("k"), Text("v")),), Text("info"))
    copy = plain(odd)
    assert copy == Series(TIMER, "n", "s", (("k", "v"),), "info")
    (tag,) = copy.tags
    assert {type(text) for text in (copy.name, copy.source, copy.level, *tag)} == {str}


def test_an_identity_may_have_just_so_many_bytes() -> None:
    longest = "é" * ((MAX_IDENTITY - len("ninfokey")) // 2)
    plain(Series(TIMER, "n", "", (("key", longest),)))
    with pytest.raises(ValueError, match="expected at most 100000 bytes"):
        plain(Series(TIMER, "nn", "", (("key", longest),)))


@pytest.mark.parametrize(
    ("series", "error"),
    [
        (Series(TIMER, "\ud800", ""), ValueError),
        (Series(TIMER, cast(str, None), ""), TypeError),
        (Series(TIMER, "n", "", ((cast(str, 1), "v"),)), TypeError),
    ],
    ids=["surrogate", "none", "number"],
)
def test_what_is_no_text_has_no_plain_form(series: Series, error: type[Exception]) -> None:
    with pytest.raises(error):
        plain(series)
