"""Distributions: exact while few, within 1 % when many, and no order of merging matters."""

import random
import sys
from array import array
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from math import ceil
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.soak import examples
from zibrato.distribution import (
    MAX_BUCKETS,
    MAX_EXACT_SAMPLES,
    Distribution,
    bucket_of,
    percentile_label,
    representative,
)

TINIEST = 5e-324
HUGE = sys.float_info.max
PERCENTS = (0.1, 1, 5, 25, 50, 55, 75, 90, 95, 99, 99.9, 99.99, 100)
SAMPLE = st.floats(0, HUGE)

Family = Callable[[random.Random], float]
FAMILIES: dict[str, Family] = {
    "log-normal": lambda rng: rng.lognormvariate(-5, 2),
    "uniform": lambda rng: rng.uniform(0, 3),
    "bimodal": lambda rng: rng.gauss(0.01, 0.001) if rng.random() < 0.6 else rng.gauss(9, 0.5),
    "far bimodal": lambda rng: rng.choice((1e-9, 1e9)) * rng.uniform(1, 2),
    "constant": lambda _: 0.1,
    "zero": lambda _: 0.0,
    "mostly zero": lambda rng: max(0.0, rng.gauss(-1, 1)),
    "tiny": lambda rng: TINIEST * rng.randint(1, 5000),
    "tiny and huge": lambda rng: rng.choice((TINIEST, 3e-320, 1e-300, 1.7e308, HUGE)),
    "huge": lambda rng: HUGE * rng.uniform(0.5, 1),
    "powers of two": lambda rng: 2.0 ** rng.randint(-1074, 1023),
    "whole range": lambda rng: 2.0 ** rng.uniform(-60, 60),
}


def state(distribution: Distribution) -> tuple[object, ...]:
    samples = distribution.samples
    return (
        distribution.count,
        distribution.low,
        distribution.high,
        distribution.zeros,
        dict(distribution.buckets),
        None if samples is None else sorted(samples),
    )


def nearest_rank(samples: list[float], percent: float) -> float:
    """Return the smallest sample that at least `percent` % of the samples don't exceed."""
    rank = ceil(Fraction(str(percent)) * len(samples) / 100)
    return sorted(samples)[rank - 1]


def draw(family: str, seed: int, count: int) -> list[float]:
    rng = random.Random(seed)
    return [abs(FAMILIES[family](rng)) for _ in range(count)]


def is_close(estimate: float, exact: float) -> bool:
    return Fraction(abs(estimate - exact)) <= Fraction(exact) / 100


@settings(deadline=None)
@given(st.lists(SAMPLE, min_size=1, max_size=MAX_EXACT_SAMPLES), st.sampled_from(PERCENTS))
def test_few_samples_are_exact(samples: list[float], percent: float) -> None:
    distribution = Distribution(samples)
    assert distribution.percentile(percent) == nearest_rank(samples, percent)
    assert distribution.count == len(samples)


def test_a_copy_in_buckets_leaves_the_samples_as_they_are() -> None:
    distribution = Distribution([0.0, 1.0, 2.0])
    copy = distribution.in_buckets()
    assert (copy.samples, copy.zeros, copy.buckets.total(), copy.count) == (None, 1, 2, 3)
    assert (distribution.samples, distribution.zeros) == (array("d", [0.0, 1.0, 2.0]), 0)
    assert copy.in_buckets().buckets == copy.buckets


@pytest.mark.parametrize("family", FAMILIES)
@settings(max_examples=examples(25), deadline=None)
@given(seed=st.integers(0, 2**32), percent=st.sampled_from(PERCENTS))
def test_1024_samples_are_exact(family: str, seed: int, percent: float) -> None:
    samples = draw(family, seed, MAX_EXACT_SAMPLES)
    assert Distribution(samples).percentile(percent) == nearest_rank(samples, percent)


@pytest.mark.parametrize("family", FAMILIES)
@settings(max_examples=examples(25), deadline=None)
@given(seed=st.integers(0, 2**32), count=st.sampled_from([MAX_EXACT_SAMPLES + 1, 3000]))
def test_many_samples_are_within_one_percent(family: str, seed: int, count: int) -> None:
    samples = draw(family, seed, count)
    distribution = Distribution(samples)
    assert distribution.count == count
    for percent in PERCENTS:
        exact = nearest_rank(samples, percent)
        assert is_close(distribution.percentile(percent), exact), (percent, exact)


@settings(deadline=None)
@given(st.lists(SAMPLE, min_size=1, max_size=40), st.sampled_from(PERCENTS))
def test_any_samples_are_within_one_percent(some: list[float], percent: float) -> None:
    samples = some * (MAX_EXACT_SAMPLES // len(some) + 1)
    assert len(samples) > MAX_EXACT_SAMPLES
    estimate = Distribution(samples).percentile(percent)
    assert is_close(estimate, nearest_rank(samples, percent))
    assert min(samples) <= estimate <= max(samples)


def test_the_tiniest_numbers_are_within_one_percent() -> None:
    samples = [TINIEST * step for step in range(1, 4001)]
    distribution = Distribution(samples)
    for rank, exact in enumerate(samples, 1):
        assert is_close(distribution.percentile(rank / 40), exact)


def test_many_equal_samples_give_just_that_sample() -> None:
    for value in (0.0, TINIEST, 0.1, 1.0, HUGE):
        distribution = Distribution([value] * 5000)
        assert [distribution.percentile(p) for p in PERCENTS] == [value] * len(PERCENTS)


def test_a_rank_is_not_missed_by_a_rounding_error() -> None:
    hundred = Distribution(float(value) for value in range(1, 101))
    assert hundred.percentile(55) == 55  # 55 / 100 * 100 is above 55 in floats
    thousand = Distribution(float(value) for value in range(1, 1001))
    assert thousand.percentile(99.9) == 999
    for percent in range(1, 101):
        assert hundred.percentile(percent) == percent
    buckets = Distribution([1.0] * 33 + [1000.0] * 2967)
    assert is_close(buckets.percentile(1.1), 1.0)  # 1.1 * 3000 / 100 is above 33 in floats


def test_percentiles_have_labels() -> None:
    labels = [percentile_label(percent) for percent in (50, 95.0, 99.9, 99.99999)]
    assert labels == ["p50", "p95", "p99.9", "p99.99999"]


def test_empty_distributions_have_percentiles_of_0_and_merge() -> None:
    empty = Distribution()
    assert empty.count == 0
    assert empty.percentile(50) == 0
    assert state(empty.merged(empty)) == state(empty)
    some = Distribution([1.0, 2.0])
    assert state(empty.merged(some)) == state(some) == state(some.merged(empty))
    many = Distribution([1.0, 2.0] * MAX_EXACT_SAMPLES)
    assert state(empty.merged(many)) == state(many) == state(many.merged(empty))


def test_the_form_depends_on_the_number_of_samples_alone() -> None:
    assert Distribution([1.0] * MAX_EXACT_SAMPLES).samples is not None
    assert Distribution([1.0] * (MAX_EXACT_SAMPLES + 1)).samples is None
    grown = Distribution([1.0] * MAX_EXACT_SAMPLES)
    grown.add([1.0])
    assert state(grown) == state(Distribution([1.0] * (MAX_EXACT_SAMPLES + 1)))
    assert "1025" in repr(grown)
    assert "buckets" in repr(grown)


@settings(deadline=None)
@given(st.lists(st.lists(SAMPLE, max_size=20), min_size=1, max_size=10), st.integers(1, 200))
def test_adding_is_the_same_however_the_samples_come(parts: list[list[float]], times: int) -> None:
    whole = [sample for part in parts for sample in part * times]
    grown = Distribution()
    for part in parts:
        grown.add(part * times)
    assert state(grown) == state(Distribution(whole))


def merge_any_tree(parts: list[Distribution], data: st.DataObject) -> Distribution:
    parts = data.draw(st.permutations(parts))
    while len(parts) > 1:
        left = parts.pop(data.draw(st.integers(0, len(parts) - 1)))
        right = parts.pop(data.draw(st.integers(0, len(parts) - 1)))
        parts.append(left.merged(right))
    return parts[0]


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(FAMILIES)),
            st.integers(0, 2**32),
            st.sampled_from([0, 1, 2, 100, 500, MAX_EXACT_SAMPLES, MAX_EXACT_SAMPLES + 1, 2000]),
        ),
        min_size=1,
        max_size=6,
    ),
    st.data(),
)
def test_no_order_of_merging_matters(drawn: list[Any], data: st.DataObject) -> None:
    parts = [draw(*arguments) for arguments in drawn]
    whole = Distribution(sample for part in parts for sample in part)
    merged = merge_any_tree([Distribution(part) for part in parts], data)
    assert state(merged) == state(whole)
    assert merged.count == sum(map(len, parts))
    for percent in PERCENTS:
        assert merged.percentile(percent) == whole.percentile(percent)


@settings(deadline=None)
@given(st.lists(st.lists(SAMPLE, max_size=60), min_size=2, max_size=6), st.data())
def test_no_order_of_merging_matters_where_buckets_run_out(
    parts: list[list[float]], data: st.DataObject
) -> None:
    with (
        patch("zibrato.distribution.MAX_EXACT_SAMPLES", 8),
        patch("zibrato.distribution.MAX_BUCKETS", 12),
    ):
        whole = Distribution(sample for part in parts for sample in part)
        merged = merge_any_tree([Distribution(part) for part in parts], data)
    assert len(merged.buckets) <= 12
    assert merged.count == sum(map(len, parts))
    assert state(merged) == state(whole)


def test_merging_changes_neither_part() -> None:
    for one, other in (([1.0], [2.0]), ([1.0] * 2000, [2.0]), ([1.0] * 2000, [0.0] * 2000)):
        left, right = Distribution(one), Distribution(other)
        before = state(left), state(right)
        left.merged(right).add([5.0] * 3000)
        assert (state(left), state(right)) == before


def test_asking_for_a_percentile_changes_nothing() -> None:
    distribution = Distribution([3.0, 1.0, 2.0])
    before = state(distribution)
    assert distribution.percentile(50) == 2.0
    assert state(distribution) == before
    distribution.add([0.5])
    assert distribution.percentile(1) == 0.5


def test_memory_is_bounded_over_the_whole_range_of_floats() -> None:
    distribution = Distribution()
    steps = [2 ** (step / 70) for step in range(-70 * 1000, 70 * 1000)]
    for start in range(0, len(steps), 10_000):
        distribution.add(steps[start : start + 10_000])
    assert distribution.count == len(steps)
    assert len(distribution.buckets) == MAX_BUCKETS
    assert distribution.size < 1_000_000
    assert distribution.percentile(100) == steps[-1]
    assert is_close(distribution.percentile(99), nearest_rank(steps, 99))
    assert distribution.percentile(1) < distribution.percentile(99)


def test_size_follows_what_is_kept() -> None:
    assert Distribution([1.0] * 1000).size >= 8000
    assert Distribution([1.0] * 1_000_000).size < 1000


def test_buckets_are_those_of_the_exponential_histogram_at_scale_6() -> None:
    powers = [0.25, 1.0, 4.0]
    distribution = Distribution(array("d", powers * 1000))
    assert dict(distribution.buckets) == {-128: 1000, 0: 1000, 128: 1000}
    above = Distribution([1.0000001] * 2000)
    assert dict(above.buckets) == {1: 2000}


def test_buckets_that_somebody_else_filled_are_as_good_as_ours() -> None:
    rng = random.Random(3)
    values = [rng.lognormvariate(0, 3) for _ in range(2000)]
    own = Distribution(values)
    made = Distribution.of_buckets(
        Counter(map(bucket_of, values)), 0, min(values), max(values)
    )  # fmt: skip
    assert (made.buckets, made.low, made.high, made.count) == (own.buckets, own.low, own.high, 2000)
    assert made.percentiles((1, 50, 99)) == own.percentiles((1, 50, 99))


def test_buckets_past_the_bound_share_the_lowest() -> None:
    made = Distribution.of_buckets(dict.fromkeys(range(MAX_BUCKETS + 5), 2), 1, 0.0, 1.0)
    assert len(made.buckets) == MAX_BUCKETS
    assert made.count == 2 * (MAX_BUCKETS + 5) + 1


@given(st.floats(5e-324, 1.7e308))
def test_a_bucket_s_representative_is_near_all_that_is_in_it(value: float) -> None:
    if value > 1e-300:
        assert representative(bucket_of(value)) == pytest.approx(value, rel=0.0055)
    else:
        assert representative(bucket_of(value)) == pytest.approx(value, abs=1e-300)
