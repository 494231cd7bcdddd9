"""Convert snapshots to remote write: one item for each series, oldest sample first; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from zibrato.backends.posting import Effort, SeriesItem
from zibrato.backends.prometheus.classic import BOUNDS, cumulative
from zibrato.backends.prometheus.names import SECONDS, TOTAL, labels_of
from zibrato.backends.prometheus.translation import Part, Translation
from zibrato.backends.remote_write.protobuf import Sample, histogram, time_series
from zibrato.backends.totals import Addition
from zibrato.backends.totals_file import Total
from zibrato.distribution import Distribution
from zibrato.model import COUNTER, GAUGE, TIMER, Series, Summary

__all__ = ["Item", "Mapped", "items"]

_LE = [*map(str, BOUNDS), "+Inf"]


class Item(SeriesItem, frozen=True):
    """A series of a delivery: `measurements` counts its measurements, `content` has all samples.

    All samples are sent together, so that they arrive in order, whatever is rejected.
    """

    content: bytes


class Mapped(NamedTuple):
    """The items of a delivery, and what became of other measurements.

    These are the number without a finite sum, and, by name, those that are sent under the name of
    another series.
    """

    items: list[Item]
    not_finite: int
    merged: Counter[str]


class _Point(NamedTuple):
    """A series at `time`, in Unix milliseconds.

    Of a timer's buckets it has only what is sent: the bytes of a native histogram, or cumulative
    counts of classic buckets. All buckets of all timers would take much memory.
    """

    time: int
    value: float
    is_monotonic: bool = True
    native: bytes = b""
    classic: Sequence[int] = ()


class _Points:
    """The points of one series, and how many measurements of this delivery they have."""

    __slots__ = ("measurements", "points")

    def __init__(self) -> None:
        self.measurements = 0
        self.points: list[_Point] = []


def items(addition: Addition, *, native: bool) -> Generator[None, None, Mapped]:
    """Return the items for the snapshots of `addition`, yielding every few milliseconds of work.

    Counters and timers are totals, to which the snapshots are added. Timers are `native`
    histograms, or else classic ones.
    """
    series_points: dict[Series, _Points] = {}
    translation, effort = Translation(), Effort()
    for part in translation.parts(addition.snapshots):
        points = series_points.setdefault(part.series, _Points())
        points.measurements += part.summary.count
        points.points.extend(_points(part, addition, native))
        if effort.is_due(part.series.kind):
            yield
    made = []
    for series, points in series_points.items():
        content = b"".join(_content(series, _in_order(points.points), native=native))
        made.append(Item(series, points.measurements, content))
        if effort.is_due(series.kind):
            yield
    return Mapped(made, translation.not_finite, translation.merged)


def _points(part: Part, addition: Addition, native: bool) -> Iterator[_Point]:
    series, summary, start, end = part
    if series.kind == GAUGE:
        yield _Point(_milliseconds(end), summary.reading)
        return
    total = addition.add(series, summary, start, end)
    point_of = partial(_timer_point, native=native) if series.kind == TIMER else _counter_point
    if _is_first(total, start, end):
        # Begin with 0, or the total would show no increase before its second interval. The 0 is a
        # millisecond after the interval's start, because that may be the time of the last total.
        nothing = Summary(0, 0.0, distribution=Distribution())
        yield point_of(_milliseconds(start) + 1, total._replace(summary=nothing))
    yield point_of(_milliseconds(total.end), total)


def _counter_point(time: int, total: Total) -> _Point:
    return _Point(time, total.summary.sum, total.is_monotonic)


def _timer_point(time: int, total: Total, *, native: bool) -> _Point:
    summary = total.summary
    distribution = summary.distribution or Distribution()
    if native:
        content = histogram(time, summary.count, summary.sum, distribution)
        return _Point(time, summary.sum, native=content)
    return _Point(time, summary.sum, classic=[*cumulative(distribution), summary.count])


def _is_first(total: Total, start: float, end: float) -> bool:
    return total.start == start and total.end == end


def _milliseconds(time: float) -> int:
    return round(time * 1000)


def _in_order(points: list[_Point]) -> list[_Point]:
    """Sort points by time; of several at one time, such as two late gauges, keep the last."""
    by_time: Mapping[int, _Point] = {point.time: point for point in points}
    return [by_time[time] for time in sorted(by_time)]


def _content(series: Series, points: list[_Point], *, native: bool) -> Iterator[bytes]:
    """Generate the time series of a series, each as a field of a request."""
    labels = labels_of(series)
    if series.kind == TIMER:
        labels["__name__"] = f"{series.name}{SECONDS}"
        histograms = [point.native for point in points]
        yield from [time_series(labels, (), histograms)] if native else _classic(labels, points)
    elif series.kind == COUNTER:
        for suffix, is_monotonic in ((TOTAL, True), ("", False)):
            # A decreasing counter would look as if it had been reset, so it has another name.
            of_it = [point for point in points if point.is_monotonic == is_monotonic]
            if of_it:
                named = {**labels, "__name__": f"{series.name}{suffix}"}
                yield time_series(named, _samples(of_it))
    else:
        labels["__name__"] = series.name
        yield time_series(labels, _samples(points))


def _samples(points: Iterable[_Point]) -> list[Sample]:
    return [Sample(point.time, point.value) for point in points]


def _classic(labels: Mapping[str, str], points: list[_Point]) -> Iterator[bytes]:
    name = labels["__name__"]
    for position, bound in enumerate(_LE):
        samples = [Sample(point.time, float(point.classic[position])) for point in points]
        yield time_series({**labels, "__name__": f"{name}_bucket", "le": bound}, samples)
    counts = [Sample(point.time, float(point.classic[-1])) for point in points]
    yield time_series({**labels, "__name__": f"{name}_count"}, counts)
    yield time_series({**labels, "__name__": f"{name}_sum"}, _samples(points))
