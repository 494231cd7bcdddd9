"""What is kept comes back as it was, and merges to the same whichever way it is merged."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import reduce
from math import isnan, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import astuple, replace

from tests.store.db.store_file import File, timer
from zibrato.distribution import Distribution
from zibrato.model import MAX_COUNT, Summary
from zibrato.store.db.codec import (
    MAX_SAMPLES,
    Row,
    counter_row,
    decode_distribution,
    encode_distribution,
    merged_row,
    merged_summary,
    row_of,
    summary_of,
)
from zibrato.store.db.points import add_rows

samples = st.lists(st.floats(0, 1e9), min_size=1, max_size=100)


@given(samples)
def test_a_distribution_is_exact_while_small_and_within_a_percent_beyond(
    values: list[float],
) -> None:
    original = Distribution(values)
    decoded = decode_distribution(encode_distribution(original), sum(values))
    assert decoded.count == len(values)
    assert (decoded.low, decoded.high) == (min(values), max(values))
    for percent in (1, 50, 95, 100):
        exact = original.percentile(percent)
        tolerance = 0 if len(values) <= MAX_SAMPLES else 0.0055 * exact
        assert abs(decoded.percentile(percent) - exact) <= tolerance


def test_one_sample_takes_no_byte() -> None:
    assert encode_distribution(Distribution([0.25])) == b""


def test_encoding_changes_nothing() -> None:
    original = Distribution(range(1, 500))
    encode_distribution(original)
    assert original.samples is not None


@given(st.lists(samples, min_size=1, max_size=8))
def test_rows_combine_to_the_row_of_all_their_samples(timers: list[list[float]]) -> None:
    together = [value for values in timers for value in values]
    result = summary_of(merged_row([row_of(timer(values)) for values in timers]))
    assert (result.count, result.min, result.max) == (
        len(together), min(together), max(together),
    )  # fmt: skip
    assert abs(result.sum - sum(together)) <= 1e-9 * sum(together)
    assert result.last == together[-1]
    assert result.distribution is not None
    assert result.distribution.count == len(together)
    exact = Distribution(together).percentile(95)
    assert abs(result.distribution.percentile(95) - exact) <= 0.0111 * exact


def test_the_order_of_combining_makes_no_difference_to_a_percentile() -> None:
    rows = [row_of(timer([float(i * j % 97) for j in range(1, 60)])) for i in range(1, 20)]
    one = merged_summary(rows).distribution
    two = merged_summary([merged_row(rows[:7]), merged_row(rows[7:])]).distribution
    assert one is not None
    assert two is not None
    assert one.buckets == two.buckets
    assert one.zeros == two.zeros


def test_a_bucket_stays_where_integers_end_however_many_rows_are_combined() -> None:
    full = Distribution.of_buckets({1: MAX_COUNT, 2: 5}, MAX_COUNT, 0.0, 2.0)
    row = row_of(Summary(MAX_COUNT, 1.0, 0.0, 2.0, 1.0, 1.0, full))
    distribution = summary_of(merged_row([merged_row([row] * 3)] * 3)).distribution
    assert distribution is not None
    assert (distribution.zeros, distribution.buckets) == (MAX_COUNT, {1: MAX_COUNT, 2: 45})


def test_a_counter_among_others_leaves_what_all_have() -> None:
    rows = [counter_row(Summary(2, 5.0)), row_of(Summary(1, 3.0, 3.0, 3.0, 9.0, 3.0))]
    assert merged_summary(rows) == Summary(3, 8.0)


gauges = st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=3).map(
    lambda values: replace(timer(values), distribution=None)
)
counters = st.builds(Summary, st.integers(1, 2**40), st.floats(-1e9, 1e9))
series_of_rows = st.one_of(
    st.lists(counters.map(counter_row), min_size=1, max_size=8),
    st.lists(gauges.map(row_of), min_size=1, max_size=8),
    st.lists(samples.map(timer).map(row_of), min_size=1, max_size=8),
)


def upserted(connection: sqlite3.Connection, rows: Sequence[Row]) -> Row:
    """Return what SQL makes of rows that come one after the other."""
    connection.execute("DELETE FROM point")
    for row in rows:
        add_rows(connection, [(1, *row)])
    ((_, *merged),) = connection.execute("SELECT * FROM point")
    return tuple(merged)


def buckets(distribution: Distribution | None) -> object:
    """Return a distribution in a form that does not depend on how it was kept."""
    if distribution is None:
        return None
    copy = distribution.merged()
    copy.spill()
    return copy.low, copy.high, copy.zeros, {i: n for i, n in copy.buckets.items() if n}


def test_the_three_ways_to_merge_agree(file: File) -> None:
    connection = file.writer.connection

    @given(series_of_rows)
    def check(rows: list[Row]) -> None:
        one_by_one = reduce(Summary.merged, map(summary_of, rows))
        for merged in (merged_summary(rows), summary_of(upserted(connection, rows))):
            assert astuple(merged)[:6] == pytest.approx(
                astuple(one_by_one)[:6], rel=1e-12, abs=1e-6
            )
            assert (merged.count, merged.last) == (one_by_one.count, one_by_one.last)
            assert (merged.min, merged.max) == (one_by_one.min, one_by_one.max)
            assert buckets(merged.distribution) == buckets(one_by_one.distribution)

    check()


def test_squares_and_a_last_value_that_are_not_known_stay_so(file: File) -> None:
    known, unknown = Summary(2, 6.0, 1.0, 5.0, 26.0, 5.0), Summary(2, 8.0, 4.0, 4.0, nan, nan)
    add_rows(file.writer.connection, [(7, *row_of(known))])
    add_rows(file.writer.connection, [(7, *row_of(unknown))])
    (stored,) = file.writer.connection.execute("SELECT * FROM point")
    assert stored[1:] == (4, 14.0, 1.0, 5.0, None, None, None)
    for merged in (summary_of(stored[1:]), merged_summary([row_of(known), stored[1:]])):
        assert isnan(merged.sum_squares)
        assert isnan(merged.last)
    assert merged_summary([stored[1:], row_of(known)]).last == 5.0


def test_sums_stay_finite_whichever_way_they_are_merged(file: File) -> None:
    huge = row_of(Summary(1, 1.7e308, 1.7e308, 1.7e308, 1.7e308, 1.7e308))
    merged = reduce(Summary.merged, map(summary_of, [huge, huge]))
    assert merged.sum == merged.sum_squares == float.fromhex("0x1.fffffffffffffp+1023")
    assert merged_summary([huge, huge]) == merged
    assert summary_of(upserted(file.writer.connection, [huge, huge])) == merged
