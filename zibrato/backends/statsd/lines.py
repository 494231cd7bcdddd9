"""Convert snapshots to statsd's lines, and lines to packets; pure.

docs/reference/backends.rst says what becomes of each kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from math import isfinite
from typing import NamedTuple

from zibrato.backends.statsd.values import weighted_values
from zibrato.model import COUNTER, GAUGE, MAX_EXACT_INT, Series, Snapshot, Summary

__all__ = ["DATADOG", "DIALECTS", "STATSD", "Line", "Packet", "Unsent", "lines", "packets"]

STATSD, DATADOG = "statsd", "datadog"
DIALECTS = (STATSD, DATADOG)
_NUMBERS = 64
"""The most bytes that a value, its type and its rate take."""
_ILLEGAL = re.compile(r"[^A-Za-z0-9_.-]+")
_ILLEGAL_TAG = re.compile(r"[^\w.:/-]+")


class Line(NamedTuple):
    """A line, or two that belong together; when it has arrived, so have `measurements`."""

    text: bytes
    measurements: int = 0


class Unsent(NamedTuple):
    """A series that can't be sent, and the reason for which its measurements are dropped."""

    name: str
    measurements: int
    reason: str


class Packet(NamedTuple):
    """Lines that are sent together; when they have arrived, so have `measurements`."""

    data: bytes
    measurements: int


def lines(snapshots: Iterable[Snapshot], dialect: str, mtu: int) -> Iterator[Line | Unsent]:
    """Generate the lines of snapshots; the last line of a series has all of its measurements."""
    for snapshot in snapshots:
        for series, summary in snapshot.summaries.items():
            name = _ILLEGAL.sub("-", series.name) or "-"
            tags = _tags(series) if dialect == DATADOG else ""
            size = len(name) + len(tags.encode()) + _NUMBERS
            if not isfinite(summary.sum):
                yield Unsent(series.name, summary.count, "not_finite")
            elif size + _NUMBERS > mtu:
                yield Unsent(series.name, summary.count, "too_long")
            else:
                room = mtu - size if dialect == DATADOG else None
                *texts, last = _texts(name, series.kind, summary, tags, room)
                yield from (Line(text.encode()) for text in texts)
                yield Line(last.encode(), summary.count)


def packets(source: Iterable[Line | Unsent], mtu: int) -> Iterator[Packet | Unsent]:
    """Generate packets of at most `mtu` bytes, and pass on what can't be sent."""
    texts: list[bytes] = []
    size = measurements = 0
    for line in source:
        if isinstance(line, Unsent):
            yield line
            continue
        if texts and size + len(line.text) > mtu:
            yield Packet(b"\n".join(texts), measurements)
            texts, size, measurements = [], 0, 0
        texts.append(line.text)
        size += len(line.text) + 1
        measurements += line.measurements
    if texts:
        yield Packet(b"\n".join(texts), measurements)


def _tags(series: Series) -> str:
    """Return the tags in DogStatsD's format; level and source replace tags of these names."""
    tags = {**dict(series.tags), "level": series.level, "source": series.source}
    texts = {
        _ILLEGAL_TAG.sub("-", name).replace(":", "-"): _ILLEGAL_TAG.sub("-", value) or "-"
        for name, value in tags.items()
    }
    return "|#" + ",".join(f"{name}:{value}" for name, value in sorted(texts.items()))


def _texts(name: str, kind: str, summary: Summary, tags: str, room: int | None) -> Iterator[str]:
    """Generate the lines of a series as texts.

    `room` is the number of bytes for values in a line. None is for the original statsd, which
    accepts one value, and takes a gauge with a sign for a difference.
    """
    if kind == COUNTER:
        yield f"{name}:{_number(summary.sum)}|c{tags}"
    elif kind == GAUGE:
        line = f"{name}:{_number(summary.reading)}|g{tags}"
        yield f"{name}:0|g\n{line}" if room is None and summary.reading < 0 else line
    else:
        weighted = weighted_values(summary.distribution) if summary.distribution else {}
        weighted = weighted or {summary.count: [summary.sum / summary.count]}
        for weight, values in weighted.items():
            rate = f"|@{_rate(weight)}" if weight > 1 else ""
            for joined in _joined([f"{value * 1000:.9g}" for value in values], room or 0):
                yield f"{name}:{joined}|ms{rate}{tags}"


def _joined(values: Sequence[str], room: int) -> Iterator[str]:
    """Join values with colons, in texts of at most `room` bytes, or with a single value."""
    part: list[str] = []
    size = 0
    for value in values:
        size += len(value) + 1
        if part and size > room:
            yield ":".join(part)
            part, size = [], len(value) + 1
        part.append(value)
    yield ":".join(part)


def _rate(weight: int) -> str:
    """Return a sample rate without an exponent: the original statsd reads only digits."""
    return f"{1 / weight:.25f}".rstrip("0")


def _number(value: float) -> str:
    is_whole = abs(value) <= MAX_EXACT_INT and value == int(value)
    return str(int(value)) if is_whole else repr(value)
