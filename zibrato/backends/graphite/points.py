"""From snapshots to the data points that Graphite gets, each path and time once; pure.

Of two values for a path and a time Graphite keeps the later one. So what becomes one path is
merged, and what comes late for an interval is merged with what was sent of it, as far as that is
remembered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from itertools import chain
from math import isfinite
from typing import NamedTuple

from zibrato.backends.graphite.paths import MAX_PATH, path_name, path_tags
from zibrato.backends.graphite.sent import Sent
from zibrato.distribution import percentile_label
from zibrato.model import COUNTER, GAUGE, KINDS, TIMER, Snapshot, Summary

__all__ = ["Mapped", "Metric", "Point", "mapping"]

_STRIDE = 250
_METRIC_BYTES = 500
"""Of a metric with its path, beside their texts."""


class Metric(NamedTuple):
    """What Graphite knows series by: their kind, the name and the tags of their paths, the time.

    `time` is the whole Unix second in which the interval began.
    """

    kind: str
    name: str
    tags: str
    time: int

    @property
    def main(self) -> str:
        """The path that says that it was measured."""
        return f"{self.name}{'' if self.kind == GAUGE else '.count'}{self.tags}"


class Point(NamedTuple):
    """A value of a path at a Unix time."""

    path: str
    value: float
    time: int


class Mapped(NamedTuple):
    """Snapshots mapped: what each metric has, and how many measurements have no place there.

    `paths` are those that no other may have, at their times. `conflicting`, by name, are
    measurements of a path that another kind has; `not_finite` have no finite sum.
    """

    summaries: dict[Metric, Summary]
    paths: set[tuple[str, int]]
    conflicting: Counter[str]
    not_finite: Counter[str]

    @property
    def measurements(self) -> int:
        """How many have a place."""
        return sum(summary.count for summary in self.summaries.values())

    @property
    def size(self) -> int:
        """About how many bytes of memory it takes."""
        return sum(
            _METRIC_BYTES + 2 * (len(metric.name) + len(metric.tags)) for metric in self.summaries
        )

    def points(self, percentiles: Sequence[float], sent: Sent[Metric]) -> Iterator[Point]:
        """Generate the data points, together with what was sent of each metric before.

        A timer's sum, extremes and percentiles give way to whose path they would have.
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
    """Return what Graphite is to get of `snapshots`, yielding every few milliseconds of work.

    A path belongs to a counter if there is one, else to a timer, else to a gauge.
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
                _take(metric, _merged(parts), result)
            yield


def _take(metric: Metric, summary: Summary, result: Mapped) -> None:
    """Give a metric its path, if that can be."""
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


def _merged(parts: list[Summary]) -> Summary:
    """Return all summaries as one, merged pairwise: thousands take no quadratic time."""
    while len(parts) > 1:
        pairs = zip(parts[::2], parts[1::2], strict=False)
        parts = [*chain((one.merged(two) for one, two in pairs), parts[len(parts) // 2 * 2 :])]
    return parts[0]
