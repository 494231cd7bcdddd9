"""Streams of times and values by tags."""

from __future__ import annotations

from math import nan

from tests.store.api.plots import METRIC, RANGE, SERIES, SLOTS, plot, reading
from zibrato.model import COUNTER, GAUGE, Series, Summary
from zibrato.store.api.requests import Content
from zibrato.store.api.tag_series import by_tags, grouped
from zibrato.store.db.codec import counter_row, row_of


def values(entries: list[Content]) -> list[tuple[int, float]]:
    """Return time and value of measurements."""
    return [(entry["time"], entry["value"]) for entry in entries]


def test_a_stream_for_each_set_of_tags_that_has_anything() -> None:
    slots = {**SLOTS, 2: {}}
    streams = by_tags(plot(slots), SERIES, METRIC, RANGE, "max")
    (one,) = streams
    assert one["tags"] == {"host": "x", "source": "a"}
    assert values(one["measurements"]) == [(10, 3.0), (20, 8.0)]


def test_streams_are_in_the_order_of_their_tags() -> None:
    slots = {3: SLOTS[3], 2: SLOTS[2], 1: SLOTS[1]}
    streams = by_tags(plot(slots), {**SERIES, 2: Series(GAUGE, "m", "", ())}, METRIC, RANGE, None)
    assert [one["tags"] for one in streams] == [{}, {"host": "x", "source": "a"}]


def test_only_so_many_where_they_are_counted() -> None:
    newest = RANGE._replace(count=1)
    (one, _) = by_tags(plot(SLOTS), SERIES, METRIC, newest, None)
    assert values(one["measurements"]) == [(20, 6.0)]
    (one, _) = by_tags(plot(SLOTS), SERIES, METRIC, newest._replace(oldest=True), None)
    assert values(one["measurements"]) == [(10, 2.0)]


def test_all_that_is_known_of_a_summary() -> None:
    slots = {1: {10: [reading(1.0), reading(5.0)], 20: [row_of(Summary(2, 6.0, 1, 5, nan, nan))]}}
    (one,) = by_tags(plot(slots), SERIES, METRIC, RANGE, "all")
    assert one["measurements"] == [
        {"time": 10, "value": 3.0, "count": 2, "sum": 6.0, "min": 1.0, "max": 5.0, "last": 5.0,
         "stddev": 2.0},
        {"time": 20, "value": 3.0, "count": 2, "sum": 6.0, "min": 1.0, "max": 5.0, "last": 3.0},
    ]  # fmt: skip
    counters = {1: Series(COUNTER, "m", "a")}
    counted = plot({1: {10: [counter_row(Summary(2, 5.0))]}})
    (one,) = by_tags(counted, counters, METRIC, RANGE, "all")
    assert one["measurements"] == [{"time": 10, "value": 2.5, "count": 2, "sum": 5.0}]


def test_a_derivative_is_of_the_last_values() -> None:
    slots = {1: {10: [reading(1.0), reading(5.0)], 20: [reading(9.0)], 40: [reading(7.0)]}}
    (one,) = by_tags(plot(slots), SERIES, METRIC, RANGE, "derivative")
    assert values(one["measurements"]) == [(20, 4.0), (40, -2.0)]


def test_a_deviation_that_is_not_known_is_left_out() -> None:
    slots = {1: {10: [reading(1.0), reading(5.0)], 20: [row_of(Summary(2, 6.0, 1, 5, nan, nan))]}}
    (one,) = by_tags(plot(slots), SERIES, METRIC, RANGE, "stddev")
    assert values(one["measurements"]) == [(10, 2.0)]


def stream(value: float, **tags: str) -> Content:
    return {"tags": tags, "measurements": [{"time": 10, "value": value}]}


STREAMS = [
    stream(1.0, host="a", region="us", rack="1"),
    stream(3.0, host="a", region="us", rack="2"),
    stream(5.0, host="a", region="eu"),
    stream(7.0, host="b", region="us"),
    stream(9.0, host="b"),
]


def test_a_group_by_of_two_tags_keeps_both_apart() -> None:
    groups = grouped(STREAMS, ["region", "host"], "sum")
    assert [(group["tags"], values(group["measurements"])) for group in groups] == [
        ({"region": "us", "host": "a"}, [(10, 4.0)]),
        ({"region": "eu", "host": "a"}, [(10, 5.0)]),
        ({"region": "us", "host": "b"}, [(10, 7.0)]),
    ]


def test_a_group_of_all_has_no_tags() -> None:
    assert grouped(STREAMS, ["*"], "sum") == [
        {"tags": {}, "measurements": [{"time": 10, "value": 25.0}]}
    ]


def test_a_group_s_values_at_each_time_are_merged_by_its_function() -> None:
    later = {"tags": {"host": "a"}, "measurements": [{"time": 0, "value": 2.0}]}
    for function, expected in ((None, 3.0), ("sum", 9.0), ("min", 1.0), ("count", 3.0)):
        (group, _) = grouped([*STREAMS, later], ["host"], function)
        assert values(group["measurements"])[1] == (10, expected)
        assert values(group["measurements"])[0][0] == 0
