"""Converts an OTLP request to rows for the aggregator; pure, except for the state of streams."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from math import isfinite
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from zibrato.intake.otlp.attributes import (
    LEVEL,
    Resource,
    hash_of,
    identity_of,
    resource_of,
    texts,
)
from zibrato.intake.otlp.histograms import (
    FACTORS,
    Buckets,
    ExplicitHistogram,
    ExponentialHistogram,
    Extremes,
    Histogram,
    Zeros,
)
from zibrato.intake.otlp.streams import Number, Point, Streams, Total
from zibrato.intake.otlp.units import words_of
from zibrato.model import COUNTER, GAUGE, MAX_NAME_LENGTH, TIMER, Summary, SummaryRow, bounded

if TYPE_CHECKING:
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
        ExportMetricsServiceRequest,
    )
    from opentelemetry.proto.common.v1.common_pb2 import KeyValue
    from opentelemetry.proto.metrics.v1.metrics_pb2 import (
        ExponentialHistogramDataPoint,
        HistogramDataPoint,
        Metric,
        NumberDataPoint,
        SummaryDataPoint,
    )

MAX_POINTS = 50_000
"""The most data points of one request; `BUCKETS` buckets, or a quantile, count as one more."""
BUCKETS = 4
QUANTILE = "quantile"
COUNT = ".count"
_NANO = 10**9
_DELTA, _CUMULATIVE = 1, 2
_NO_RECORDED_VALUE = 1
T = TypeVar("T", bound=Total)
P = TypeVar("P", bound="DataPoint")


class DataPoint(Protocol):
    """The fields that all kinds of data points have."""

    @property
    def attributes(self) -> Iterable[KeyValue]:
        """The attributes, which become tags."""

    @property
    def time_unix_nano(self) -> int:
        """The time of the measurement; 0 if it is unknown."""

    @property
    def start_time_unix_nano(self) -> int:
        """The time since which a total is counted; 0 if it is unknown."""

    @property
    def flags(self) -> int:
        """Bits, of which one says that there is no recorded value."""


class Converted(NamedTuple):
    """A converted request: rows, rejected data points by reason, and units by metric's name."""

    rows: list[SummaryRow]
    rejected: Counter[str]
    units: dict[str, str]


class _Origin(NamedTuple):
    """The resource and metric of data points, and the attributes of one of them.

    `identity` is a hash of what identifies the metric, which can be long: data points that share it
    must not have it hashed again.
    """

    resource: Resource
    metric: Metric
    identity: bytes
    attributes: Mapping[str, str] = {}


def convert(request: ExportMetricsServiceRequest, streams: Streams, now: float) -> Converted:
    """Convert a request that came at the Unix time `now`."""
    converter = _Converter(streams, now)
    for origin in _origins(request):
        converter.take(origin)
    streams.forget(int(now * _NANO))
    return Converted(converter.rows, converter.rejected, converter.units)


def _origins(request: ExportMetricsServiceRequest) -> Iterator[_Origin]:
    """Generate the origins of all data points; what has none costs next to nothing."""
    for of_resource in request.resource_metrics:
        filled = [one for one in of_resource.scope_metrics if any(map(_points_of, one.metrics))]
        if filled:
            resource = resource_of(of_resource.resource.attributes)
        for of_scope in filled:
            scope = of_scope.scope
            attributes = identity_of(scope.attributes)
            identity = hash_of(resource.identity, scope.name, scope.version, attributes)
            for metric in filter(_points_of, of_scope.metrics):
                kind = metric.WhichOneof("data")
                own = hash_of(identity, metric.name, metric.unit, kind)
                yield _Origin(resource, metric, own)


def _points_of(metric: Metric) -> Sequence[DataPoint]:
    kind = metric.WhichOneof("data")
    points: Sequence[DataPoint] = getattr(metric, kind).data_points if kind else ()
    return points


class _Converter:
    """Collects the rows of one request."""

    def __init__(self, streams: Streams, now: float) -> None:
        self.rows: list[SummaryRow] = []
        self.rejected: Counter[str] = Counter()
        self.units: dict[str, str] = {}
        self._streams = streams
        self._now = int(now * _NANO)
        self._room = MAX_POINTS

    def take(self, origin: _Origin) -> None:
        """Add rows for all data points of a metric; count those that are rejected."""
        metric = origin.metric
        kind = metric.WhichOneof("data")
        if not 0 < len(metric.name) <= MAX_NAME_LENGTH:  # rows would have copies of a long one
            self.rejected["name"] += len(_points_of(metric))
        elif kind == "gauge":
            self._each(origin, metric.gauge.data_points, self._gauge)
        elif kind == "sum":
            self._each(origin, metric.sum.data_points, self._sum)
        elif kind == "histogram":
            self._each(origin, metric.histogram.data_points, self._explicit)
        elif kind == "exponential_histogram":
            self._each(origin, metric.exponential_histogram.data_points, self._exponential)
        elif kind == "summary":
            self._each(origin, metric.summary.data_points, self._summary)

    def _each(
        self,
        origin: _Origin,
        points: Sequence[P],
        read: Callable[[_Origin, P], Iterable[SummaryRow]],
    ) -> None:
        for index, point in enumerate(points):
            if self._room <= 0:
                self.rejected["points"] += len(points) - index
                return
            self._room -= 1
            if not point.flags & _NO_RECORDED_VALUE:
                try:
                    self.rows += read(origin._replace(attributes=texts(point.attributes)), point)
                except ValueError as error:
                    self.rejected[str(error)] += 1

    def _row(
        self, origin: _Origin, point: DataPoint, kind: str, summary: Summary, suffix: str = "",
        **tags: str,
    ) -> SummaryRow:  # fmt: skip
        resource, metric, _, attributes = origin
        tags = {**resource.tags, **attributes, **tags}
        level = tags.pop(LEVEL, "info")
        when = (point.time_unix_nano or self._now) / _NANO
        name = metric.name + suffix
        words = words_of(kind, metric.unit)
        if words and suffix != COUNT and 0 < len(name) <= MAX_NAME_LENGTH:
            self.units[name] = words
        return SummaryRow(kind, name, level, resource.source, tags, when, summary)

    def _gauge(self, origin: _Origin, point: NumberDataPoint) -> Iterator[SummaryRow]:
        yield self._row(origin, point, GAUGE, _reading(float(_number(point))))

    def _sum(self, origin: _Origin, point: NumberDataPoint) -> Iterator[SummaryRow]:
        """Generate a counter; a gauge for a cumulative sum that isn't monotonic."""
        value, data = _number(point), origin.metric.sum
        if data.aggregation_temporality == _CUMULATIVE and not data.is_monotonic:
            yield from self._gauge(origin, point)
            return
        total = Number(value)
        new = self._new(origin, point, total, data.aggregation_temporality)
        # The first total of a stream becomes a row even if it is 0, as it does with delta
        # temporality.
        if new is not None and (new.value or new is total):
            yield self._row(origin, point, COUNTER, Summary(1, bounded(float(new.value))))

    def _explicit(self, origin: _Origin, point: HistogramDataPoint) -> Iterator[SummaryRow]:
        self._room -= len(point.bucket_counts) // BUCKETS
        total = point.sum if point.HasField("sum") else None
        made = ExplicitHistogram.of(
            point.explicit_bounds, point.bucket_counts, point.count, total, _extremes(point)
        )
        temporality = origin.metric.histogram.aggregation_temporality
        yield from self._timer(origin, point, self._new(origin, point, made, temporality))

    def _exponential(
        self, origin: _Origin, point: ExponentialHistogramDataPoint
    ) -> Iterator[SummaryRow]:
        if any(point.negative.bucket_counts):
            raise ValueError("value")
        self._room -= len(point.positive.bucket_counts) // BUCKETS
        total = point.sum if point.HasField("sum") else None
        buckets = Buckets(point.scale, point.positive.offset, point.positive.bucket_counts)
        zeros = Zeros(point.zero_count, point.zero_threshold)
        made = ExponentialHistogram.of(buckets, zeros, point.count, total, _extremes(point))
        temporality = origin.metric.exponential_histogram.aggregation_temporality
        yield from self._timer(origin, point, self._new(origin, point, made, temporality))

    def _timer(
        self, origin: _Origin, point: DataPoint, histogram: Histogram | None
    ) -> Iterator[SummaryRow]:
        if histogram is not None and histogram.measurements:
            summary = histogram.summary(FACTORS.get(origin.metric.unit, 1.0))
            yield self._row(origin, point, TIMER, summary)

    def _summary(self, origin: _Origin, point: SummaryDataPoint) -> Iterator[SummaryRow]:
        """Generate gauges for each quantile, for the count and for the sum."""
        self._room -= len(point.quantile_values)
        if self._room < 0:
            raise ValueError("points")
        quantiles = [(one.quantile, one.value) for one in point.quantile_values]
        if not all(map(isfinite, chain([point.sum], *quantiles))):
            raise ValueError("value")
        for quantile, value in quantiles:
            yield self._row(origin, point, GAUGE, _reading(value), **{QUANTILE: f"{quantile:g}"})
        for suffix, value in ((COUNT, float(point.count)), (".sum", point.sum)):
            yield self._row(origin, point, GAUGE, _reading(value), suffix)

    def _new(self, origin: _Origin, point: DataPoint, total: T, temporality: int) -> T | None:
        """Return what is new in a point: a delta as it is, or the growth of a cumulative total."""
        if temporality == _DELTA:
            return total
        if temporality != _CUMULATIVE:
            raise ValueError("temporality")
        stream = hash_of(origin.identity, identity_of(point.attributes))
        start, time = point.start_time_unix_nano, point.time_unix_nano or self._now
        # As OpenTelemetry's data model has it, a collector that found a total says so with a point
        # at the start. That of JavaScript's SDK was only measured within one millisecond.
        at = Point(stream, start, time, is_whole=start != time or origin.resource.has_sdk)
        return self._streams.growth(at, total, self._now)


def _number(point: NumberDataPoint) -> int | float:
    """Return the value of a point; raises ValueError if it has no finite value."""
    kind = point.WhichOneof("value")
    value: int | float = getattr(point, kind) if kind else float("nan")
    if not isfinite(value):
        raise ValueError("value")
    return value


def _reading(value: float) -> Summary:
    return Summary(1, value, value, value, bounded(value * value), value)


def _extremes(point: HistogramDataPoint | ExponentialHistogramDataPoint) -> Extremes:
    return Extremes(
        point.min if point.HasField("min") else None, point.max if point.HasField("max") else None
    )
