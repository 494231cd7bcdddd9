"""The lines of `zibrato top`: what fits, and what it looks like."""

from __future__ import annotations

import math

import pytest

from tests.terminal.series_json import listed, series
from zibrato.terminal.series_table import SeriesTable
from zibrato.terminal.top_lines import BARS, columns, head, numbers, sparkline


def test_columns_fit_in_any_width() -> None:
    for width in range(200):
        shown = columns(width)
        line = "x" * shown.label + head(shown, "rate")
        assert len(line) == max(width, 8)
        assert shown.spark <= 40


def test_what_is_shown_at_80_and_at_40() -> None:
    wide, narrow = columns(80), columns(40)
    assert (wide.label, wide.numbers, wide.spark) == (
        31, ("rate", "value", "p50", "p95", "p99"), 8,
    )  # fmt: skip
    assert (narrow.label, narrow.numbers, narrow.spark) == (24, ("rate", "value"), 0)
    assert head(wide, "p95").split() == ["rate/s", "value", "p50", "p95↓", "p99", "trend"]


def test_numbers_are_below_their_titles() -> None:
    table = SeriesTable()
    table.load(listed(series(1, kind="timer", rate=123_456.0, last=0.000123)))
    (row,) = table.view("", "rate")
    assert numbers(row, columns(80)) == "    123k       -       -    123µ       -"


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ([], ""),
        ([None, 0.0, 7.0], f" {BARS[0]}{BARS[7]}"),
        ([0.0, 1.0, 2.0, 3.5, 7.0], "▁▂▃▅█"),
        ([5.0, 5.0], "██"),
        ([0.0, 0.0], "▁▁"),
        ([-7.0, 0.0], "▁█"),
        ([-1e308, 1e308], "▁▁"),
        ([math.inf, 1.0], "▁▁"),
    ],
)
def test_sparklines(values: list[float | None], line: str) -> None:
    assert sparkline(values) == line
