"""Both ways to digest samples: numpy's results are those of the way without it."""

from __future__ import annotations

import random
import sys
from array import array
from math import inf, nan, nextafter
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zibrato.daemon.aggregation import digest as module
from zibrato.daemon.aggregation.digest import WORTH_IT, are_timings, digest, pure, vectorized
from zibrato.distribution import MAX_BUCKETS, MAX_EXACT_SAMPLES, Distribution

pytest.importorskip("numpy", reason="the extra zibrato[numpy] is not installed")

HUGE = sys.float_info.max
TIMING = st.floats(0, HUGE)
STEPS = st.integers(-3, 3)


def stepped(value: float, steps: int) -> float:
    """Return the float that is so many after a value, or before it."""
    for _ in range(abs(steps)):
        value = nextafter(value, inf if steps > 0 else 0.0)
    return value


EDGE = st.builds(
    lambda index, steps: stepped(2 ** (index / 64), steps), st.integers(-68_000, 65_535), STEPS
)
"""What is next to where a bucket ends."""


def digested(samples: list[float], before: list[float]) -> tuple[Distribution, Distribution]:
    """Return the distributions of both ways, which had other samples before."""
    ways = []
    for way in (pure, vectorized):
        distribution = Distribution(before)
        distribution.spill()
        way(array("d", samples), distribution)
        ways.append(distribution)
    return ways[0], ways[1]


@settings(deadline=None)
@given(st.lists(st.one_of(TIMING, EDGE), min_size=1, max_size=60), st.lists(TIMING, max_size=5))
def test_histograms_are_equal_bucket_for_bucket(samples: list[float], before: list[float]) -> None:
    one, other = digested(samples, before)
    assert one.buckets == other.buckets
    assert (one.zeros, one.low, one.high) == (other.zeros, other.low, other.high)
    assert {type(number) for pair in other.buckets.items() for number in pair} <= {int}


@pytest.mark.parametrize("towards", [-inf, 0.0, inf])
def test_every_edge_is_decided_as_without_numpy(towards: float) -> None:
    """Also by a logarithm that is wrong in its last bit, as numpy's is on other machines."""
    edges = [2 ** (index / 64) for index in range(-900, 900)]
    samples = [stepped(edge, steps) for edge in edges for steps in (-1, 0, 1)]
    log2 = module.numpy.log2

    def other_log2(values: Any) -> Any:
        return module.numpy.nextafter(log2(values), towards) if towards else log2(values)

    with patch.object(module.numpy, "log2", other_log2):
        one, other = digested(samples, [])
    assert one.buckets == other.buckets


@given(st.lists(st.floats(-1e100, 1e100), min_size=1, max_size=60))
def test_moments_are_equal_but_for_the_last_bits(samples: list[float]) -> None:
    one, other = pure(array("d", samples), None), vectorized(array("d", samples), None)
    size = sum(map(abs, samples))
    assert other.sum == pytest.approx(one.sum, rel=1e-9, abs=size * 1e-12)
    assert other.squares == pytest.approx(one.squares)
    assert (other.low, other.high) == (one.low, one.high)


@pytest.mark.parametrize("samples", [[HUGE] * 600, [HUGE, HUGE, -HUGE, -HUGE] * 600, [-HUGE] * 600])
def test_sums_beyond_a_float_are_infinite_and_no_nan(samples: list[float]) -> None:
    with patch("warnings.warn", side_effect=AssertionError):
        assert vectorized(array("d", samples), None)[:2] == pure(array("d", samples), None)[:2]


@pytest.mark.parametrize(
    "count", [WORTH_IT - 1, WORTH_IT, MAX_EXACT_SAMPLES, MAX_EXACT_SAMPLES + 1]
)
def test_few_samples_stay_exact(count: int) -> None:
    distribution = Distribution()
    digest(array("d", [0.5] * count), distribution)
    assert distribution.count == count
    assert (distribution.samples is None) == (count > MAX_EXACT_SAMPLES)


def test_exact_samples_of_before_are_not_lost() -> None:
    distribution = Distribution([0.25] * 1000)
    vectorized(array("d", [0.0, 0.5, 0.0] * 200), distribution)
    assert dict(distribution.buckets) == {-128: 1000, -64: 200}
    assert (distribution.count, distribution.zeros) == (1600, 400)


def test_buckets_are_bounded() -> None:
    spread = [2.0 ** (index / 64) for index in range(-32_000, 32_000, 4)]
    one, other = digested(spread, [])
    assert one.buckets == other.buckets
    assert len(other.buckets) == MAX_BUCKETS


@pytest.mark.parametrize("count", [WORTH_IT - 1, WORTH_IT])
def test_numpy_is_for_many_samples_alone(count: int) -> None:
    with patch.object(module, "vectorized", side_effect=ZeroDivisionError):
        if count < WORTH_IT:
            assert digest(array("d", [1.0] * count), None).sum == count
        else:
            with pytest.raises(ZeroDivisionError):
                digest(array("d", [1.0] * count), None)


def test_without_numpy_all_is_done_without() -> None:
    with patch.object(module, "numpy", None):
        assert digest(array("d", [1.0] * 5000), None).squares == 5000
        assert not are_timings(array("d", [1.0] * 5000).tobytes())


@pytest.mark.parametrize("odd", [nan, -1e-300, inf, -inf])
def test_one_sample_that_is_no_timing_is_noticed(odd: float) -> None:
    chance = random.Random(odd)
    good = [chance.random() for _ in range(WORTH_IT)]
    assert are_timings(array("d", good).tobytes())
    place = chance.randrange(len(good))
    assert not are_timings(array("d", [*good[:place], odd, *good[place:]]).tobytes())
