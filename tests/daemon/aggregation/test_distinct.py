"""Distinct values: exact while few, near while many, and never more than a bound in memory."""

from __future__ import annotations

import sys

import pytest

from zibrato.daemon.aggregation.distinct import MAX_EXACT, Distinct


@pytest.mark.parametrize("count", [0, 1, 2, 100, MAX_EXACT])
def test_few_values_are_counted_exactly(count: int) -> None:
    distinct = Distinct()
    for _ in range(3):
        distinct.add(b"%d" % number for number in range(count))
    assert distinct.estimate() == count


@pytest.mark.parametrize("count", [MAX_EXACT + 1, 3 * MAX_EXACT, 200_000])
@pytest.mark.attack("a set of endless values", before="memory without a bound")
def test_many_values_are_estimated_in_bounded_memory(count: int) -> None:
    distinct = Distinct()
    for start in range(0, count, 1000):
        distinct.add(b"%d" % number for number in range(start, min(start + 1000, count)))
    assert len(distinct._hashes) < 2 * MAX_EXACT
    assert sys.getsizeof(distinct._hashes) < 20 * MAX_EXACT
    estimate = distinct.estimate()
    assert estimate == pytest.approx(count, rel=0.12)  # over 7 standard errors
    distinct.add(b"%d" % number for number in range(count))
    assert distinct.estimate() == pytest.approx(estimate, rel=0.01)


def test_values_that_come_again_take_no_memory() -> None:
    distinct = Distinct()
    for _ in range(1000):
        distinct.add([b"a", b"b", b"c"])
    assert len(distinct._hashes) < 100
    assert distinct.estimate() == 3
