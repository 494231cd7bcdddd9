"""A closed interval becomes a snapshot."""

from __future__ import annotations

from zibrato.daemon.aggregation.accumulator import Accumulator, SetAccumulator
from zibrato.daemon.aggregation.intervals import ClosedInterval, OpenInterval
from zibrato.model import COUNTER, GAUGE, SET, Series, Snapshot, Summary

A = Series(COUNTER, "a", "here")


def test_a_snapshot_is_made_once_of_what_was_taken_in() -> None:
    opened = OpenInterval()
    entry = opened.entries[A] = Accumulator(COUNTER)
    entry.add_counts(2, 3.0)
    closed = ClosedInterval(10, 20, opened)
    assert closed.series == 1
    assert closed.snapshot() == Snapshot(10, 20, {A: Summary(2, 3.0)})
    assert closed.series == 0


def test_a_snapshot_of_many_series_has_each_and_a_gauge_what_its_set_had() -> None:
    opened = OpenInterval()
    for number in range(2500):
        entry = opened.entries[A._replace(name=f"n{number}")] = Accumulator(COUNTER)
        entry.add_counts(1, float(number))
    gauge = opened.entries[Series(GAUGE, "users", "here")] = Accumulator(GAUGE)
    gauge.add_one(7.0)
    users = opened.entries[Series(SET, "users", "here")] = SetAccumulator()
    users.add_values([b"x", b"y"])
    summaries = ClosedInterval(10, 20, opened).snapshot().summaries
    assert [series.name for series in summaries] == [*(f"n{n}" for n in range(2500)), "users"]
    assert [summary.sum for summary in summaries.values()] == [*range(2500), 11.0]
    merged = summaries[Series(GAUGE, "users", "here")]
    assert (merged.count, merged.last) == (3, 2.0)


def test_what_rows_it_remembers_is_bounded() -> None:
    opened = OpenInterval()
    entry = opened.entries[A] = Accumulator(COUNTER)
    for number in range(5):
        opened.remember((COUNTER, f"a{number}", "info", None, ()), entry)
    assert len(opened.rows) == 2
