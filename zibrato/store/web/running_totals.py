"""Increments of Librato's counters, which are running totals, for the page to draw; pure."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from zibrato.model import COUNTER, Series, Summary
from zibrato.store.db.codec import Row, counter_row, merged_summary
from zibrato.store.db.reader import Plot


def increments(plot: Plot, series: Mapping[int, Series]) -> tuple[Plot, dict[int, Series]]:
    """Convert a plot of running totals to one of counters; return it and its series.

    What was added between two readings is spread evenly over the slots in between, so that several
    sources that are read at different times add up in each slot. If a total is less than the
    previous one, the counter was reset, and what was added in between is unknown.
    """
    slots = {series_id: _increments(plot, series_id) for series_id in plot.slots}
    counters = {series_id: one._replace(kind=COUNTER) for series_id, one in series.items()}
    return plot._replace(slots=slots), counters


def _increments(plot: Plot, series_id: int) -> dict[int, list[Row]]:
    plot.raise_if_ended()
    totals = {start: merged_summary(rows) for start, rows in plot.slots[series_id].items()}
    result: dict[int, list[Row]] = {}
    for before, end in pairwise(sorted(totals)):
        added = totals[end].reading - totals[before].reading
        if added < 0:
            continue
        starts = range(before + plot.step, end + plot.step, plot.step)
        share = added / len(starts)
        for start in starts:
            count = totals[end].count if start == end else 0
            result[start] = [counter_row(Summary(count, share))]
    return result
