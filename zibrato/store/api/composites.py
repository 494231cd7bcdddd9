"""Responses to composite queries, in Librato's formats: by source, and by tags."""

from __future__ import annotations

from zibrato.store.api.composite_input import CompositeInput
from zibrato.store.api.composite_query import parse
from zibrato.store.api.composite_series import ANY, CompositeSeries, SeriesSet
from zibrato.store.api.composite_tree import SOURCE, evaluate, expanded, selections
from zibrato.store.api.requests import Content
from zibrato.store.api.responses import bad_request
from zibrato.store.api.time_range import TimeRange
from zibrato.store.db import metadata
from zibrato.store.db.metadata import Metric
from zibrato.store.db.reader import Reader


class Composite:
    """Evaluates a composite query over a time range; `now` is in Unix seconds.

    With `sources`, terms that select by source are shown by source, as in Librato's first API;
    otherwise everything is shown by tags. Raises ApiError for a query that isn't understood, and if
    a bound is exceeded.
    """

    def __init__(
        self, reader: Reader, text: str, time_range: TimeRange, now: float, *, sources: bool
    ) -> None:
        self._time_range = time_range
        read = CompositeInput(reader, time_range, now, sources)
        try:
            self.resolution, self._series = _evaluated(text, read)
        except ValueError as error:
            raise bad_request(f"the composite query is rejected: {error}") from None
        names = {series.metric for series in self._series}
        self._metrics = metadata.metrics(reader, names)

    def by_source(self) -> list[Content]:
        """Return a list of series in the format of /v1/metrics."""
        return [self._by_source(series) for series in self._series]

    def by_tags(self) -> list[Content]:
        """Return a list of series in the format of /v1/measurements."""
        return [
            {
                "tags": dict(series.tags),
                "measurements": self._entries(series, "time"),
                "metric": self._metric(series).content(),
                "period": series.period,
            }
            for series in self._series
        ]

    def measurements(self) -> Content:
        """Return measurements by source; the second series of a source is called `NAME 2`."""
        named: dict[str, list[CompositeSeries]] = {}
        for series in self._series:
            named.setdefault(_source(series), []).append(series)
        return {
            f"{source} {number}" if number > 1 else source: self._entries(series, "measure_time")
            for source, same in named.items()
            for number, series in enumerate(same, 1)
        }

    def _by_source(self, series: CompositeSeries) -> Content:
        tags = {name: value for name, value in series.tags if name != SOURCE}
        return {
            "metric": self._metric(series).content(),
            "source": {"name": _source(series), "display_name": None},
            "period": series.period,
            "series": self._entries(series, "measure_time"),
            **({"tags": tags} if tags else {}),
        }

    def _metric(self, series: CompositeSeries) -> Metric:
        return self._metrics.get(series.metric.lower()) or Metric(series.metric)

    def _entries(self, series: CompositeSeries, key: str) -> list[Content]:
        return self._time_range.limited(
            [{key: time, "value": value} for time, value in series.points.items()]
        )


def _evaluated(text: str, read: CompositeInput) -> tuple[int, SeriesSet]:
    """Return the resolution and the series of a query; raises ValueError."""
    node = parse(text)
    read.reject_composites(selections(node))
    tree = expanded(node, read.find, read.raise_if_ended)
    terms = [*selections(tree)]
    resolution = read.resolution(terms)
    return resolution, evaluate(tree, read.read(terms, resolution), read.raise_if_ended)


def _source(series: CompositeSeries) -> str:
    return dict(series.tags).get(SOURCE, ANY)
