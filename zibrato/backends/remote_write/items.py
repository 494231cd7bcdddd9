"""From snapshots to what remote write sends: one item a series, its samples oldest first; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator, Mapping
from math import isfinite
from typing import NamedTuple

from zibrato.backends.posting import Effort
from zibrato.backends.prometheus.classic import BOUNDS, cumulative
from zibrato.backends.prometheus.names import SECONDS, TOTAL, labels_of, translated
from zibrato.backends.remote_write.protobuf import Histogram, Sample, time_series
from zibrato.backends.totals import Addition
from zibrato.backends.totals_file import Total
from zibrato.distribution import Distribution
from zibrato.model import COUNTER, GAUGE, TIMER, Series, Summary

__all__ = ["Item", "Taken", "items"]

_LE = [*map(str, BOUNDS), "+Inf"]


class Item(NamedTuple):
    """A series of a delivery: its intervals have so many measurements, `content` all samples.

    They are sent together, so that a series' samples arrive in order whatever is rejected.
    """

    series: Series
    measurements: int
    content: bytes

    @property
    def name(self) -> str:
        """The metric's name."""
        return self.series.name

    @property
    def source(self) -> str:
        """Where it is from."""
        return self.series.source

    @property
    def key(self) -> Series:
        """What tells it from others."""
        return self.series


class Taken(NamedTuple):
    """The items of a delivery, and what else became of its measurements.

    Those with no finite sum, and by their names those that are sent as another series is called.
    """

    items: list[Item]
    not_finite: int
    merged: Counter[str]


class _Point(NamedTuple):
    """A series as of `time`, in Unix milliseconds."""

    time: int
    summary: Summary
    is_monotonic: bool = True


class _Points:
    """The points of one series, and how many measurements they have of this delivery."""

    __slots__ = ("measurements", "points")

    def __init__(self) -> None:
        self.measurements = 0
        self.points: list[_Point] = []


def items(addition: Addition, *, native: bool) -> Generator[None, None, Taken]:
    """Return what ships the snapshots of `addition`, yielding every few milliseconds of work.

    Counters and timers are totals, which are added there. Timers are `native` histograms, else
    classic ones.
    """
    series_points: dict[Series, _Points] = {}
    not_finite, merged, effort = 0, Counter[str](), Effort()
    for start, end, summaries in addition.snapshots:
        called: dict[Series, Series] = {}
        for series, summary in summaries.items():
            if not isfinite(summary.sum):
                not_finite += summary.count
                continue
            name = translated(series)
            if called.setdefault(name, series) != series:
                merged[series.name] += summary.count
            points = series_points.setdefault(name, _Points())
            points.measurements += summary.count
            points.points.extend(_points(name, summary, (start, end), addition))
            if effort.is_due(series.kind):
                yield
    made = []
    for series, points in series_points.items():
        content = b"".join(_content(series, _in_order(points.points), native=native))
        made.append(Item(series, points.measurements, content))
        if effort.is_due(series.kind):
            yield
    return Taken(made, not_finite, merged)


def _points(
    series: Series, summary: Summary, interval: tuple[float, float], addition: Addition
) -> Iterator[_Point]:
    start, end = interval
    if series.kind == GAUGE:
        yield _Point(_milliseconds(end), summary)
        return
    is_monotonic = series.kind != COUNTER or summary.sum >= 0
    total = addition.add(series, summary, start, end, is_monotonic=is_monotonic)
    if _is_first(total, start, end):
        # From nothing, or else it would have no increase before its second interval. A millisecond
        # later than the interval begins, which may be when the last one's total is of.
        nothing = Summary(0, 0.0, distribution=Distribution())
        yield _Point(_milliseconds(start) + 1, nothing, total.is_monotonic)
    yield _Point(_milliseconds(total.end), total.summary, total.is_monotonic)


def _is_first(total: Total, start: float, end: float) -> bool:
    return total.start == start and total.end == end


def _milliseconds(time: float) -> int:
    return round(time * 1000)


def _in_order(points: list[_Point]) -> list[_Point]:
    """Return points by their times; of several at one time, as two late gauges are, the last."""
    by_time: Mapping[int, _Point] = {point.time: point for point in points}
    return [by_time[time] for time in sorted(by_time)]


def _content(series: Series, points: list[_Point], *, native: bool) -> Iterator[bytes]:
    """Generate the time series of a series, each as a field of a request."""
    labels = labels_of(series)
    if series.kind == TIMER:
        labels["__name__"] = f"{series.name}{SECONDS}"
        yield from [_native(labels, points)] if native else _classic(labels, points)
    elif series.kind == COUNTER:
        for suffix, is_monotonic in ((TOTAL, True), ("", False)):
            # What was counted down would look as if it had begun anew, and so is called otherwise.
            of_it = [point for point in points if point.is_monotonic == is_monotonic]
            if of_it:
                named = {**labels, "__name__": f"{series.name}{suffix}"}
                yield time_series(named, [Sample(at, one.sum) for at, one, _ in of_it])
    else:
        labels["__name__"] = series.name
        yield time_series(labels, [Sample(at, one.reading) for at, one, _ in points])


def _native(labels: Mapping[str, str], points: list[_Point]) -> bytes:
    histograms = [
        Histogram(time, one.count, one.sum, one.distribution or Distribution())
        for time, one, _ in points
    ]
    return time_series(labels, (), histograms)


def _classic(labels: Mapping[str, str], points: list[_Point]) -> Iterator[bytes]:
    name = labels["__name__"]
    rows = [[*cumulative(one.distribution or Distribution()), one.count] for _, one, _ in points]
    times = [time for time, *_ in points]
    for bound, counts in zip(_LE, zip(*rows, strict=True), strict=True):
        samples = [Sample(at, float(count)) for at, count in zip(times, counts, strict=True)]
        yield time_series({**labels, "__name__": f"{name}_bucket", "le": bound}, samples)
    for suffix, values in (
        ("_count", [float(one.count) for _, one, _ in points]),
        ("_sum", [one.sum for _, one, _ in points]),
    ):
        named = {**labels, "__name__": f"{name}{suffix}"}
        yield time_series(named, [Sample(*pair) for pair in zip(times, values, strict=True)])
