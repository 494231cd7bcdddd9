"""Running totals: what adds up, what begins anew, and that memory has a bound."""

from __future__ import annotations

import pytest

from zibrato.backends.otlp import totals
from zibrato.backends.otlp.totals import FORGOTTEN, Total, Totals
from zibrato.distribution import Distribution
from zibrato.model import COUNTER, TIMER, Series, Summary

CALLS = Series(COUNTER, "calls", "here")


def test_counters_add_up_since_the_first() -> None:
    kept = Totals()
    assert kept.add(CALLS, Summary(2, 5.0), 100.0) == Total(100.0, 100.0, Summary(2, 5.0))
    assert kept.add(CALLS, Summary(1, -1.0), 110.0, is_monotonic=False) == Total(
        100.0, 110.0, Summary(3, 4.0), is_monotonic=False
    )
    assert not kept.add(CALLS, Summary(1, 1.0), 120.0).is_monotonic


def test_a_late_interval_makes_nothing_older() -> None:
    kept = Totals()
    kept.add(CALLS, Summary(1, 1.0), 100.0)
    assert kept.add(CALLS, Summary(1, 1.0), 50.0).seen == 100.0


def test_timers_merge() -> None:
    kept = Totals()
    series = Series(TIMER, "work", "here")
    for sample in (1.0, 3.0):
        part = Summary(1, sample, sample, sample, sample**2, sample, Distribution([sample]))
        total = kept.add(series, part, 100.0)
    assert total.summary[:4] == (2, 4.0, 1.0, 3.0)
    assert total.summary.distribution is not None
    assert total.summary.distribution.count == 2


def test_what_was_silent_for_long_begins_anew() -> None:
    kept = Totals()
    kept.add(CALLS, Summary(1, 1.0), 100.0)
    later = 100.0 + FORGOTTEN
    assert kept.add(CALLS, Summary(1, 2.0), later) == Total(later, later, Summary(1, 2.0))


def test_memory_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(totals, "MAX_SERIES", 2)
    kept = Totals()
    for name in ("a", "b", "a", "c"):  # b is the one that was silent for longest
        kept.add(Series(COUNTER, name, "here"), Summary(1, 1.0), 100.0)
    sums = [kept.add(Series(COUNTER, name, "here"), Summary(1, 1.0), 1.0) for name in "acb"]
    assert [total.summary.sum for total in sums] == [3.0, 2.0, 1.0]
