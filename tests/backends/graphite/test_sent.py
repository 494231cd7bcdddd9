"""What has arrived is remembered within a bound."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TypeVar

from msgspec.structs import astuple

from zibrato.backends.graphite.sent import Sent
from zibrato.distribution import Distribution
from zibrato.model import Summary

ONE = Summary(1, 2.0)
K = TypeVar("K", bound=Hashable)


def add(sent: Sent[K], summaries: Mapping[K, Summary]) -> int:
    """Return how often it paused."""
    return sum(1 for _ in sent.adding(summaries))


def test_what_comes_late_is_added() -> None:
    sent = Sent[str]()
    assert sent.with_before("k", ONE) == ONE
    add(sent, {"k": ONE})
    add(sent, {"k": ONE})
    assert astuple(sent.with_before("k", ONE))[:2] == (3, 6.0)
    assert sent.with_before("other", ONE) == ONE


def test_the_oldest_is_forgotten_first() -> None:
    sent = Sent[int](3 * (ONE.size + 200))
    for key in range(4):
        add(sent, {key: ONE})
    assert [sent.with_before(key, ONE).count for key in range(4)] == [1, 2, 2, 2]


def test_a_distribution_counts_as_large_as_it_is() -> None:
    samples = [0.5] * 1000
    timer = Summary(1000, 500.0, 0.5, 0.5, 250.0, 0.5, Distribution(samples))
    sent = Sent[int](5 * timer.size)
    assert add(sent, dict.fromkeys(range(100), timer)) == 2
    kept = [key for key in range(100) if sent.with_before(key, timer).count > 1000]
    assert kept == [96, 97, 98, 99]
