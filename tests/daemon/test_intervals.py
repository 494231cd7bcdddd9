"""A closed interval becomes a snapshot."""

from __future__ import annotations

from zibrato.daemon.accumulator import Accumulator
from zibrato.daemon.intervals import ClosedInterval, OpenInterval
from zibrato.model import COUNTER, Series, Snapshot, Summary

A = Series(COUNTER, "a", "here")


def test_a_snapshot_is_made_once_of_what_was_taken_in() -> None:
    opened = OpenInterval()
    entry = opened.entries[A] = Accumulator(COUNTER)
    entry.add_counts(2, 3.0)
    closed = ClosedInterval(10, 20, opened)
    assert closed.series == 1
    assert closed.snapshot() == Snapshot(10, 20, {A: Summary(2, 3.0)})
    assert closed.series == 0


def test_what_rows_it_remembers_is_bounded() -> None:
    opened = OpenInterval()
    entry = opened.entries[A] = Accumulator(COUNTER)
    for number in range(5):
        opened.remember((COUNTER, f"a{number}", "info", None, ()), entry)
    assert len(opened.rows) == 2
