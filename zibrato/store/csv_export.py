"""Measurements as records and as CSV, for the API and for `zibrato export`; pure, no Twisted."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from math import isnan

from zibrato.model import COUNTER, Series, Summary
from zibrato.store.db.codec import merged_summary
from zibrato.store.db.reader import PERCENTILES, Plot

Cell = str | float | None
Record = dict[str, Cell]
FIELDS = ("time", "name", "source", "tags", "level", "kind", "count", "sum", "min", "max",
          "sum_squares", "last", *(f"p{percent}" for percent in PERCENTILES))  # fmt: skip


def records(plot: Plot, series: Mapping[int, Series]) -> Iterator[Record]:
    """Generate a record with the fields FIELDS for each series and time."""
    for series_id, slots in plot.slots.items():
        plot.raise_if_ended()
        kind, name, source, tags, level = series[series_id]
        tags_text = ",".join(f"{tag}={value}" for tag, value in tags)
        for start in sorted(slots):
            numbers = _numbers(kind, merged_summary(slots[start]))
            cells: tuple[Cell, ...] = (start, name, source, tags_text, level, kind, *numbers)
            yield dict(zip(FIELDS, cells, strict=True))


def as_csv(records: Iterable[Record]) -> bytes:
    """Return records as CSV with a heading."""
    text = io.StringIO()
    writer = csv.DictWriter(text, FIELDS, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({field: _cell(value) for field, value in row.items()} for row in records)
    return text.getvalue().encode()


def _cell(value: Cell) -> Cell:
    """Return a value as a cell; a text is escaped that a spreadsheet would take for a formula."""
    if isinstance(value, str) and value[:1] in {"=", "+", "-", "@"}:
        return f"'{value}"
    return value


def _numbers(kind: str, summary: Summary) -> tuple[float | None, ...]:
    if kind == COUNTER:
        return summary.count, summary.sum, *[None] * (4 + len(PERCENTILES))
    percentiles: list[float | None] = [None] * len(PERCENTILES)
    if summary.distribution is not None:
        percentiles = [*summary.distribution.percentiles(PERCENTILES)]
    known = [None if isnan(value) else value for value in (summary.sum_squares, summary.last)]
    return summary.count, summary.sum, summary.min, summary.max, *known, *percentiles
