"""What is drawn of running totals."""

from __future__ import annotations

from zibrato.model import COUNTER, GAUGE, Series, Summary
from zibrato.store.db.codec import merged_summary, row_of
from zibrato.store.db.reader import Plot
from zibrato.store.web.running_totals import increments

SERIES = {number: Series(GAUGE, "total", f"s{number}") for number in (1, 2)}


def added(*totals: dict[int, float]) -> list[dict[int, float]]:
    """Return what was added to totals by time, of each series."""
    slots = {
        number: {
            time: [row_of(Summary(1, total, total, total, 0.0, total))]
            for time, total in by_time.items()
        }
        for number, by_time in enumerate(totals, 1)
    }
    plot, series = increments(Plot(10, slots), SERIES)
    assert {one.kind for one in series.values()} == {COUNTER}
    return [
        {time: merged_summary(rows).sum for time, rows in slots.items()}
        for slots in plot.slots.values()
    ]


def test_what_was_added_since_the_reading_before() -> None:
    assert added({0: 100, 10: 130, 20: 130, 30: 131}) == [{10: 30, 20: 0, 30: 1}]


def test_it_is_spread_over_the_time_without_a_reading() -> None:
    assert added({0: 100, 30: 160}) == [{10: 20, 20: 20, 30: 20}]


def test_sources_that_are_read_at_different_times_have_their_share_at_each() -> None:
    assert added({0: 0, 20: 20}, {10: 0, 30: 40}) == [{10: 10, 20: 10}, {20: 20, 30: 20}]


def test_a_total_that_falls_began_anew() -> None:
    assert added({0: 100, 10: 120, 20: 5, 30: 15}) == [{10: 20, 30: 10}]


def test_a_first_reading_says_nothing_of_what_was_added() -> None:
    assert added({0: 100}) == [{}]
    assert added({}) == [{}]


def test_of_several_readings_in_a_slot_the_last_one_counts() -> None:
    rows = [row_of(Summary(2, 150.0, 50.0, 100.0, 0.0, 100.0))]
    more = [row_of(Summary(3, 350.0, 110.0, 130.0, 0.0, 130.0))]
    plot, _ = increments(Plot(10, {1: {0: rows, 10: more}}), SERIES)
    (row,) = plot.slots[1][10]
    assert row[:2] == (3, 30.0)
