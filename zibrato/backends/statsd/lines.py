"""From snapshots to statsd's lines, and those to packets; pure.

docs/reference/backends.rst has what becomes of each kind.
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
"""Bytes of a value, its type and its rate at most."""
_ILLEGAL = re.compile(r"[^A-Za-z0-9_.-]+")
_ILLEGAL_TAG = re.compile(r"[^\w.:/-]+")


class Line(NamedTuple):
    """A line, or two that belong together, and the measurements that have arrived with it."""

    text: bytes
    measurements: int = 0


class Unsent(NamedTuple):
    """A series that can't be sent, and the reason for which its measurements are dropped."""

    name: str
    measurements: int
    reason: str


class Packet(NamedTuple):
    """Lines that go together, and the measurements that have arrived with them."""

    data: bytes
    measurements: int


def lines(snapshots: Iterable[Snapshot], dialect: str, mtu: int) -> Iterator[Line | Unsent]:
    """Generate the lines of snapshots; with the last one of a series all of it has arrived."""
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
    """Generate packets of at most so many bytes, and what is not for sending as it is."""
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
    """Return the tags as DogStatsD has them, with level and source in place of any so called."""
    tags = {**dict(series.tags), "level": series.level, "source": series.source}
    texts = {
        _ILLEGAL_TAG.sub("-", name).replace(":", "-"): _ILLEGAL_TAG.sub("-", value) or "-"
        for name, value in tags.items()
    }
    return "|#" + ",".join(f"{name}:{value}" for name, value in sorted(texts.items()))


def _texts(name: str, kind: str, summary: Summary, tags: str, room: int | None) -> Iterator[str]:
    """Generate the texts of a series' lines.

    `room` is that for values in a line; None is of statsd's own, which takes one, and to which a
    gauge with a sign is a difference.
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
    """Generate values with colons between, in texts of so many bytes, and of one value at least."""
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
    """Return a rate without an exponent, of which the original statsd reads no more than digits."""
    return f"{1 / weight:.25f}".rstrip("0")


def _number(value: float) -> str:
    is_whole = abs(value) <= MAX_EXACT_INT and value == int(value)
    return str(int(value)) if is_whole else repr(value)
