"""The JSON that is sent to Librato: gauges, or measurements with tags.

Librato's counters are running totals. Therefore the counter of an interval is sent as a gauge whose
sums are added up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from sys import getsizeof
from typing import NamedTuple

import msgspec

from zibrato.model import COUNTER, GAUGE, Summary, Tags


class Gauge(msgspec.Struct, omit_defaults=True):
    """One measurement in the API's format: `value`, or `count` and `sum` and what else is known."""

    name: str
    source: str
    value: float | None = None
    count: int | None = None
    sum: float | None = None
    min: float | None = None
    max: float | None = None
    sum_squares: float | None = None
    attributes: Mapping[str, str] | None = None
    measure_time: int | None = None


class Body(msgspec.Struct, omit_defaults=True):
    """The body of a request; `measure_time` (Unix seconds) is the default for its gauges."""

    gauges: Sequence[Gauge]
    measure_time: int | None = None


class Measurement(msgspec.Struct, omit_defaults=True):
    """One measurement in the tagged API's format: like a gauge, except for its tags."""

    name: str
    tags: Mapping[str, str]
    value: float | None = None
    count: int | None = None
    sum: float | None = None
    min: float | None = None
    max: float | None = None
    last: float | None = None
    attributes: Mapping[str, str] | None = None
    time: int | None = None


class TaggedBody(msgspec.Struct, omit_defaults=True):
    """The body of a request; `time` (Unix seconds) is the default for its measurements."""

    measurements: Sequence[Measurement]
    time: int | None = None


class Item(NamedTuple):
    """One measurement to send: a series, or the percentile `percent` of a timer.

    `measure_time` is when its interval began, in Unix seconds.
    """

    name: str
    source: str
    kind: str
    measure_time: int
    summary: Summary
    percent: float | None = None
    tags: Tags = ()

    @property
    def measurements(self) -> int:
        """How many measurements arrive with it; a percentile only repeats those of its timer."""
        return self.summary.count if self.percent is None else 0

    @property
    def size(self) -> int:
        """About how many bytes of memory it takes with its name, but without its summary."""
        own = getsizeof(self) + getsizeof(self.name)
        if not self.tags or self.percent is not None:  # a percentile shares its timer's tags
            return own
        texts = sum(getsizeof(pair) + getsizeof(pair[1]) for pair in self.tags)
        return own + getsizeof(self.tags) + texts

    @property
    def key(self) -> tuple[str, str, Tags]:
        """The name, source and tags by which Librato identifies a stream."""
        return self.name.lower(), self.source.lower(), self.tags

    def gauge(self) -> Gauge:
        """Return the gauge for the legacy API; a sum of squares that overflowed is left out."""
        name, source, kind, _, summary, percent, _ = self
        if percent is not None and summary.distribution is not None:
            return Gauge(name, source, summary.distribution.percentile(percent))
        if kind == GAUGE and summary.count == 1:
            return Gauge(name, source, summary.last)
        gauge = Gauge(name, source, None, summary.count, summary.sum)
        if kind == COUNTER:
            gauge.attributes = {"summarize_function": "sum"}
        else:
            gauge.min, gauge.max = summary.min, summary.max
            gauge.sum_squares = summary.sum_squares if isfinite(summary.sum_squares) else None
        return gauge

    def measurement(self) -> Measurement:
        """Return the measurement for the tagged API, which has no sum of squares."""
        gauge, last = self.gauge(), None
        if gauge.min is not None and isfinite(self.summary.last):
            last = self.summary.last
        return Measurement(
            gauge.name, dict(self.tags), gauge.value, gauge.count, gauge.sum,
            gauge.min, gauge.max, last, gauge.attributes,
        )  # fmt: skip


def encoded_tagged(items: Sequence[Item]) -> bytes:
    """Return the body that ships `items` with their tags."""
    measurements = [item.measurement() for item in items]
    times = {item.measure_time for item in items}
    if len(times) == 1:
        return msgspec.json.encode(TaggedBody(measurements, *times))
    for item, measurement in zip(items, measurements, strict=True):
        measurement.time = item.measure_time
    return msgspec.json.encode(TaggedBody(measurements))


def encoded(items: Sequence[Item]) -> bytes:
    """Return the body that ships `items`; if their times differ, each has its own."""
    gauges = [item.gauge() for item in items]
    times = {item.measure_time for item in items}
    if len(times) == 1:
        return msgspec.json.encode(Body(gauges, *times))
    for item, gauge in zip(items, gauges, strict=True):
        gauge.measure_time = item.measure_time
    return msgspec.json.encode(Body(gauges))
