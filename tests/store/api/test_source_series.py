"""Measurements by source, in each of their shapes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.store.api.plots import METRIC, RANGE, SERIES, SLOTS, plot, reading
from zibrato.model import COUNTER, Series, Summary
from zibrato.store.api.requests import Content
from zibrato.store.api.responses import ApiError
from zibrato.store.api.source_series import Shape, by_source, shape_of
from zibrato.store.api.time_range import TimeRange
from zibrato.store.db.codec import counter_row
from zibrato.store.db.metadata import Metric


def values(entries: list[Content]) -> list[tuple[int, float]]:
    """Return time and value of measurements."""
    return [(entry["measure_time"], entry["value"]) for entry in entries]


def shaped(time_range: TimeRange = RANGE, **shape: Any) -> Content:
    return by_source(plot(SLOTS), SERIES, METRIC, time_range, Shape(**shape))


def test_series_of_one_source_are_merged_oldest_first() -> None:
    sources = shaped()
    assert [*sources] == ["a", "b"]
    assert values(sources["a"]) == [(10, 2.0), (20, 6.0)]
    assert sources["a"][0] == {
        "measure_time": 10, "value": 2.0, "count": 2, "sum": 4.0, "min": 1.0, "max": 3.0,
        "sum_squares": 10.0, "last": 3.0,
    }  # fmt: skip


def test_all_sources_together_where_that_is_asked_for() -> None:
    sources = shaped(breakout=False, merge=True)
    assert [*sources] == ["all"]
    assert [entry["count"] for entry in sources["all"]] == [3, 2]
    assert set(shaped(merge=True)) == {"a", "b", "all"}


def test_a_counter_has_a_count_and_a_sum_alone() -> None:
    slots = {1: {10: [counter_row(Summary(2, 5.0))]}}
    series = {1: Series(COUNTER, "m", "a")}
    sources = by_source(plot(slots), series, METRIC, RANGE, Shape())
    assert sources == {"a": [{"measure_time": 10, "value": 5.0, "count": 2, "sum": 5.0}]}


def test_only_so_many_where_they_are_counted() -> None:
    newest = RANGE._replace(count=1)
    assert values(shaped(time_range=newest)["a"]) == [(20, 6.0)]
    assert values(shaped(time_range=newest._replace(oldest=True))["a"]) == [(10, 2.0)]


def test_one_record_of_all_times() -> None:
    sources = shaped(merge=True, summarize_time=True)
    assert sources["a"] == [
        {"measure_time": 10, "value": 4.0, "count": 4, "sum": 16.0, "min": 1.0, "max": 8.0,
         "sum_squares": 90.0, "last": 8.0, "rollups": 2},
    ]  # fmt: skip
    (whole,) = sources["all"]
    assert (whole["count"], whole["sum"], whole["rollups"]) == (5, 22.0, 2)


@pytest.mark.parametrize(
    ("function", "first"),
    [
        ("sum", {"value": 8.0, "sum": 10.0, "min": 7.0, "max": 9.0, "last": 9.0}),
        ("max", {"value": 6.0, "sum": 6.0, "min": 6.0, "max": 6.0, "last": 6.0}),
        ("min", {"value": 2.0, "sum": 4.0, "min": 1.0, "max": 3.0, "last": 3.0}),
        ("mean", {"value": 4.0, "sum": 5.0, "min": 3.5, "max": 4.5, "last": 4.5}),
        ("count", {"value": 2.0, "sum": 2.0, "min": 2.0, "max": 2.0, "last": 2.0}),
    ],
)
def test_groups_of_the_sources_numbers(function: str, first: dict[str, float]) -> None:
    (group,) = shaped(breakout=False, group_by=function).values()
    assert {key: group[0][key] for key in first} == first
    assert [(entry["count"], entry["summarized"]) for entry in group] == [(3, 2), (2, 1)]


RUNNING = {
    1: {10: [reading(5.0)], 20: [reading(9.0)], 30: [reading(2.0)], 40: [reading(2.5)]},
    2: {10: [reading(1.0)], 20: [reading(4.0)], 40: [reading(6.0)]},
}
TOTAL = Metric("m", "counter")


def test_a_running_counter_has_the_difference_from_the_reading_before() -> None:
    sources = by_source(plot(RUNNING), SERIES, TOTAL, RANGE, Shape())
    deltas = [(entry["value"], entry.get("delta")) for entry in sources["a"]]
    assert deltas == [(5, None), (9, 4), (2, None), (2.5, 0.5)]  # 2 begins anew
    newest = by_source(plot(RUNNING), SERIES, TOTAL, RANGE._replace(count=1), Shape())
    assert [entry["delta"] for entry in newest["a"]] == [0.5]


def test_what_is_summarized_of_a_running_counter_are_its_deltas() -> None:
    sources = by_source(plot(RUNNING), SERIES, TOTAL, RANGE, Shape(False, True))
    assert [(e["measure_time"], e["count"], e["sum"]) for e in sources["all"]] == [
        (20, 2, 7.0), (40, 2, 2.5),
    ]  # fmt: skip
    once = by_source(plot(RUNNING), SERIES, TOTAL, RANGE, Shape(summarize_time=True))
    assert [(entry["count"], entry["sum"], entry["max"]) for entry in once["a"]] == [(2, 4.5, 4.0)]


def test_the_shape_is_that_of_the_parameters() -> None:
    assert shape_of({}) == Shape()
    assert shape_of({"summarize_sources": ["1"], "summarize_time": ["true"]}) == Shape(
        True, True, True
    )
    assert shape_of({"group_by": ["max"]}) == Shape(False, False, False, "max")
    assert shape_of({"group_by": ["max"], "breakout_sources": ["true"]}).breakout
    for params in ({"summarize_sources": ["maybe"]}, {"group_by": ["p95"]}):
        with pytest.raises(ApiError) as caught:
            shape_of(params)
        errors: Any = caught.value.errors
        assert [*errors["params"]] == [*params]
