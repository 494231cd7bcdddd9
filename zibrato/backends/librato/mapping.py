"""From snapshots to the items that Librato gets, each name, source and time once; pure.

Tags and levels have no place there, and its names are fewer than ours: series that become one
name and source are merged where they are of one kind, and told of where they are not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from itertools import chain
from math import isfinite
from typing import NamedTuple

from zibrato.backends.librato.names import percentile_name, sanitised, sanitised_source
from zibrato.backends.librato.requests import Item
from zibrato.model import KINDS, Series, Snapshot, Summary

_STRIDE = 250

_Raw = tuple[str, str]


class Mapped(NamedTuple):
    """Snapshots mapped: the items to ship, and measurements by the name that needs telling of.

    `merged` arrive under another name, which their own was rewritten to; `conflicting` are of a
    name that another kind has; `not_finite` have a sum that JSON has no number for. The latter
    two are not among the items.
    """

    items: list[Item]
    merged: Counter[str]
    conflicting: Counter[str]
    not_finite: Counter[str]


def mapping(
    snapshots: Sequence[Snapshot], percentiles: Sequence[float]
) -> Generator[None, None, Mapped]:
    """Return what Librato is to get of `snapshots`, yielding every few milliseconds of work.

    In an interval a name belongs to one kind: the counter if there is one, else the timer, else the
    gauge; the name of a percentile gives way to all of them.
    """
    result = Mapped([], Counter(), Counter(), Counter())
    for position, _ in enumerate(_steps(snapshots, percentiles, result), 1):
        if position % _STRIDE == 0:
            yield
    return result


def _steps(
    snapshots: Sequence[Snapshot], percentiles: Sequence[float], result: Mapped
) -> Iterator[None]:
    """Map the snapshots, those of one time together, yielding after each series and each group."""
    times: dict[int, list[Snapshot]] = {}
    for snapshot in snapshots:
        times.setdefault(int(snapshot.start), []).append(snapshot)
    for time, parts in times.items():
        work = _Mapping(time, percentiles, result)
        for series, summary in chain.from_iterable(part.summaries.items() for part in parts):
            work.add(series, summary)
            yield
        for group in work.groups.values():
            work.resolve(group)
            yield


class _Group:
    """The series of one kind that are one name and source at Librato."""

    __slots__ = ("kind", "members", "name")

    def __init__(self, kind: str, name: str) -> None:
        self.kind = kind
        self.name = name
        self.members: dict[_Raw, list[Summary]] = {}

    def kept(self) -> _Raw:
        """Return the name and source that stand for all: those that are legal, if any are."""
        if len(self.members) == 1:
            return next(iter(self.members))
        return min(self.members, key=lambda raw: (_legal(raw) != raw, raw))

    def others(self) -> Iterator[tuple[str, int]]:
        """Generate the measurements that arrive under another name or source, by their own."""
        kept = self.kept()
        for raw, summaries in self.members.items():
            if raw != kept:
                own = raw[0] if raw[0] != kept[0] else raw[1]
                yield own, sum(summary.count for summary in summaries)

    def summary(self) -> Summary:
        """Return all summaries as one, merged pairwise: thousands take no quadratic time."""
        parts = [summary for summaries in self.members.values() for summary in summaries]
        while len(parts) > 1:
            pairs = zip(parts[::2], parts[1::2], strict=False)
            parts = [one.merged(two) for one, two in pairs] + parts[len(parts) // 2 * 2 :]
        return parts[0]


class _Mapping:
    """The groups that series of one time fall into, and what becomes of them in `result`."""

    def __init__(self, time: int, percentiles: Sequence[float], result: Mapped) -> None:
        self.groups: dict[tuple[str, str, str], _Group] = {}
        self.result = result
        self._time = time
        self._kinds: dict[str, str] = {}
        self._percentiles = list(dict.fromkeys(percentiles))

    def add(self, series: Series, summary: Summary) -> None:
        """Put a series in its group."""
        kind = series.kind
        name, source = (text.lower() for text in _legal((series.name, series.source)))
        group = self.groups.get((kind, name, source))
        if group is None:
            group = self.groups[kind, name, source] = _Group(kind, name)
        group.members.setdefault((series.name, series.source), []).append(summary)
        self._kinds[name] = min(self._kinds.get(name, kind), kind, key=KINDS.index)

    def resolve(self, group: _Group) -> None:
        """Make items of a group, once all series are in theirs."""
        summary = group.summary()
        name, source = _legal(group.kept())
        if self._kinds[group.name] != group.kind:
            self.result.conflicting[name] += summary.count
        elif not isfinite(summary.sum):
            self.result.not_finite[name] += summary.count
        else:
            for own, count in group.others():
                self.result.merged[own] += count
            item = Item(name, source, group.kind, self._time, summary)
            self.result.items.append(item)
            if summary.distribution is not None:
                self.result.items.extend(self._percentile_items(item))

    def _percentile_items(self, timer: Item) -> Iterator[Item]:
        """Generate the items of a timer's percentiles whose names no series has."""
        for percent in self._percentiles:
            name = percentile_name(timer.name, percent)
            if name.lower() in self._kinds:
                self.result.conflicting[name] += 0
            else:
                yield timer._replace(name=name, percent=percent)


def _legal(raw: _Raw) -> _Raw:
    name, source = raw
    return sanitised(name), sanitised_source(source)
