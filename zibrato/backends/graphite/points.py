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
from zibrato.model import COUNTER, GAUGE, KINDS, Snapshot, Summary

__all__ = ["Mapped", "Metric", "Point", "mapping"]

_STRIDE = 250


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

    `conflicting`, by name, are of a path that another kind has; `not_finite` have no finite sum.
    `measurements` are all others.
    """

    summaries: dict[Metric, Summary]
    points: list[Point]
    conflicting: Counter[str]
    not_finite: Counter[str]
    measurements: int


def mapping(
    snapshots: Sequence[Snapshot], percentiles: Sequence[float], sent: Sent[Metric]
) -> Generator[None, None, Mapped]:
    """Return what Graphite is to get of `snapshots`, yielding every few milliseconds of work.

    A path belongs to a counter if there is one, else to a timer, else to a gauge; a timer's sum,
    extremes and percentiles give way to all of them.
    """
    work = _Mapping([*dict.fromkeys(percentiles)], sent)
    for position, _ in enumerate(work.steps(snapshots), 1):
        if position % _STRIDE == 0:
            yield
    return Mapped(work.summaries, work.points, work.conflicting, work.not_finite, work.measurements)


class _Mapping:
    """The metrics of some snapshots, and the paths that they take."""

    def __init__(self, percentiles: Sequence[float], sent: Sent[Metric]) -> None:
        self.summaries: dict[Metric, Summary] = {}
        self.points: list[Point] = []
        self.conflicting: Counter[str] = Counter()
        self.not_finite: Counter[str] = Counter()
        self.measurements = 0
        self._percentiles = percentiles
        self._sent = sent
        self._taken: set[tuple[str, int]] = set()

    def steps(self, snapshots: Sequence[Snapshot]) -> Iterator[None]:
        """Map the snapshots, yielding after each series, and each metric."""
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
                    self._take(metric, _merged(parts))
                yield
        for metric, summary in self.summaries.items():
            self._add_points(metric, self._sent.with_before(metric, summary))
            yield

    def _take(self, metric: Metric, summary: Summary) -> None:
        """Give a metric its main path, if that can be."""
        key = metric.main, metric.time
        if key in self._taken:
            self.conflicting[metric.name] += summary.count
        elif not isfinite(summary.sum):
            self.not_finite[metric.name] += summary.count
        else:
            self._taken.add(key)
            self.summaries[metric] = summary
            self.measurements += summary.count

    def _add_points(self, metric: Metric, summary: Summary) -> None:
        kind, name, tags, time = metric
        if kind == COUNTER:
            self.points.append(Point(metric.main, summary.sum, time))
        elif kind == GAUGE:
            self.points.append(Point(metric.main, summary.reading, time))
        else:
            self.points.append(Point(metric.main, summary.count, time))
            for suffix, value in self._of_timer(summary):
                path = f"{name}.{suffix}{tags}"
                if (path, time) not in self._taken:
                    self._taken.add((path, time))
                    self.points.append(Point(path, value, time))

    def _of_timer(self, summary: Summary) -> Iterator[tuple[str, float]]:
        yield from (("sum", summary.sum), ("min", summary.min), ("max", summary.max))
        if summary.distribution is not None:
            values = summary.distribution.percentiles(self._percentiles)
            labels = (percentile_label(percent) for percent in self._percentiles)
            for label, value in zip(labels, values, strict=True):
                yield label.replace(".", "_"), value


def _merged(parts: list[Summary]) -> Summary:
    """Return all summaries as one, merged pairwise: thousands take no quadratic time."""
    while len(parts) > 1:
        pairs = zip(parts[::2], parts[1::2], strict=False)
        parts = [*chain((one.merged(two) for one, two in pairs), parts[len(parts) // 2 * 2 :])]
    return parts[0]
