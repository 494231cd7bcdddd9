"""Measurements over a time, in the shapes of the API."""

from __future__ import annotations

import pytest

from zibrato.model import COUNTER, GAUGE, Series, Summary
from zibrato.store.api.requests import Content
from zibrato.store.api.responses import ApiError
from zibrato.store.api.time_range import TimeRange
from zibrato.store.api.time_series import by_source, by_tags, grouped, summary_function
from zibrato.store.db.codec import Row, counter_row, row_of
from zibrato.store.db.metadata import Metric
from zibrato.store.db.reader import Plot

RANGE = TimeRange(0, 100, 10)
METRIC = Metric("m")
SUMMED = Metric("m", attributes={"summarize_function": "sum"})


def reading(value: float) -> Row:
    return row_of(Summary(1, value, value, value, value * value, value))


def plot(slots: dict[int, dict[int, list[Row]]]) -> Plot:
    return Plot(10, slots)


SERIES = {
    1: Series(GAUGE, "m", "a", (("host", "x"),)),
    2: Series(GAUGE, "m", "b", (("host", "y"),)),
    3: Series(GAUGE, "m", "a", (("host", "x"),), "debug"),
}
SLOTS = {
    1: {20: [reading(4.0)], 10: [reading(1.0), reading(3.0)]},
    2: {10: [reading(6.0)]},
    3: {20: [reading(8.0)]},
}


def values(entries: list[Content]) -> list[tuple[int, float]]:
    """Return time and value of measurements, by what either API calls the time."""
    return [
        (entry["time" if "time" in entry else "measure_time"], entry["value"]) for entry in entries
    ]


@pytest.mark.parametrize(
    ("metric", "kind", "name", "expected"),
    [
        (METRIC, GAUGE, None, 3.0),
        (METRIC, COUNTER, None, 6.0),
        (SUMMED, GAUGE, None, 6.0),
        (Metric("m", "counter"), GAUGE, None, 5.0),
        (SUMMED, COUNTER, "mean", 3.0),
        (METRIC, GAUGE, "count", 2.0),
        (METRIC, GAUGE, "min", 1.0),
        (METRIC, GAUGE, "max", 5.0),
        (METRIC, GAUGE, "last", 5.0),
        (METRIC, GAUGE, "sum", 6.0),
    ],
)
def test_the_value_of_a_summary(
    metric: Metric, kind: str, name: str | None, expected: float
) -> None:
    summary = Summary(2, 6.0, 1.0, 5.0, 26.0, 5.0)
    assert summary_function(name, metric, kind)(summary) == expected


def test_the_mean_of_nothing_is_0() -> None:
    assert summary_function("mean", METRIC, GAUGE)(Summary(0, 0.0)) == 0.0


def test_functions_that_are_not_there_are_named() -> None:
    for call, param in (
        (lambda: summary_function("p95", METRIC, GAUGE), "summary_function"),
        (lambda: grouped([], ["host"], "p95", False), "group_by_function"),
    ):
        with pytest.raises(ApiError) as caught:
            call()
        assert param in str(caught.value.errors)


def test_series_of_one_source_are_merged_oldest_first() -> None:
    sources = by_source(plot(SLOTS), SERIES, METRIC, RANGE, breakout=True, summarize=False)
    assert [*sources] == ["a", "b"]
    assert values(sources["a"]) == [(10, 2.0), (20, 6.0)]
    assert sources["a"][0] == {
        "measure_time": 10, "value": 2.0, "count": 2, "sum": 4.0, "min": 1.0, "max": 3.0,
        "sum_squares": 10.0, "last": 3.0,
    }  # fmt: skip


def test_all_sources_together_where_that_is_asked_for() -> None:
    sources = by_source(plot(SLOTS), SERIES, METRIC, RANGE, breakout=False, summarize=True)
    assert [*sources] == ["all"]
    assert [entry["count"] for entry in sources["all"]] == [3, 2]
    both = by_source(plot(SLOTS), SERIES, METRIC, RANGE, breakout=True, summarize=True)
    assert set(both) == {"a", "b", "all"}


def test_a_counter_has_a_count_and_a_sum_alone() -> None:
    slots = {1: {10: [counter_row(Summary(2, 5.0))]}}
    series = {1: Series(COUNTER, "m", "a")}
    sources = by_source(plot(slots), series, METRIC, RANGE, breakout=True, summarize=False)
    assert sources == {"a": [{"measure_time": 10, "value": 5.0, "count": 2, "sum": 5.0}]}


def test_only_the_newest_where_they_are_counted() -> None:
    newest = RANGE._replace(newest=1)
    sources = by_source(plot(SLOTS), SERIES, METRIC, newest, breakout=True, summarize=False)
    assert values(sources["a"]) == [(20, 6.0)]
    streams = by_tags(plot(SLOTS), SERIES, METRIC, newest, None)
    assert values(streams[0]["measurements"]) == [(20, 6.0)]


def test_a_stream_for_each_set_of_tags_that_has_anything() -> None:
    slots = {**SLOTS, 2: {}}
    streams = by_tags(plot(slots), SERIES, METRIC, RANGE, "max")
    (stream,) = streams
    assert stream["tags"] == {"host": "x", "source": "a"}
    assert values(stream["measurements"]) == [(10, 3.0), (20, 8.0)]


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
    groups = grouped(STREAMS, ["region", "host"], "sum", False)
    assert [(group["tags"], values(group["measurements"])) for group in groups] == [
        ({"region": "us", "host": "a"}, [(10, 4.0)]),
        ({"region": "eu", "host": "a"}, [(10, 5.0)]),
        ({"region": "us", "host": "b"}, [(10, 7.0)]),
        ({"host": "b"}, [(10, 9.0)]),
    ]


def test_a_group_s_values_at_each_time_are_merged_by_its_function() -> None:
    later = {"tags": {"host": "a"}, "measurements": [{"time": 0, "value": 2.0}]}
    for function, summed, expected in (
        (None, False, 3.0), (None, True, 9.0), ("min", True, 1.0), ("max", False, 5.0),
        ("count", False, 3.0), ("mean", True, 3.0),
    ):  # fmt: skip
        (group, _) = grouped([*STREAMS, later], ["host"], function, summed)
        assert values(group["measurements"])[1] == (10, expected)
        assert values(group["measurements"])[0][0] == 0
