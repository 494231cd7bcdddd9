"""Counts in buckets of ours: where they are, and within which error."""

from __future__ import annotations

from math import inf

import pytest

from zibrato.distribution import Distribution, bucket_of, representative
from zibrato.intake.otlp.placement import SLOTS, Placement


def placement(low: float = 0.0, high: float = inf, factor: float = 1.0) -> Placement:
    return Placement(low, high, factor)


def filled(placed: Placement) -> dict[int, int]:
    distribution = placed.summary(None).distribution
    assert distribution is not None
    return dict(distribution.buckets)


def test_a_value_is_in_the_bucket_that_a_sample_is_in() -> None:
    placed = placement()
    placed.at(0.5, 3)
    placed.at(0.0, 2)
    summary = placed.summary(None)
    assert filled(placed) == {bucket_of(0.5): 3}
    assert (summary.count, summary.sum, summary.min, summary.max) == (5, 1.5, 0.0, 0.5)
    assert summary.sum_squares == 0.75


def test_a_factor_makes_seconds_of_everything() -> None:
    placed = placement(factor=1e-3)
    placed.at(500.0, 2)
    summary = placed.summary(1000.0, 400.0, 600.0)
    assert filled(placed) == {bucket_of(0.5): 2}
    assert (summary.sum, summary.min, summary.max, summary.last) == (1.0, 0.4, 0.6, 0.5)


@pytest.mark.parametrize("count", [1, 2, SLOTS - 1, SLOTS, SLOTS + SLOTS // 2, 10 * SLOTS + 1])
def test_a_count_is_spread_evenly_and_none_of_it_is_lost(count: int) -> None:
    placed = placement()
    placed.over(1.0, 2.0, count)
    summary = placed.summary(None)
    assert summary.count == count
    assert summary.sum / count == pytest.approx(1.5, rel=0.02)
    assert summary.distribution is not None
    if count > 2:
        assert summary.distribution.percentile(50) == pytest.approx(1.5, rel=0.03)


def test_nothing_is_placed_beyond_the_extremes() -> None:
    placed = placement(low=1.4, high=1.6)
    placed.over(1.0, 2.0, 9)
    placed.over(5.0, 6.0, 1)
    summary = placed.summary(None)
    assert summary.min >= 1.4
    assert summary.max <= 1.6


@pytest.mark.parametrize("scale", [6, 7, 20])
def test_a_bucket_of_a_finer_scale_is_in_one_of_ours(scale: int) -> None:
    for ours in (-700, -1, 0, 1, 64, 700):
        first = (ours - 1) << (scale - 6)
        last = (ours << (scale - 6)) - 1
        placed = placement()
        placed.in_bucket(first, scale, 1)
        placed.in_bucket(last, scale, 1)
        assert filled(placed) == {ours: 2}


@pytest.mark.parametrize("scale", [5, 3, 0, -3, -10, -11])
def test_a_bucket_of_a_coarser_scale_is_spread_over_ours(scale: int) -> None:
    width = 1 << (6 - scale)
    for index in (-1, 0):
        placed = placement()
        placed.in_bucket(index, scale, 1000)
        buckets = filled(placed)
        assert sum(buckets.values()) == 1000
        assert all(index * width < ours <= (index + 1) * width for ours in buckets)


def test_a_coarse_bucket_ends_at_the_extremes() -> None:
    placed = placement(low=1.4, high=1.6)
    placed.in_bucket(0, 0, 100)
    assert all(bucket_of(1.4) <= ours <= bucket_of(1.6) for ours in filled(placed))


@pytest.mark.parametrize(("index", "scale"), [(2**31, 6), (-(2**31), 20 - 11), (70_000, 6)])
def test_what_is_past_all_floats_is_none(index: int, scale: int) -> None:
    with pytest.raises(ValueError, match="buckets"):
        placement().in_bucket(index, scale, 1)


def test_what_was_placed_merges_with_samples() -> None:
    placed = placement()
    placed.in_bucket(0, 6, 3)
    distribution = placed.summary(None).distribution
    assert distribution is not None
    merged = Distribution([1.0]).merged(distribution)
    assert merged.count == 4
    assert merged.percentile(100) == pytest.approx(representative(1))
