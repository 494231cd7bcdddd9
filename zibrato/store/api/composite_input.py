"""Find and read the series that the terms of a composite query select, within bounds."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from math import ceil

from zibrato.model import Series, Tags
from zibrato.store.api import time_series
from zibrato.store.api.composite_fills import MAX_POINTS
from zibrato.store.api.composite_series import CompositeSeries, Points, SeriesSet
from zibrato.store.api.composite_tree import SOURCE, Selection, is_within
from zibrato.store.api.requests import MAX_TIME, Content
from zibrato.store.api.selection import has_source, of_term
from zibrato.store.api.source_series import Shape, by_source
from zibrato.store.api.tag_series import by_tags
from zibrato.store.api.time_range import TimeRange
from zibrato.store.db import metadata
from zibrato.store.db.metadata import COMPOSITE, Metric
from zibrato.store.db.reader import Plot, Reader
from zibrato.store.db.tiers import tier_index

MAX_SERIES = 1000
Selected = Mapping[Selection, Mapping[int, Series]]
"""The series of each term, by series id."""
_BATCH = 100
"""How many series are read before their points are counted."""
Streams = Mapping[Tags, Points]
"""The points of each stream of a metric, by its tags."""


class CompositeInput:
    """Reads the series that a query's terms select, over a time range; `now` is in Unix seconds.

    With `sources`, terms that select by source are broken down by source; otherwise all terms are
    broken down by tags. Every method raises ValueError if a bound is exceeded.
    """

    def __init__(self, reader: Reader, time_range: TimeRange, now: float, sources: bool) -> None:
        self._reader = reader
        # `count` limits the response; functions need all points to compute it.
        self._time_range = time_range._replace(count=None)
        self._now = now
        self._sources = sources
        self._found: dict[tuple[str, str | None, Tags], dict[int, Series]] = {}
        self._points = 0
        self.raise_if_ended = reader.raise_if_ended

    def find(self, term: Selection) -> Mapping[int, Series]:
        """Return the series that match a term's patterns."""
        key = term.metric.lower(), term.source, term.tags
        if key not in self._found:
            series = of_term(self._reader.series_like(term.metric), term)
            if self._by_source(term):
                series = ((series_id, one) for series_id, one in series if has_source(one))
            # Read one more than is allowed, to see whether there are too many.
            self._found[key] = dict(islice(series, MAX_SERIES + 1))
        _bound(len(self._found[key]))
        return self._found[key]

    def reject_composites(self, terms: Iterable[Selection]) -> None:
        """Raise ValueError if a term selects a composite: Librato's don't nest, either."""
        names = {term.metric for term in terms}
        for metric in metadata.metrics(self._reader, names).values():
            if metric.type == COMPOSITE:
                raise ValueError(f"{metric.name!r} is a composite; write what it is made of")

    def resolution(self, terms: Iterable[Selection]) -> int:
        """Return the step, in seconds, that the file has for all times that the query needs."""
        back = max((term.shift for term in terms), default=0)
        tiers, step = self._reader.tiers, self._time_range.step
        start = self._time_range.start - max(0, back)
        finest = tiers[tier_index(tiers, self._now, start, step)].step
        return ceil(step / finest) * finest

    def read(self, terms: Sequence[Selection], resolution: int) -> dict[Selection, SeriesSet]:
        """Return the series of each term, in a resolution that the file has for all of them.

        If a term is repeated, its series are counted against the bounds each time.
        """
        times = Counter(terms)
        selected = {
            term: {i: one for i, one in self.find(term).items() if is_within(one, term.within)}
            for term in times
        }
        _bound(sum(len(selected[term]) * times[term] for term in times))
        names = {one.name for series in selected.values() for one in series.values()}
        metrics = metadata.metrics(self._reader, names)
        plots = self._plots(selected, resolution)
        result: dict[Selection, SeriesSet] = {}
        for term, series in selected.items():
            plot = plots[term.shift, max(resolution, term.period or 1)]
            result[term] = [
                one
                for name, group in sorted(_by_name(series).items())
                for one in self._series(term, metrics.get(name) or Metric(name), plot, group)
            ]
            self._points += sum(len(one.points) for one in result[term]) * times[term]
            _bound_points(self._points)
        return result

    def _plots(self, selected: Selected, resolution: int) -> dict[tuple[int, int], Plot]:
        """Return the plots of all series, by shift and step."""
        wanted: dict[tuple[int, int], dict[int, None]] = defaultdict(dict)
        for term, series in selected.items():
            wanted[term.shift, max(resolution, term.period or 1)].update(dict.fromkeys(series))
        return {key: self._plot(*key, [*ids]) for key, ids in wanted.items()}

    def _plot(self, shift: int, step: int, ids: Sequence[int]) -> Plot:
        start, end, *_ = self._time_range
        time_range = self._time_range._replace(
            start=_bounded(start - shift), end=_bounded(end - shift), step=step
        )
        plot = Plot(step, {})
        for first in range(0, len(ids), _BATCH):
            batch = ids[first : first + _BATCH]
            part = time_series.read(self._reader, batch, time_range, self._now)
            plot = part._replace(slots={**plot.slots, **part.slots})
            _bound_points(sum(len(slots) for slots in plot.slots.values()))
        return plot

    def _series(
        self, term: Selection, metric: Metric, plot: Plot, series: Mapping[int, Series]
    ) -> Iterator[CompositeSeries]:
        """Generate a series for each source of a metric, or for each set of tags."""
        plot = plot._replace(slots={series_id: plot.slots[series_id] for series_id in series})
        known = term.period or metric.period
        period = max(known or 1, plot.step)
        span = self._span(period) if known else None
        for tags, values in sorted(self._streams(term, metric, plot, series).items()):
            moved = {
                (time + term.shift) // plot.step * plot.step: float(value)
                for time, value in values.items()
            }
            yield CompositeSeries(metric.name, tags, period, moved, span)

    def _streams(
        self, term: Selection, metric: Metric, plot: Plot, series: Mapping[int, Series]
    ) -> Streams:
        if self._by_source(term):
            sources = by_source(plot, series, metric, self._time_range, Shape())
            return {
                ((SOURCE, source),): points(entries, term.function)
                for source, entries in sources.items()
            }
        streams = by_tags(plot, series, metric, self._time_range, term.function)
        return {
            tuple(sorted(stream["tags"].items())): {
                one["time"]: one["value"] for one in stream["measurements"]
            }
            for stream in streams
        }

    def _span(self, period: int) -> range:
        """Return the starts of the periods that began after the query's start and have ended."""
        start, end, *_ = self._time_range
        return range(ceil(start / period) * period, ceil(min(end, self._now - period + 1)), period)

    def _by_source(self, term: Selection) -> bool:
        return self._sources and term.source is not None


def points(entries: Iterable[Content], function: str | None) -> Points:
    """Return the values of a source's measurements; those that a counter lacks are left out."""
    if function == "mean":
        return {entry["measure_time"]: entry["sum"] / entry["count"] for entry in entries
                if entry["count"]}  # fmt: skip
    key = function or "value"
    return {entry["measure_time"]: entry[key] for entry in entries if key in entry}


def _by_name(series: Mapping[int, Series]) -> dict[str, dict[int, Series]]:
    names: dict[str, dict[int, Series]] = defaultdict(dict)
    for series_id, one in series.items():
        names[one.name.lower()][series_id] = one
    return names


def _bounded(time: float) -> float:
    """Limit a shifted time to those that a key of the file can hold."""
    return min(max(time, 0), MAX_TIME)


def _bound(series: int) -> None:
    if series > MAX_SERIES:
        raise ValueError(
            f"it is of more than {MAX_SERIES} series; name fewer metrics, sources or tags"
        )


def _bound_points(count: int) -> None:
    if count > MAX_POINTS:
        raise ValueError(
            f"it is of more than {MAX_POINTS} points; ask for a shorter time, or a coarser "
            "resolution"
        )
