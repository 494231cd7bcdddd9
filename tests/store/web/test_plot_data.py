"""What the page draws of summaries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zibrato.distribution import Distribution
from zibrato.model import COUNTER, GAUGE, TIMER, Series, Summary
from zibrato.store.db.codec import Row, counter_row, row_of
from zibrato.store.db.reader import Plot
from zibrato.store.web.plot_data import ROWS, PlotData, plot_data

KINDS = {1: COUNTER, 2: GAUGE, 3: TIMER, 4: TIMER}


def timer(*values: float, buckets: bool = False) -> Row:
    """Return the row of a timer's samples, or of their buckets."""
    distribution = Distribution(values)
    if buckets:
        distribution.spill()
    squares = sum(value * value for value in values)
    return row_of(
        Summary(
            len(values), sum(values), min(values), max(values), squares, values[-1], distribution
        )
    )


def gauge(value: float) -> Row:
    return row_of(Summary(1, value, value, value, value * value, value))


def drawn(slots: dict[int, dict[int, Row]]) -> PlotData:
    """Return what is drawn of a row for each series and time."""
    rows = {
        series_id: {time: [row] for time, row in times.items()}
        for series_id, times in slots.items()
    }
    series = {series_id: Series(KINDS[series_id], "n", str(series_id)) for series_id in slots}
    return plot_data(Plot(10, rows), series)


def test_columns_are_parallel_to_the_times_of_all_series() -> None:
    data = drawn({2: {0: gauge(1.0), 20: gauge(3.0)}, 3: {10: timer(1.0, 2.0)}})
    assert (data.resolution, data.times) == (10, [0, 10, 20])
    first, second = data.series
    assert (first.id, first.last, first.p50) == (2, [1.0, None, 3.0], None)
    assert (second.id, second.count, second.p95) == (3, [None, 2, None], [None, 2.0, None])


def test_a_counter_has_counts_and_sums_alone() -> None:
    (data,) = drawn({1: {0: counter_row(Summary(2, 5.0))}}).series
    assert (data.count, data.sum) == ([2], [5.0])
    assert (data.min, data.max, data.last, data.p50) == ([None], [None], [None], None)


def test_series_merged_are_drawn_as_what_all_of_them_are() -> None:
    merged = drawn({3: {0: timer(1.0)}, 4: {0: timer(3.0)}}).merged
    assert (merged.id, merged.count, merged.max, merged.p99) == (None, [2], [3.0], [3.0])
    merged = drawn({2: {0: gauge(1.0)}, 3: {0: timer(3.0)}}).merged
    assert (merged.count, merged.max, merged.p99) == ([2], [3.0], None)
    merged = drawn({1: {0: counter_row(Summary(1, 1.0))}, 3: {0: timer(3.0)}}).merged
    assert (merged.sum, merged.max) == ([4.0], [None])


def test_a_single_series_is_merged_with_nothing() -> None:
    data = drawn({3: {0: timer(1.0, 2.0)}})
    assert data.merged.id is None
    assert data.merged.p50 == data.series[0].p50


def test_only_timers_have_a_heat_map() -> None:
    assert drawn({2: {0: gauge(1.0)}}).heat is None
    assert drawn({2: {0: gauge(1.0)}, 3: {0: timer(1.0)}}).heat is None
    assert drawn({3: {}}).heat is None
    assert drawn({3: {0: timer(0.0, 0.0)}}).heat is None


def test_samples_are_in_the_row_between_their_bounds() -> None:
    heat = drawn({3: {0: timer(1.0, 1.0, 4.0), 10: timer(2.0)}}).heat
    assert heat is not None
    assert (heat.bounds[0], heat.bounds[-1], len(heat.bounds)) == (1.0, 4.0, ROWS + 1)
    first, second = heat.counts
    assert (first[0], first[-1], sum(first)) == (2, 1, 3)
    (row,) = [row for row, count in enumerate(second) if count]
    assert heat.bounds[row] <= 2.0001
    assert heat.bounds[row + 1] >= 1.9999


@pytest.mark.parametrize("buckets", [False, True])
def test_zeros_are_in_the_first_row(buckets: bool) -> None:
    heat = drawn({3: {0: timer(0.0, 0.0, 0.0, 5.0, buckets=buckets)}}).heat
    assert heat is not None
    assert (heat.counts[0][0], heat.counts[0][-1], sum(heat.counts[0])) == (3, 1, 4)


@given(
    st.lists(st.lists(st.floats(0, 1e6), min_size=1, max_size=9), min_size=1, max_size=4),
    st.booleans(),
)
def test_every_sample_is_counted_once(times: list[list[float]], buckets: bool) -> None:
    rows = {10 * i: timer(*values, buckets=buckets) for i, values in enumerate(times)}
    heat = drawn({3: rows}).heat
    if heat is None:
        assert not any(map(any, times))
        return
    assert [sum(row) for row in heat.counts] == [len(values) for values in times]
    assert heat.bounds == sorted(heat.bounds)
    assert all(len(row) == len(heat.bounds) - 1 <= ROWS for row in heat.counts)
