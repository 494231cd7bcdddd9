"""The answer to a composite query, in Librato's shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import ceil

from zibrato.model import Series
from zibrato.store.api import time_series
from zibrato.store.api.composite_functions import CompositeSeries, points
from zibrato.store.api.composite_query import MAX_SERIES, Node, Selection, evaluate, selections
from zibrato.store.api.requests import Content
from zibrato.store.api.responses import bad_request
from zibrato.store.api.source_series import Shape, by_source
from zibrato.store.api.time_range import TimeRange
from zibrato.store.db import metadata
from zibrato.store.db.reader import Reader
from zibrato.store.db.tiers import tier_index

Selected = Mapping[Selection, Mapping[int, Series]]
"""The series of each term of a query, by series id."""
Metrics = Mapping[str, metadata.Metric]
"""What is known of each metric, by its name in lower case."""


class Composite:
    """Answers from `reader`, over a time range, `now` being in Unix seconds."""

    def __init__(self, reader: Reader, time_range: TimeRange, now: float) -> None:
        self._reader = reader
        self._time_range = time_range
        self._now = now

    def content(self, node: Node, selected: Selected) -> Content:
        """Return the measurements of a query, whose terms select what is `selected`.

        Raises ApiError where that is more than MAX_SERIES, each as often as it is in the query.
        """
        if sum(len(selected[term]) for term in selections(node)) > MAX_SERIES:
            raise bad_request(f"the composite query is of more than {MAX_SERIES} series")
        names = {one.name for series in selected.values() for one in series.values()}
        metrics = metadata.metrics(self._reader, names)
        inputs = {term: list(self._series(term, selected[term], metrics)) for term in selected}
        made = [_measurements(series, metrics) for series in evaluate(node, inputs)]
        for one in made:
            one["series"] = self._time_range.limited(one["series"])
        return {"resolution": self._resolution(), "measurements": made}

    def _resolution(self) -> int:
        """Return the step that the file has for what is asked, in seconds."""
        time_range, tiers = self._time_range, self._reader.tiers
        finest = tiers[tier_index(tiers, self._now, time_range.start, time_range.step)].step
        return ceil(time_range.step / finest) * finest

    def _series(
        self, term: Selection, selected: Mapping[int, Series], metrics: Metrics
    ) -> Iterator[CompositeSeries]:
        """Generate a series for each metric and source."""
        step = max(self._time_range.step, term.period or 1)
        time_range = self._time_range._replace(step=step, count=None)
        for name, series in sorted(_by_name(selected).items()):
            metric = metrics.get(name) or metadata.Metric(name)
            plot = time_series.read(self._reader, [*series], time_range, self._now)
            sources = by_source(plot, series, metric, time_range, Shape())
            period = max(term.period or metric.period or 1, plot.step)
            for source, entries in sorted(sources.items()):
                yield CompositeSeries(metric.name, source, period, points(entries, term.function))


def _by_name(series: Mapping[int, Series]) -> dict[str, dict[int, Series]]:
    names: dict[str, dict[int, Series]] = {}
    for series_id, one in series.items():
        names.setdefault(one.name.lower(), {})[series_id] = one
    return names


def _measurements(series: CompositeSeries, metrics: Metrics) -> Content:
    metric = metrics.get(series.metric.lower()) or metadata.Metric(series.metric)
    return {
        "metric": metric.content(),
        "source": {"name": series.source, "display_name": None},
        "period": series.period,
        "series": [{"measure_time": time, "value": value} for time, value in series.points.items()],
    }
