"""What a snapshot is in Librato's terms: gauges under legal names, in parcels; all of it pure.

Librato's own counters are running totals, so an interval's counter goes out as a gauge whose
sums are added up. Names and sources that Librato would refuse are rewritten by one rule, which
`sanitised` states. Tags and levels have no place there: what differs in them alone is merged.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from math import isfinite
from typing import NamedTuple

import msgspec

from ..model import COUNTER, GAUGE, KINDS, Series, Summary

MAX_ITEMS = 300  # of at most 900 bytes each, so that a post also stays far below 1 MB
MAX_TEXT = 255
_ILLEGAL = re.compile(r"[^A-Za-z0-9.:_-]+")
_DIGEST = 16
_RESERVED_SOURCE = "all"

Parcel = list["Item"]


class Gauge(msgspec.Struct, omit_defaults=True):
    """One measurement as the API has it: `value`, or `count` and `sum` with what else is known."""

    name: str
    source: str = ""
    value: float | None = None
    count: int | None = None
    sum: float | None = None
    min: float | None = None
    max: float | None = None
    sum_squares: float | None = None
    attributes: Mapping[str, str] | None = None


class Post(msgspec.Struct):
    """The body of a request."""

    measure_time: int
    gauges: Sequence[Gauge]


class Item(NamedTuple):
    """What becomes one gauge: a series, or its percentile `percent`."""

    name: str
    source: str
    kind: str
    summary: Summary
    percent: float | None = None

    @property
    def measurements(self) -> int:
        """How many measurements arrive with it; a percentile repeats those of its timer."""
        return 0 if self.percent is not None else self.summary.count

    @property
    def key(self) -> tuple[str, str]:
        """The name and source as Librato tells them apart."""
        return self.name.lower(), self.source.lower()

    def gauge(self) -> Gauge:
        """Return it as the API has it."""
        name, source, kind, summary, percent = self
        if percent is not None:
            distribution = summary.distribution
            return Gauge(name, source, distribution.percentile(percent) if distribution else 0.0)
        if kind == COUNTER:
            attributes = {"summarize_function": "sum"}
            return Gauge(name, source, None, summary.count, summary.sum, attributes=attributes)
        if kind == GAUGE and summary.count == 1:
            return Gauge(name, source, summary.last)
        squares = summary.sum_squares if isfinite(summary.sum_squares) else None
        return Gauge(
            name, source, None, summary.count, summary.sum, summary.min, summary.max, squares
        )


class Mapped(NamedTuple):
    """A snapshot mapped: the items to ship, and measurements by the name that needs telling of.

    `merged` arrive under another name that was rewritten to the same, `conflicting` are of a
    name that another kind has, `not_finite` have a sum that JSON has no number for; the latter
    two are not among the items.
    """

    items: list[Item]
    merged: Counter[str]
    conflicting: Counter[str]
    not_finite: Counter[str]


_Raw = tuple[str, str]
_Group = dict[_Raw, list[Summary]]


def sanitised(text: str, room: int = MAX_TEXT) -> str:
    """Return `text` as Librato takes it, at most `room` characters.

    Each run of characters other than A-Z a-z 0-9 . : _ - becomes one `-` (as python-librato
    does it). What is then too long keeps its beginning, `-` and the first 16 hexadecimal digits
    of the SHA-256 of the lower-case whole, so that long names stay distinct.
    """
    legal = _ILLEGAL.sub("-", text)
    if len(legal) <= room:
        return legal
    digest = sha256(legal.lower().encode()).hexdigest()[:_DIGEST]
    return f"{legal[: room - _DIGEST - 1]}-{digest}"


def sanitised_source(text: str) -> str:
    """Return `text` as `sanitised` does; the reserved source `all` gets a `-` appended."""
    source = sanitised(text)
    return f"{source}-" if source.lower() == _RESERVED_SOURCE else source


def percentile_label(percent: float) -> str:
    """Return what a percentile is called: p50, p99.9."""
    return f"p{percent}".removesuffix(".0")


def mapped(summaries: Mapping[Series, Summary], percentiles: Sequence[float]) -> Mapped:
    """Return what Librato is to get of `summaries`.

    A name belongs to one kind: the counter if there is one, else the timer, else the gauge; the
    name of a percentile yields to all of them.
    """
    result = Mapped([], Counter(), Counter(), Counter())
    groups = _grouped(summaries)
    kinds: dict[str, str] = {}
    for kind, name, _ in sorted(groups, key=_precedence):
        kinds.setdefault(name, kind)
    for (kind, lower, _), group in groups.items():
        name, source = _spelling(group)
        summary = _merged([summary for each in group.values() for summary in each])
        if kinds[lower] != kind:
            result.conflicting[name] += summary.count
        elif not isfinite(summary.sum):
            result.not_finite[name] += summary.count
        else:
            result.merged.update(_others(group, (name, source)))
            item = Item(sanitised(name), sanitised_source(source), kind, summary)
            result.items.append(item)
            result.items.extend(_percentiles(item, percentiles, kinds, result.conflicting))
    return result


def packed(items: Sequence[Item]) -> deque[Parcel]:
    """Return the items in parcels, each small enough for a request and none empty."""
    starts = range(0, len(items), MAX_ITEMS)
    return deque(list(items[start : start + MAX_ITEMS]) for start in starts)


def encoded(parcel: Iterable[Item], start: float) -> bytes:
    """Return the body of the request that ships `parcel`, of the interval from Unix time `start`."""
    return msgspec.json.encode(Post(int(start), [item.gauge() for item in parcel]))


def _grouped(summaries: Mapping[Series, Summary]) -> dict[tuple[str, str, str], _Group]:
    """Return the summaries by kind, name and source as Librato tells them apart."""
    groups: dict[tuple[str, str, str], _Group] = {}
    for series, summary in summaries.items():
        name = sanitised(series.name).lower()
        source = sanitised_source(series.source).lower()
        group = groups.setdefault((series.kind, name, source), {})
        group.setdefault((series.name, series.source), []).append(summary)
    return groups


def _precedence(key: tuple[str, str, str]) -> int:
    return KINDS.index(key[0])


def _spelling(group: _Group) -> _Raw:
    """Return the name and source whose spelling is kept: one that needs no rewriting, if any."""
    return min(group, key=lambda raw: ((sanitised(raw[0]), sanitised_source(raw[1])) != raw, raw))


def _others(group: _Group, kept: _Raw) -> Counter[str]:
    """Return the measurements of `group` that arrive under another name or source, by their own."""
    others: Counter[str] = Counter()
    for raw, summaries in group.items():
        if raw != kept:
            own = raw[0] if raw[0] != kept[0] else raw[1]
            others[own] += sum(summary.count for summary in summaries)
    return others


def _merged(summaries: list[Summary]) -> Summary:
    """Return the summary of all, merging neighbours so that thousands take no quadratic time."""
    while len(summaries) > 1:
        pairs = zip(summaries[::2], summaries[1::2], strict=False)
        summaries = [a.merged(b) for a, b in pairs] + summaries[len(summaries) // 2 * 2 :]
    return summaries[0]


def _percentiles(
    timer: Item, percentiles: Sequence[float], kinds: Mapping[str, str], conflicting: Counter[str]
) -> Iterator[Item]:
    """Generate the items of a timer's percentiles; a name that is taken counts as conflicting."""
    if timer.summary.distribution is None:
        return
    for percent in percentiles:
        suffix = f".{percentile_label(percent)}"
        name = sanitised(timer.name, MAX_TEXT - len(suffix)) + suffix
        if name.lower() in kinds:
            conflicting[name] += 0
        else:
            yield timer._replace(name=name, percent=percent)
