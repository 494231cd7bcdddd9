"""Buckets in bounds: what they hold, and what those cost that come one by one."""

from __future__ import annotations

from typing import Any

import pytest

from zibrato.distribution import MAX_BUCKETS, MAX_COUNT, Distribution


def test_buckets_that_come_one_by_one_are_seldom_sorted(monkeypatch: pytest.MonkeyPatch) -> None:
    sorts: list[int] = []

    def counted(values: Any) -> list[Any]:
        result = sorted(values)
        sorts.append(len(result))
        return result

    monkeypatch.setattr("zibrato.distribution.sorted", counted, raising=False)
    full = Distribution.of_buckets(dict.fromkeys(range(MAX_BUCKETS), 1), 0, 1.0, 1.0)
    for index in range(2000):
        full.absorb(Distribution.of_buckets({MAX_BUCKETS + index: 1}, 0, 1.0, 1.0))
    full.add_repeated(1.0, 2000)
    assert len(sorts) < 3
    full.trim()
    lowest, highest = 2000, 2000 + MAX_BUCKETS
    assert full.buckets == {**dict.fromkeys(range(lowest, highest), 1), lowest: 2001 + 2000}


def test_no_bucket_passes_what_can_be_counted() -> None:
    full = Distribution.of_buckets({1: MAX_COUNT, 2: 5}, MAX_COUNT, 0.0, 2.0)
    merged = full.merged(full, full)
    assert (merged.zeros, merged.buckets) == (MAX_COUNT, {1: MAX_COUNT, 2: 15})


@pytest.mark.parametrize("count", [2**53 + 3, MAX_COUNT])
def test_the_highest_rank_of_more_than_floats_can_count_is_the_last(count: int) -> None:
    distribution = Distribution.of_buckets({0: count}, 0, 1.0, 1.0)
    assert distribution.percentile(100) == 1.0
