"""Merging many summaries at once."""

from __future__ import annotations

from functools import reduce

import pytest

from zibrato.backends.merging import merged
from zibrato.distribution import Distribution
from zibrato.model import Summary


def timer(seconds: float) -> Summary:
    return Summary(1, seconds, seconds, seconds, seconds**2, seconds, Distribution([seconds]))


@pytest.mark.parametrize("number", range(1, 10))
def test_it_gives_what_merging_one_after_the_other_gives(number: int) -> None:
    summaries = [timer(float(seconds)) for seconds in range(1, number + 1)]
    one_by_one = reduce(Summary.merged, summaries)
    at_once = merged(summaries)
    assert at_once.distribution is not None
    assert one_by_one.distribution is not None
    assert at_once.distribution.samples == one_by_one.distribution.samples
    numbers = [
        (one.count, one.sum, one.min, one.max, one.sum_squares, one.last)
        for one in (at_once, one_by_one)
    ]
    assert numbers[0] == numbers[1]
