"""The lines of `zibrato top`: columns that fit, numbers, and sparklines; pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from zibrato.terminal.quantities import number
from zibrato.terminal.series_table import Column, Row

BARS = "▁▂▃▄▅▆▇█"
NUMBER = 8
"""Characters in a column of numbers."""
MIN_LABEL = 24
MIN_SPARK, MAX_SPARK = 8, 40


class Columns(NamedTuple):
    """The widths of label and sparkline, and the numbers in between."""

    label: int
    numbers: Sequence[str]
    spark: int


def columns(width: int) -> Columns:
    """Return the columns that fit in so many characters; if there are few, only the rate."""
    numbers: tuple[str, ...] = ()
    for wanted in (("rate",), ("rate", "value"), ("rate", "value", "p50", "p95", "p99")):
        if width >= MIN_LABEL + NUMBER * len(wanted) or not numbers:
            numbers = wanted
    left = width - NUMBER * len(numbers)
    if left < MIN_LABEL + MIN_SPARK + 1:
        return Columns(max(left, 0), numbers, 0)
    spark = min(max((left - MIN_LABEL) // 2, MIN_SPARK), MAX_SPARK)
    return Columns(left - spark - 1, numbers, spark)


def head(shown: Columns, order: str) -> str:
    """Return the line of titles after the label's; the column that is sorted by has a mark."""
    names = {"rate": "rate/s"}
    cells = [
        f"{names.get(name, name) + ('↓' if name == order else ''):>{NUMBER}}"
        for name in shown.numbers
    ]
    return "".join(cells) + (" " + "trend".ljust(shown.spark) if shown.spark else "")


def numbers(row: Row, shown: Columns) -> str:
    """Return a row's cells with numbers."""
    return "".join(f"{number(getattr(row, name)):>{NUMBER}}" for name in shown.numbers)


def sparkline(values: Column) -> str:
    """Return a character for each value, from 0 (or the least if that is lower) to the most."""
    present = [value for value in values if value is not None]
    low, high = min([0.0, *present]), max(present, default=0.0)
    span = high - low
    steps = len(BARS) - 1

    def bar(value: float | None) -> str:
        if value is None:
            return " "
        return BARS[round((value - low) / span * steps)] if 0 < span < float("inf") else BARS[0]

    return "".join(bar(value) for value in values)
