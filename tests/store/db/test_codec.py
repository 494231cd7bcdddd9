"""What is kept comes back as it was."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from zibrato.distribution import Distribution
from zibrato.model import Summary
from zibrato.store.db.codec import (
    MAX_SAMPLES,
    Row,
    counter_row,
    decode_distribution,
    decode_points,
    encode_distribution,
    encode_points,
    merged_row,
    merged_summary,
    row_of,
    summary_of,
)

numbers = st.floats(allow_nan=False, allow_infinity=False)
samples = st.lists(st.floats(0, 1e9), min_size=1, max_size=100)


def timer(values: Sequence[float]) -> Summary:
    squares = sum(value * value for value in values)
    return Summary(
        len(values), sum(values), min(values), max(values), squares, values[-1],
        Distribution(values),
    )  # fmt: skip


@given(samples)
def test_a_distribution_is_exact_while_small_and_within_a_percent_beyond(
    values: list[float],
) -> None:
    original = Distribution(values)
    found = decode_distribution(encode_distribution(original), sum(values))
    assert found.count == len(values)
    assert (found.low, found.high) == (min(values), max(values))
    for percent in (1, 50, 95, 100):
        exact = original.percentile(percent)
        tolerance = 0 if len(values) <= MAX_SAMPLES else 0.0055 * exact
        assert abs(found.percentile(percent) - exact) <= tolerance


def test_one_sample_takes_no_byte() -> None:
    assert encode_distribution(Distribution([0.25])) == b""


def test_encoding_changes_nothing() -> None:
    original = Distribution(range(1, 500))
    encode_distribution(original)
    assert original.samples is not None


@given(st.lists(st.tuples(st.integers(1, 600), st.integers(1, 2**53), numbers), min_size=1))
def test_a_chunk_of_a_counter_comes_back(found: list[tuple[int, int, float]]) -> None:
    points, start = [], 5000
    for step, count, total in found:
        points.append((start, counter_row(Summary(count, total))))
        start += step
    assert decode_points(encode_points(points, 4800), 4800) == points


@given(st.lists(numbers, min_size=1), st.booleans())
def test_a_chunk_of_a_gauge_comes_back(values: list[float], single: bool) -> None:
    points: list[tuple[int, Row]] = []
    for position, value in enumerate(values):
        count = 1 if single else position + 1
        row = (count, value, value - 1, value + 1, value * value, value, None)
        points.append((10 * position, row))
    assert decode_points(encode_points(points, 0), 0) == points


@given(st.lists(samples, min_size=1, max_size=5))
def test_a_chunk_of_a_timer_comes_back(found: list[list[float]]) -> None:
    points = [(60 * i, row_of(timer(values))) for i, values in enumerate(found)]
    assert decode_points(encode_points(points, 0), 0) == points


@given(st.lists(samples, min_size=1, max_size=8))
def test_rows_combine_to_the_row_of_all_their_samples(found: list[list[float]]) -> None:
    together = [value for values in found for value in values]
    result = summary_of(merged_row([row_of(timer(values)) for values in found]))
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


def test_a_counter_among_others_leaves_what_all_have() -> None:
    rows = [counter_row(Summary(2, 5.0)), row_of(Summary(1, 3.0, 3.0, 3.0, 9.0, 3.0))]
    assert merged_summary(rows) == Summary(3, 8.0)
