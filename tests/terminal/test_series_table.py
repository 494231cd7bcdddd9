"""What `zibrato top` knows of the series."""

from __future__ import annotations

import json

import msgspec
import pytest

from tests.terminal.series_json import START, counted, interval, listed, series, timed
from zibrato.terminal import series_table
from zibrato.terminal.series_table import INTERVALS, STALE, Row, SeriesTable, UnknownSeriesError


def table(*given: dict[str, object]) -> SeriesTable:
    made = SeriesTable()
    made.load(listed(*given))
    return made


def only(made: SeriesTable) -> Row:
    (row,) = made.view("", "name")
    return row


def test_a_list_is_shown_as_it_is() -> None:
    made = table(series(1, tags={"b": "2", "a": "1"}, level="error"))
    row = only(made)
    assert row.label == "shop.orders1 web-1 a=1 b=2 error"
    assert (row.rate, row.value, row.p50, row.p95) == (0.5, 5.0, None, None)
    assert row.spark(made.newest, 4) == [None, 1.0, None, 5.0]
    assert (len(made), made.problem) == (1, None)


def test_an_interval_moves_all_on_by_one() -> None:
    made = table(series(1), series(2, kind="timer", last=0.3, rate=2.0))
    made.add_event("interval", 2, interval(START + 10, counted(1, 30), timed(2, 50, 0.1, 0.2, 0.4)))
    counter, timer = made.view("", "name")
    assert (counter.rate, counter.value) == (3.0, 30.0)
    assert counter.spark(made.newest, 3) == [None, 5.0, 30.0]
    assert (timer.rate, timer.value, timer.p50, timer.p95, timer.p99) == (5.0, None, 0.1, 0.2, 0.4)
    assert timer.spark(made.newest, 2) == [5.0, 0.2]


def test_what_comes_late_adds_up_in_its_own_interval() -> None:
    made = table(series(1))
    for start, value in ((START + 20, 7), (START + 10, 2), (START + 10, 3), (START + 20, 1)):
        made.add_event("interval", 2, interval(start, counted(1, value)))
    row = only(made)
    assert row.spark(made.newest, 3) == [5.0, 5.0, 8.0]
    assert (row.value, row.rate) == (8.0, 0.8)


def test_what_the_list_had_already_is_not_added_again() -> None:
    made = table(series(1))
    before = made.version
    made.add_event("interval", 1, interval(START, counted(1, 99)))
    assert (only(made).value, made.version) == (5.0, before)


def test_a_series_that_is_new_comes_with_its_event_once() -> None:
    made = table(series(1))
    made.add_event("series", 2, json.dumps([series(2, seen=START + 10, spark=[4.0])]).encode())
    made.add_event("interval", 2, interval(START + 10, counted(2, 4)))
    row = made.view("orders2", "name")[0]
    assert (row.value, row.rate) == (4.0, 0.4)
    assert row.spark(made.newest, 2) == [None, 4.0]


def test_a_series_that_nobody_told_of_is_a_reason_to_load_anew() -> None:
    made = table(series(1))
    with pytest.raises(UnknownSeriesError):
        made.add_event("interval", 2, interval(START + 10, counted(9, 1)))


def test_more_rows_than_there_is_room_for_are_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series_table, "MAX_ROWS", 1)
    with pytest.raises(UnknownSeriesError):
        table(series(1)).add_event("series", 2, json.dumps([series(2)]).encode())


def test_memory_of_a_series_is_bounded() -> None:
    made = table(series(1))
    for number in range(3 * INTERVALS):
        made.add_event("interval", 2, interval(START + 10 * number, counted(1, number)))
    row = only(made)
    assert row._recent is not None
    assert len(row._recent) == INTERVALS
    assert row.spark(made.newest, 2) == [178.0, 179.0]


def test_a_rate_ends_where_nothing_comes_any_more() -> None:
    made = table(series(1), series(2))
    for number in range(1, STALE + 2):
        assert made.view("orders2", "rate")[0].rate == 0.5
        made.add_event("interval", 2, interval(START + 10 * number, counted(1, 1)))
    assert made.view("orders2", "rate")[0].rate is None


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("", [3, 2, 1]), ("ORDERS", [2, 1]), ("web-1 orders2", [2]), ("none", []), ("q=a", [3])],
)
def test_the_filter_is_words_of_all_that_is_shown(text: str, numbers: list[int]) -> None:
    made = table(
        series(1, rate=1.0), series(2, rate=2.0), series(3, name="x", rate=3.0, tags={"q": "a"})
    )
    assert [row.rate for row in made.view(text, "rate")] == numbers


def test_rows_are_sorted_by_any_of_four_and_what_has_none_is_last() -> None:
    made = table(
        series(1, name="b", rate=None, last=9.0),
        series(2, name="a", rate=1.0, last=None),
        series(3, name="C", rate=2.0, last=10.0),
    )
    names = {order: "".join(row.label[0] for row in made.view("", order))
             for order in series_table.ORDERS}  # fmt: skip
    assert names == {"rate": "Cab", "name": "abC", "value": "Cba", "p99": "baC"}


def test_names_are_shown_and_not_obeyed() -> None:
    row = only(table(series(1, name="\x1b[2J\u202e", source="a\nb", tags={"\r": "\x07"})))
    assert row.label.isprintable()


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"<html>", b"{}", b"[]", listed(series(1, kind=3))),
        b'{"updates":1,"interval":0,"series":[]}',
    ],
)
def test_what_is_no_list_is_an_error_and_changes_nothing(body: bytes) -> None:
    made = table(series(1))
    with pytest.raises(ValueError):  # noqa: PT011 - msgspec's errors are some
        made.load(body)
    assert len(made) == 1


@pytest.mark.parametrize("data", [b"", b"[1]", b'{"start":5,"end":5,"points":[]}'])
def test_what_is_no_interval_is_an_error(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - msgspec's errors are some
        table(series(1)).add_event("interval", 2, data)


def test_of_many_only_the_sparklines_that_are_looked_at_are_decoded() -> None:
    made = table(*(series(number) for number in range(1000)))
    rows = made.view("", "rate")
    rows[0].spark(made.newest, 3)
    assert sum(not isinstance(row._spark, msgspec.Raw) for row in rows) == 1
