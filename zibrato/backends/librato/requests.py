"""What goes over the wire to Librato: gauges, or measurements with tags, as JSON.

Librato's own counters are running totals, so an interval's counter goes out as a gauge whose
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
    """One measurement as the API has it: `value`, or `count` and `sum` with what else is known."""

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
    """The body of a request; `measure_time` (Unix seconds) is that of gauges without their own."""

    gauges: Sequence[Gauge]
    measure_time: int | None = None


class Measurement(msgspec.Struct, omit_defaults=True):
    """One measurement as the tagged API has it: as a gauge, but by its tags."""

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
    """The body of a request; `time` (Unix seconds) is that of measurements without their own."""

    measurements: Sequence[Measurement]
    time: int | None = None


class Item(NamedTuple):
    """What becomes one measurement: a series, or the percentile `percent` of a timer.

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
        """How many measurements arrive with it; a percentile repeats those of its timer."""
        return self.summary.count if self.percent is None else 0

    @property
    def size(self) -> int:
        """About how many bytes of memory it takes, as if its name were its own; without summary."""
        own = getsizeof(self) + getsizeof(self.name)
        if not self.tags or self.percent is not None:  # which shares the tags of its timer
            return own
        texts = sum(getsizeof(pair) + getsizeof(pair[1]) for pair in self.tags)
        return own + getsizeof(self.tags) + texts

    @property
    def key(self) -> tuple[str, str, Tags]:
        """The name, source and tags as Librato tells them apart."""
        return self.name.lower(), self.source.lower(), self.tags

    def gauge(self) -> Gauge:
        """Return it as the API has it; a sum of squares that overflowed is left out."""
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
        """Return it as the tagged API has it, which knows no sum of squares."""
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
    """Return the body that ships `items`, each with its time where they have several."""
    gauges = [item.gauge() for item in items]
    times = {item.measure_time for item in items}
    if len(times) == 1:
        return msgspec.json.encode(Body(gauges, *times))
    for item, gauge in zip(items, gauges, strict=True):
        gauge.measure_time = item.measure_time
    return msgspec.json.encode(Body(gauges))
