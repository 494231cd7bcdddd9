"""The lines of `zibrato top`: columns that fit, numbers, and sparklines; pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from zibrato.terminal.quantities import number
from zibrato.terminal.series_table import Column, Row

BARS = "▁▂▃▄▅▆▇█"
NUMBER = 8
"""Characters of a column of numbers."""
MIN_LABEL = 24
MIN_SPARK, MAX_SPARK = 8, 40


class Columns(NamedTuple):
    """How wide the label and the sparkline are, and which numbers stand between."""

    label: int
    numbers: Sequence[str]
    spark: int


def columns(width: int) -> Columns:
    """Return the columns that fit in so many characters: the rate alone, where few do."""
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
    """Return the line of titles, behind that of the label; what is sorted by has a mark."""
    names = {"rate": "rate/s"}
    cells = [
        f"{names.get(name, name) + ('↓' if name == order else ''):>{NUMBER}}"
        for name in shown.numbers
    ]
    return "".join(cells) + (" " + "trend".ljust(shown.spark) if shown.spark else "")


def numbers(row: Row, shown: Columns) -> str:
    """Return the cells of numbers of a row."""
    return "".join(f"{number(getattr(row, name)):>{NUMBER}}" for name in shown.numbers)


def sparkline(values: Column) -> str:
    """Return a character for each value, from 0, or the least where one is less, to the most."""
    present = [value for value in values if value is not None]
    low, high = min([0.0, *present]), max(present, default=0.0)
    span = high - low
    steps = len(BARS) - 1

    def bar(value: float | None) -> str:
        if value is None:
            return " "
        return BARS[round((value - low) / span * steps)] if 0 < span < float("inf") else BARS[0]

    return "".join(bar(value) for value in values)
