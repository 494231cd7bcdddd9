"""A distribution as values: all samples are counted, and the percentiles stay where they were."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zibrato.backends.statsd.values import MAX_VALUES, weighted_values
from zibrato.distribution import MAX_EXACT_SAMPLES, Distribution

PERCENTS = (1, 10, 50, 90, 99, 99.5)


def test_few_samples_are_themselves() -> None:
    assert weighted_values(Distribution([3.0, 1.0, 3.0])) == {1: [3.0, 1.0, 3.0]}


@pytest.mark.parametrize("count", [MAX_EXACT_SAMPLES + 1, 1500, 12_345])
def test_percentiles_are_those_of_the_values_as_they_are_and_as_they_weigh(count: int) -> None:
    random = Random(count)
    samples = [random.lognormvariate(-3, 1.5) for _ in range(count)]
    distribution = Distribution(samples)
    weighted = weighted_values(distribution)
    assert sum(weight * len(values) for weight, values in weighted.items()) == count
    assert sum(map(len, weighted.values())) <= MAX_VALUES + 2
    plain = Distribution([value for values in weighted.values() for value in values])
    by_weight = Distribution()
    for weight, values in weighted.items():
        for value in values:
            by_weight.add_repeated(value, weight)
    samples.sort()
    for percent in PERCENTS:  # within 0.6 % of a sample whose rank is at most 0.3 % away
        first, last = (count * (percent + step) / 100 for step in (-0.3, 0.3))
        least, most = samples[max(0, int(first))], samples[min(count - 1, int(last))]
        for shown in (plain.percentile(percent), by_weight.percentile(percent)):
            assert least / 1.006 <= shown <= most * 1.006
    assert (plain.low, plain.high) == (samples[0], samples[-1])


@given(
    st.dictionaries(st.integers(-500, 500), st.integers(1, 5000), max_size=20),
    st.integers(0, 3000),
)
def test_all_samples_are_counted(buckets: dict[int, int], zeros: int) -> None:
    distribution = Distribution.of_buckets(buckets, zeros, 0.0, 200.0)
    weighted = weighted_values(distribution)
    count = sum(weight * len(values) for weight, values in weighted.items())
    assert count == distribution.count
    assert all(weight > 0 for weight in weighted)
