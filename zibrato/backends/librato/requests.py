"""What goes over the wire to Librato: gauges as JSON, so many to a request.

Librato's own counters are running totals, so an interval's counter goes out as a gauge whose
sums are added up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import NamedTuple

import msgspec

from zibrato.model import COUNTER, GAUGE, Summary


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


class Body(msgspec.Struct):
    """The body of a request; `measure_time` is in Unix seconds."""

    measure_time: int
    gauges: Sequence[Gauge]


class Item(NamedTuple):
    """What becomes one gauge: a series, or the percentile `percent` of a timer."""

    name: str
    source: str
    kind: str
    summary: Summary
    percent: float | None = None

    @property
    def measurements(self) -> int:
        """How many measurements arrive with it; a percentile repeats those of its timer."""
        return self.summary.count if self.percent is None else 0

    @property
    def key(self) -> tuple[str, str]:
        """The name and source as Librato tells them apart."""
        return self.name.lower(), self.source.lower()

    def gauge(self) -> Gauge:
        """Return it as the API has it; a sum of squares that overflowed is left out."""
        name, source, kind, summary, percent = self
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


def encoded(items: Iterable[Item], start: float) -> bytes:
    """Return the body that ships `items`, of the interval that began at the Unix time `start`."""
    return msgspec.json.encode(Body(int(start), [item.gauge() for item in items]))
