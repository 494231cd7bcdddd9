"""Convert snapshots to Graphite's data points, with each path and time only once; pure.

Graphite keeps only the last of several values for a path and a time. Therefore series that have the
same path are merged. Late measurements of an interval are merged with those that were sent before,
as long as these are remembered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from math import isfinite
from typing import NamedTuple

from zibrato.backends.graphite.paths import MAX_PATH, path_name, path_tags
from zibrato.backends.graphite.sent import Sent
from zibrato.backends.merging import merged
from zibrato.distribution import percentile_label
from zibrato.model import COUNTER, GAUGE, KINDS, TIMER, Snapshot, Summary

__all__ = ["Mapped", "Metric", "Point", "mapping"]

_STRIDE = 250
"""Series or metrics between two turns of the reactor."""
_METRIC_BYTES = 500
"""Of a metric with its path, without the texts themselves."""


class Metric(NamedTuple):
    """What distinguishes series in Graphite: their kind, name and tags in the path, and the time.

    `time` is the whole Unix second in which the interval began.
    """

    kind: str
    name: str
    tags: str
    time: int

    @property
    def main(self) -> str:
        """The path that every metric of this kind has."""
        return f"{self.name}{'' if self.kind == GAUGE else '.count'}{self.tags}"


class Point(NamedTuple):
    """A value of a path at a Unix time."""

    path: str
    value: float
    time: int


class Mapped(NamedTuple):
    """Mapped snapshots: the summaries of metrics, and measurements that can't be shipped.

    `paths` are in use, with their times, and no other metric may have them. `conflicting` counts,
    by name, measurements whose path belongs to another kind; `not_finite` counts those whose sum
    isn't finite.
    """

    summaries: dict[Metric, Summary]
    paths: set[tuple[str, int]]
    conflicting: Counter[str]
    not_finite: Counter[str]

    @property
    def measurements(self) -> int:
        """How many measurements can be shipped."""
        return sum(summary.count for summary in self.summaries.values())

    @property
    def size(self) -> int:
        """About how many bytes of memory this takes."""
        return sum(
            _METRIC_BYTES + 2 * (len(metric.name) + len(metric.tags)) for metric in self.summaries
        )

    def points(self, percentiles: Sequence[float], sent: Sent[Metric]) -> Iterator[Point]:
        """Generate data points, merged with what was sent of each metric before.

        A timer's sum, extremes and percentiles are left out if another metric has their path.
        """
        wanted = [*dict.fromkeys(percentiles)]
        for metric, summary in self.summaries.items():
            total = sent.with_before(metric, summary)
            yield Point(metric.main, _main_value(metric.kind, total), metric.time)
            if metric.kind == TIMER:
                for suffix, value in _of_timer(total, wanted):
                    path = f"{metric.name}.{suffix}{metric.tags}"
                    if (path, metric.time) not in self.paths:
                        yield Point(path, value, metric.time)


def mapping(snapshots: Sequence[Snapshot]) -> Generator[None, None, Mapped]:
    """Map `snapshots` to the metrics of Graphite, yielding every few milliseconds of work.

    If several kinds have the same path, it belongs to a counter, or else to a timer.
    """
    result = Mapped({}, set(), Counter(), Counter())
    for position, _ in enumerate(_steps(snapshots, result), 1):
        if position % _STRIDE == 0:
            yield
    return result


def _steps(snapshots: Sequence[Snapshot], result: Mapped) -> Iterator[None]:
    """Map the snapshots, yielding after each series and each metric."""
    groups: dict[Metric, list[Summary]] = {}
    for start, _, summaries in snapshots:
        for series, summary in summaries.items():
            name = path_name(series.name)
            tags = path_tags(series, MAX_PATH - len(name))
            metric = Metric(series.kind, name, tags, int(start))
            groups.setdefault(metric, []).append(summary)
            yield
    for kind in KINDS:
        for metric, parts in groups.items():
            if metric.kind == kind:
                _take(metric, merged(parts), result)
            yield


def _take(metric: Metric, summary: Summary, result: Mapped) -> None:
    """Give a metric its path, unless that is taken or the sum isn't finite."""
    path = metric.main, metric.time
    if path in result.paths:
        result.conflicting[metric.name] += summary.count
    elif not isfinite(summary.sum):
        result.not_finite[metric.name] += summary.count
    else:
        result.paths.add(path)
        result.summaries[metric] = summary


def _main_value(kind: str, summary: Summary) -> float:
    if kind == COUNTER:
        return summary.sum
    return summary.reading if kind == GAUGE else summary.count


def _of_timer(summary: Summary, percentiles: Sequence[float]) -> Iterator[tuple[str, float]]:
    yield from (("sum", summary.sum), ("min", summary.min), ("max", summary.max))
    if summary.distribution is not None:
        values = summary.distribution.percentiles(percentiles)
        for percent, value in zip(percentiles, values, strict=True):
            yield percentile_label(percent).replace(".", "_"), value
