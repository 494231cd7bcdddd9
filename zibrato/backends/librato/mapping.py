"""Convert snapshots to Librato's items, with each name, source and time only once; pure.

Librato allows fewer names than Zibrato, and its legacy API has no tags and levels. Series of one
kind that become the same stream are merged; series of different kinds are logged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from itertools import chain
from math import isfinite
from typing import NamedTuple

from zibrato.backends.librato.names import percentile_name
from zibrato.backends.librato.requests import Item
from zibrato.backends.librato.streams import LEGACY_STREAMS, Stream, Streams
from zibrato.backends.merging import merged
from zibrato.model import KINDS, Series, Snapshot, Summary

_STRIDE = 250
"""Series or groups between two turns of the reactor."""


class Mapped(NamedTuple):
    """Mapped snapshots: the items to ship, and numbers of measurements, by name, to be logged.

    `merged` ones arrive under another name, because theirs was rewritten; `conflicting` ones have
    the name of another kind; `not_finite` ones have a sum that JSON can't represent. The last two
    are not in the items.
    """

    items: list[Item]
    merged: Counter[str]
    conflicting: Counter[str]
    not_finite: Counter[str]


def mapping(
    snapshots: Sequence[Snapshot],
    percentiles: Sequence[float],
    streams: Streams = LEGACY_STREAMS,
) -> Generator[None, None, Mapped]:
    """Return Librato's items for `snapshots`, yielding every few milliseconds of work.

    In an interval, a name belongs to one kind: to the counter if there is one, or else to the
    timer, or else to the gauge. The name of a percentile gives way to all of these.
    """
    result = Mapped([], Counter(), Counter(), Counter())
    for position, _ in enumerate(_steps(snapshots, percentiles, streams, result), 1):
        if position % _STRIDE == 0:
            yield
    return result


def _steps(
    snapshots: Sequence[Snapshot], percentiles: Sequence[float], streams: Streams, result: Mapped
) -> Iterator[None]:
    """Map snapshots, grouped by their time, yielding after each series and each group."""
    times: dict[int, list[Snapshot]] = {}
    for snapshot in snapshots:
        times.setdefault(int(snapshot.start), []).append(snapshot)
    for time, parts in times.items():
        work = _Mapping(time, percentiles, streams, result)
        for series, summary in chain.from_iterable(part.summaries.items() for part in parts):
            work.add(series, summary)
            yield
        for group in work.groups.values():
            work.resolve(group)
            yield


class _Group:
    """The series of one kind that become the same stream at Librato."""

    __slots__ = ("kind", "members", "name", "streams")

    def __init__(self, kind: str, name: str, streams: Streams) -> None:
        self.kind = kind
        self.name = name
        self.streams = streams
        self.members: dict[Stream, list[Summary]] = {}

    def representative(self) -> Stream:
        """Return the stream that represents the group: one with a legal name, if there is any."""
        if len(self.members) == 1:
            return next(iter(self.members))
        return min(self.members, key=lambda own: (self.streams.legal(own) != own, own))

    def others(self) -> Iterator[tuple[str, int]]:
        """Generate numbers of measurements that arrive as another stream, by what was rewritten."""
        representative = self.representative()
        for own, summaries in self.members.items():
            if own != representative:
                rewritten = own.name if own.name != representative.name else own.source
                if own[:2] == representative[:2]:
                    rewritten = ", ".join(f"{name}={value}" for name, value in own.tags)
                yield rewritten, sum(summary.count for summary in summaries)

    def summary(self) -> Summary:
        """Return the summary of all series in the group."""
        return merged([*chain.from_iterable(self.members.values())])


class _Mapping:
    """Groups the series of one time, and adds the outcome to `result`."""

    def __init__(
        self, time: int, percentiles: Sequence[float], streams: Streams, result: Mapped
    ) -> None:
        self.groups: dict[tuple[str, Stream], _Group] = {}
        self._streams = streams
        self.result = result
        self._time = time
        self._kinds: dict[str, str] = {}
        self._percentiles = list(dict.fromkeys(percentiles))

    def add(self, series: Series, summary: Summary) -> None:
        """Put a series in its group."""
        kind = series.kind
        own = self._streams.own(series)
        legal = self._streams.legal(own)
        name = legal.name.lower()
        stream = Stream(name, legal.source.lower(), legal.tags)
        group = self.groups.get((kind, stream))
        if group is None:
            group = self.groups[kind, stream] = _Group(kind, name, self._streams)
        group.members.setdefault(own, []).append(summary)
        # KINDS is in the order of precedence.
        self._kinds[name] = min(self._kinds.get(name, kind), kind, key=KINDS.index)

    def resolve(self, group: _Group) -> None:
        """Make items of a group, after all series are in their groups."""
        summary = group.summary()
        name, source, tags = self._streams.legal(group.representative())
        if self._kinds[group.name] != group.kind:
            self.result.conflicting[name] += summary.count
        elif not isfinite(summary.sum):
            self.result.not_finite[name] += summary.count
        else:
            for own, count in group.others():
                self.result.merged[own] += count
            item = Item(name, source, group.kind, self._time, summary, tags=tags)
            self.result.items.append(item)
            if summary.distribution is not None:
                self.result.items.extend(self._percentile_items(item))

    def _percentile_items(self, timer: Item) -> Iterator[Item]:
        """Generate the items of a timer's percentiles whose names no series has."""
        for percent in self._percentiles:
            name = percentile_name(timer.name, percent)
            if name.lower() in self._kinds:
                # This is to be logged, but nothing is lost: the timer itself has the measurements.
                self.result.conflicting[name] += 0
            else:
                yield timer._replace(name=name, percent=percent)
