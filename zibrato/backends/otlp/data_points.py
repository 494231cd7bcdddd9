"""Convert snapshots to OTLP's metrics, and put these in requests; pure.

The messages are those of the package opentelemetry-proto, which an extra installs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable, Mapping, Sequence
from math import isfinite
from typing import NamedTuple

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AggregationTemporality,
    ExponentialHistogramDataPoint,
    Metric,
    NumberDataPoint,
    ResourceMetrics,
)

from zibrato import __version__
from zibrato.backends.posting import Effort, SeriesItem
from zibrato.backends.totals import Addition, never_falls
from zibrato.distribution import SCALE, Distribution
from zibrato.model import COUNTER, GAUGE, Series, Snapshot, Summary

__all__ = ["MAX_WIDTH", "DataPoint", "data_points", "request_of"]

MAX_WIDTH = 4096
"""Buckets from the first to the last: at scale 6, the last is 2**64 times the first."""
_NANO = 10**9


class DataPoint(SeriesItem, frozen=True):
    """One data point: a series from `start` to `end`, in Unix seconds.

    `measurements` counts those of its interval, even if `summary` covers more. A counter that was
    decremented is not monotonic.
    """

    summary: Summary
    start: float
    end: float
    is_monotonic: bool = True


class Mapped(NamedTuple):
    """The data points of a delivery, and how many measurements have no finite sum."""

    points: list[DataPoint]
    not_finite: int


def data_points(
    snapshots: Iterable[Snapshot], totals: Addition | None
) -> Generator[None, None, Mapped]:
    """Return the data points of snapshots, yielding every few milliseconds of work.

    With `totals`, they are cumulative and added to the totals; otherwise they are deltas.
    """
    points: list[DataPoint] = []
    not_finite, effort = 0, Effort()
    for start, end, summaries in snapshots:
        for series, summary in summaries.items():
            if not isfinite(summary.sum):
                not_finite += summary.count
            else:
                points.append(_data_point(series, summary, (start, end), totals))
            if effort.is_due(series.kind):
                yield
    return Mapped(points, not_finite)


def _data_point(
    series: Series, summary: Summary, interval: tuple[float, float], totals: Addition | None
) -> DataPoint:
    start, end = interval
    if totals is None or series.kind == GAUGE:
        monotonic = never_falls(series, summary)
        return DataPoint(series, summary.count, summary, start, end, monotonic)
    total = totals.add(series, summary, start, end)
    when = total.start, total.end
    return DataPoint(series, summary.count, total.summary, *when, total.is_monotonic)


def request_of(
    points: Sequence[DataPoint], resource: Mapping[str, str], *, is_cumulative: bool
) -> bytes:
    """Return the body that ships data points; those of a source are one resource."""
    request = ExportMetricsServiceRequest()
    sources: dict[str, _Metrics] = {}
    for point in points:
        metrics = sources.get(point.source)
        if metrics is None:
            added = request.resource_metrics.add()
            added.resource.attributes.extend(_attributes(_resource(resource, point.source)))
            metrics = sources[point.source] = _Metrics(added, is_cumulative)
        metrics.add(point)
    body: bytes = request.SerializeToString()
    return body


def _resource(resource: Mapping[str, str], source: str) -> Mapping[str, str]:
    return {"service.name": "zibrato", "service.instance.id": source, **resource}


def _attributes(texts: Mapping[str, str]) -> list[KeyValue]:
    return [KeyValue(key=key, value=AnyValue(string_value=text)) for key, text in texts.items()]


class _Metrics:
    """The metrics of one resource: each kind and name has one metric with all its data points."""

    def __init__(self, added: ResourceMetrics, is_cumulative: bool) -> None:
        self._scope = added.scope_metrics.add()
        self._scope.scope.name, self._scope.scope.version = "zibrato", __version__
        self._metrics: dict[tuple[str, str, bool], Metric] = {}
        self._temporality = (
            AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
            if is_cumulative
            else AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA
        )

    def add(self, point: DataPoint) -> None:
        """Put a data point into its metric."""
        key = point.series.kind, point.name, point.is_monotonic
        metric = self._metrics.get(key)
        if metric is None:
            metric = self._metrics[key] = self._scope.metrics.add(name=point.name)
        place = self._added(metric, point)
        place.start_time_unix_nano = int(point.start * _NANO)
        place.time_unix_nano = int(point.end * _NANO)
        place.attributes.extend(
            _attributes({**dict(point.series.tags), "level": point.series.level})
        )

    def _added(
        self, metric: Metric, point: DataPoint
    ) -> NumberDataPoint | ExponentialHistogramDataPoint:
        if point.series.kind == GAUGE:
            return metric.gauge.data_points.add(as_double=point.summary.reading)
        if point.series.kind == COUNTER:
            metric.sum.aggregation_temporality = self._temporality
            metric.sum.is_monotonic = point.is_monotonic
            return metric.sum.data_points.add(as_double=point.summary.sum)
        metric.unit = "s"
        metric.exponential_histogram.aggregation_temporality = self._temporality
        place = metric.exponential_histogram.data_points.add()
        _fill(place, point.summary)
        return place


def _fill(place: ExponentialHistogramDataPoint, summary: Summary) -> None:
    """Write a timer. OTLP allows no gaps between buckets, so a wide one gets a lower scale."""
    distribution = (summary.distribution or Distribution()).in_buckets()
    place.count, place.sum = summary.count, summary.sum
    place.min, place.max = summary.min, summary.max
    place.zero_count = distribution.zeros
    # OTLP numbers a bucket by its lower bound, Zibrato by its upper one.
    buckets = Counter({index - 1: count for index, count in distribution.buckets.items()})
    place.scale = SCALE
    while buckets and max(buckets) - min(buckets) >= MAX_WIDTH:
        place.scale -= 1
        wide, buckets = buckets, Counter()
        for index, count in wide.items():
            buckets[index >> 1] += count
    if buckets:
        place.positive.offset = min(buckets)
        indices = range(min(buckets), max(buckets) + 1)
        place.positive.bucket_counts.extend(buckets[index] for index in indices)
