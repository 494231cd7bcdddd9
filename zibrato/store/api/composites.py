"""The answer to a composite query, in Librato's shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import ceil
from typing import Any

from zibrato.model import Series
from zibrato.store.api import time_series
from zibrato.store.api.composite_functions import Line, points
from zibrato.store.api.composite_query import MAX_SERIES, Node, Selection, evaluate, selections
from zibrato.store.api.requests import Content
from zibrato.store.api.responses import bad_request
from zibrato.store.api.time_range import TimeRange
from zibrato.store.db import metadata
from zibrato.store.db.reader import Reader
from zibrato.store.db.tiers import tier_index

Chosen = Mapping[Selection, Mapping[int, Series]]


class Composite:
    """Answers from `reader`, over the window `asked`, `now` being in Unix seconds."""

    def __init__(self, reader: Reader, asked: TimeRange, now: float) -> None:
        self._reader = reader
        self._asked = asked
        self._now = now

    def content(self, node: Node, chosen: Chosen) -> Content:
        """Return the measurements of a query, whose terms select what is `chosen`.

        Raises ApiError where that is more than MAX_SERIES, each as often as it is in the query.
        """
        if sum(len(chosen[each]) for each in selections(node)) > MAX_SERIES:
            raise bad_request(f"the composite query is of more than {MAX_SERIES} series")
        names = {series.name for each in chosen.values() for series in each.values()}
        known = metadata.metrics(self._reader.connection, names)
        found = {each: list(self._lines(each, chosen[each], known)) for each in chosen}
        measurements = [_measurements(line, known) for line in evaluate(node, found)]
        return {"resolution": self._resolution(), "measurements": measurements}

    def _resolution(self) -> int:
        """Return the step that the file has for what is asked, in seconds."""
        asked, tiers = self._asked, self._reader.tiers
        finest = tiers[tier_index(tiers, self._now, asked.start, asked.step)].step
        return ceil(asked.step / finest) * finest

    def _lines(
        self, selection: Selection, chosen: Mapping[int, Series], known: Mapping[str, Any]
    ) -> Iterator[Line]:
        """Generate a line for each metric and source."""
        asked = self._asked._replace(step=max(self._asked.step, selection.period or 1))
        for name, series in sorted(_by_name(chosen).items()):
            metric = known.get(name) or metadata.Metric(name)
            plot = time_series.read(self._reader, [*series], asked, self._now)
            sources = time_series.by_source(
                plot, series, metric, asked, breakout=True, summarize=False
            )
            period = max(selection.period or metric.period or 1, plot.step)
            for source, entries in sorted(sources.items()):
                yield Line(metric.name, source, period, points(entries, selection.function))


def _by_name(chosen: Mapping[int, Series]) -> dict[str, dict[int, Series]]:
    found: dict[str, dict[int, Series]] = {}
    for number, series in chosen.items():
        found.setdefault(series.name.lower(), {})[number] = series
    return found


def _measurements(line: Line, known: Mapping[str, metadata.Metric]) -> Content:
    metric = known.get(line.metric.lower()) or metadata.Metric(line.metric)
    return {
        "metric": metric.content(),
        "source": {"name": line.source, "display_name": None},
        "period": line.period,
        "series": [{"measure_time": time, "value": value} for time, value in line.points.items()],
    }
