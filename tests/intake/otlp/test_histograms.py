"""OTLP's histograms: what they come to, what is left of a total, and what is none."""

from __future__ import annotations

from bisect import bisect_left
from math import ceil, inf, log2, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zibrato.intake.otlp.histograms import (
    MAX_BUCKETS,
    Buckets,
    ExplicitHistogram,
    ExponentialHistogram,
    Extremes,
    Zeros,
)
from zibrato.model import MAX_EXACT_INT, Summary

BOUNDS = (0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 1000.0)
UNKNOWN = Extremes()
samples = st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=50)
PERCENTS = (1, 25, 50, 95, 99, 100)


def explicit(values: list[float], extremes: Extremes = UNKNOWN) -> ExplicitHistogram:
    counts = [0] * (len(BOUNDS) + 1)
    for value in values:
        counts[bisect_left(BOUNDS, value)] += 1
    return ExplicitHistogram.of(BOUNDS, counts, len(values), sum(values), extremes)


def exponential(
    values: list[float], scale: int, extremes: Extremes = UNKNOWN
) -> ExponentialHistogram:
    indices = [ceil(log2(value) * 2.0**scale) - 1 for value in values if value]
    offset = min(indices, default=0)
    counts = [0] * (max(indices, default=0) - offset + 1)
    for index in indices:
        counts[index - offset] += 1
    zeros = Zeros(len(values) - len(indices), 0.0)
    buckets = Buckets(scale, offset, counts if indices else [])
    return ExponentialHistogram.of(buckets, zeros, len(values), sum(values), extremes)


def percentiles(summary: Summary) -> list[float]:
    assert summary.distribution is not None
    assert summary.distribution.count == summary.count
    return summary.distribution.percentiles(PERCENTS)


def true_percentiles(values: list[float]) -> list[float]:
    return [sorted(values)[ceil(percent * len(values) / 100) - 1] for percent in PERCENTS]


@given(samples)
def test_a_percentile_is_off_by_the_width_of_its_bucket_at_most(values: list[float]) -> None:
    summary = explicit(values, Extremes(min(values), max(values))).summary(1.0)
    assert (summary.count, summary.min, summary.max) == (len(values), min(values), max(values))
    assert summary.sum == sum(values)
    edges = (0.0, *BOUNDS, max(max(values), BOUNDS[-1]))
    for estimate, true in zip(percentiles(summary), true_percentiles(values), strict=True):
        place = bisect_left(BOUNDS, true)
        assert edges[place] * 0.99 <= estimate <= edges[place + 1] * 1.01


@given(st.lists(st.floats(0.001, 1000.0), min_size=1), st.sampled_from([6, 7, 8]))
def test_percentiles_of_scale_6_and_above_are_as_good_as_ours(
    values: list[float], scale: int
) -> None:
    estimates = percentiles(exponential(values, scale).summary(1.0))
    assert estimates == pytest.approx(true_percentiles(values), rel=0.0055)


def test_of_one_measurement_all_is_known_where_the_extremes_are() -> None:
    for histogram in (explicit([7.0], Extremes(7.0, 7.0)), exponential([7.0], 0, Extremes(7, 7))):
        summary = histogram.summary(1e-3)
        assert percentiles(summary) == [pytest.approx(0.007)] * len(PERCENTS)
        assert summary.min == summary.max == pytest.approx(0.007)


def test_zeros_are_zeros() -> None:
    for histogram in (explicit([0.0, 0.0, 8.0]), exponential([0.0, 0.0, 8.0], 6)):
        summary = histogram.summary(1.0)
        assert percentiles(summary)[:3] == [0.0] * 3
        assert summary.min == 0.0


def test_without_a_maximum_what_is_past_the_last_bound_is_at_it() -> None:
    assert explicit([5000.0]).summary(1.0).max == 1000.0


def test_a_histogram_without_buckets_is_its_sum_and_extremes() -> None:
    known = ExplicitHistogram.of((), (), 4, 8.0, Extremes(1.0, 3.0)).summary(1.0)
    assert (known.count, known.sum, known.min, known.max) == (4, 8.0, 1.0, 3.0)
    unknown = ExplicitHistogram.of((), (), 4, 8.0, UNKNOWN).summary(1.0)
    assert (unknown.count, unknown.sum) == (4, 8.0)
    assert percentiles(unknown)[2] == pytest.approx(2.0, rel=0.3)


def test_without_a_sum_it_is_what_was_placed() -> None:
    histogram = ExplicitHistogram.of((10.0, 20.0), (0, 4, 0), 4, None, UNKNOWN)
    assert histogram.summary(1.0).sum == pytest.approx(60.0)


# What is left of a total.


@given(samples, samples)
def test_a_total_less_an_earlier_one_is_what_came_between(
    before: list[float], later: list[float]
) -> None:
    left = explicit(before + later).minus(explicit(before))
    assert left is not None
    assert left.counts == [*explicit(later).counts]
    assert left.total == pytest.approx(sum(later), rel=1e-9, abs=1e-9 * sum(before))


@given(samples, samples, st.integers(0, 3))
def test_an_exponential_total_may_get_coarser(
    before: list[float], later: list[float], coarser: int
) -> None:
    left = exponential(before + later, 3 - coarser).minus(exponential(before, 3))
    assert left is not None
    assert left.buckets.filled() == exponential(later, 3 - coarser).buckets.filled()
    assert left.measurements == len(later)


def test_the_extremes_of_a_total_only_bound_what_is_left_of_it() -> None:
    whole = explicit([1.0, 30.0, 30.0, 90.0], Extremes(1.0, 90.0))
    left = whole.minus(explicit([1.0, 90.0], Extremes(1.0, 90.0)))
    assert left is not None
    summary = left.summary(1.0)
    assert (summary.count, summary.sum) == (2, 60.0)
    assert 25.0 <= summary.min <= summary.max <= 50.0


def test_a_total_with_less_is_a_reset() -> None:
    assert explicit([1.0]).minus(explicit([1.0, 30.0])) is None
    assert exponential([1.0, 1.0], 6).minus(exponential([30.0], 6)) is None
    assert exponential([1.0], 6).minus(exponential([0.0, 1.0], 6)) is None


def test_what_has_other_buckets_is_not_comparable() -> None:
    other = ExplicitHistogram.of((1.0,), (1, 0), 1, 1.0, UNKNOWN)
    with pytest.raises(ValueError, match="buckets"):
        explicit([1.0]).minus(other)
    with pytest.raises(ValueError, match="buckets"):
        exponential([1.0], 6).minus(exponential([1.0], 5))


def test_the_size_of_a_total_is_that_of_its_buckets() -> None:
    assert exponential([1.0, 2.0], 6).size - exponential([1.0], 6).size == 8 * 64
    assert explicit([1.0]).size > explicit([1.0])._replace(bounds=()).size


# What is none.


@pytest.mark.parametrize(
    ("bounds", "counts", "count", "reason"),
    [
        ((1.0, 2.0), (1, 1), 2, "buckets"),
        ((1.0,), (1, 1), 3, "buckets"),
        ((2.0, 1.0), (1, 0, 0), 1, "buckets"),
        ((1.0, 1.0), (1, 0, 0), 1, "buckets"),
        ((nan,), (1, 0), 1, "buckets"),
        ((inf,), (1, 0), 1, "buckets"),
        ((-inf,), (1, 0), 1, "buckets"),
        ((1.0,), (MAX_EXACT_INT, 1), MAX_EXACT_INT + 1, "count"),
        (range(MAX_BUCKETS), (1,) * (MAX_BUCKETS + 1), MAX_BUCKETS + 1, "buckets"),
    ],
)
def test_what_contradicts_itself_is_none(
    bounds: tuple[float, ...], counts: tuple[int, ...], count: int, reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        ExplicitHistogram.of(bounds, counts, count, 1.0, UNKNOWN)


@pytest.mark.parametrize(
    ("total", "extremes"),
    [
        (nan, UNKNOWN),
        (-1.0, UNKNOWN),
        (inf, UNKNOWN),
        (1.0, Extremes(-1.0, 1.0)),
        (1.0, Extremes(2.0, 1.0)),
        (1.0, Extremes(nan, 1.0)),
        (1.0, Extremes(0.0, inf)),
    ],
)
def test_odd_sums_and_extremes_are_none(total: float, extremes: Extremes) -> None:
    with pytest.raises(ValueError, match="value"):
        ExplicitHistogram.of((1.0,), (1, 0), 1, total, extremes)
    with pytest.raises(ValueError, match="value"):
        ExponentialHistogram.of(Buckets(6, 0, (1,)), Zeros(0, 0.0), 1, total, extremes)


@pytest.mark.parametrize("bounds", [(-2.0, -1.0), (-1.0, 1.0)])
def test_less_than_nothing_is_no_duration(bounds: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="value"):
        ExplicitHistogram.of(bounds, (0, 1, 0), 1, None, UNKNOWN).summary(1.0)


def test_a_bucket_from_below_nothing_may_have_what_is_not() -> None:
    histogram = ExplicitHistogram.of((-1.0, 1.0), (0, 1, 0), 1, 0.5, Extremes(0.5, 0.5))
    assert histogram.summary(1.0).min == 0.5


@pytest.mark.parametrize(
    ("scale", "threshold"), [(-12, 0.0), (-(2**31), 0.0), (6, nan), (6, -1.0), (6, inf)]
)
def test_scales_and_thresholds_that_can_t_be(scale: int, threshold: float) -> None:
    with pytest.raises(ValueError, match="buckets"):
        ExponentialHistogram.of(Buckets(scale, 0, (1,)), Zeros(0, threshold), 1, 1.0, UNKNOWN)


@pytest.mark.parametrize(
    ("scale", "offset"),
    [(scale, offset) for scale in (-11, 0, 6) for offset in (-(2**31), 2**31 - 1)],
)
def test_what_is_past_all_floats_is_none(scale: int, offset: int) -> None:
    made = ExponentialHistogram.of(Buckets(scale, offset, (3,)), Zeros(0, 0.0), 3, 1.0, UNKNOWN)
    with pytest.raises(ValueError, match="buckets"):
        made.summary(1.0)


@pytest.mark.parametrize("offset", [-(2**31), 0, 2**31 - 1])
def test_there_is_no_finest_scale(offset: int) -> None:
    buckets = Buckets(2**31 - 1, offset, (3,))
    made = ExponentialHistogram.of(buckets, Zeros(0, 0.0), 3, 3.0, UNKNOWN)
    assert made.summary(1.0).max == pytest.approx(1.0, rel=0.0055)


def test_seconds_past_all_floats_are_none() -> None:
    made = ExplicitHistogram.of((1e308,), (0, 1), 1, 1e308, UNKNOWN)
    with pytest.raises(ValueError, match="value"):
        made.summary(86400.0)
