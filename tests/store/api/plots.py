"""Series of one metric, and rows of them as a reader returns them."""

from __future__ import annotations

from zibrato.model import GAUGE, Series, Summary
from zibrato.store.api.time_range import TimeRange
from zibrato.store.db.codec import Row, row_of
from zibrato.store.db.metadata import Metric
from zibrato.store.db.reader import Plot

RANGE = TimeRange(0, 100, 10)
METRIC = Metric("m")
SERIES = {
    1: Series(GAUGE, "m", "a", (("host", "x"),)),
    2: Series(GAUGE, "m", "b", (("host", "y"),)),
    3: Series(GAUGE, "m", "a", (("host", "x"),), "debug"),
}


def reading(value: float) -> Row:
    return row_of(Summary(1, value, value, value, value * value, value))


def plot(slots: dict[int, dict[int, list[Row]]]) -> Plot:
    return Plot(10, slots)


SLOTS = {
    1: {20: [reading(4.0)], 10: [reading(1.0), reading(3.0)]},
    2: {10: [reading(6.0)]},
    3: {20: [reading(8.0)]},
}
