"""A closed interval on its way: in the outbox's file, or in memory where there is none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from twisted.internet.defer import Deferred

from zibrato.daemon.series_filter import SeriesFilter
from zibrato.model import Identity, Series, Snapshot, Summary

OWN_BYTES = 500
"""About how many bytes of memory one takes beside its snapshot, waiting in one outbox."""


class Amount(NamedTuple):
    """How much of something there is."""

    series: int
    measurements: int


class KeptSnapshot:
    """What outboxes know of a snapshot without having it.

    `snapshot` is there while it is in memory, `identity` once it is committed. `size` is in bytes:
    of memory while it is not committed, of the file from then on.
    """

    __slots__ = ("_by_name", "amounts", "end", "identity", "size", "snapshot", "start")

    def __init__(
        self,
        start: float,
        end: float,
        amounts: Mapping[str, Amount],
        *,
        size: int = 0,
        snapshot: Snapshot | None = None,
        identity: Identity | None = None,
    ) -> None:
        self.start = start
        self.end = end
        self.amounts = amounts
        self.size = size
        self.snapshot = snapshot
        self.identity = identity
        self._by_name: dict[SeriesFilter, Amount] = {}

    @property
    def memory(self) -> int:
        """About how many bytes of memory it takes with its snapshot; that takes a while to find."""
        return OWN_BYTES + (self.snapshot.size if self.snapshot is not None else 0)

    @property
    def sequence(self) -> int:
        """Its number in the file, 0 for one that is not committed."""
        return 0 if self.identity is None else self.identity.sequence

    @classmethod
    def of(cls, snapshot: Snapshot) -> KeptSnapshot:
        """Return what is known of one in memory, but for its size."""
        return cls(
            snapshot.start, snapshot.end, _amounts(snapshot.summaries.items()), snapshot=snapshot
        )

    def amount(self, wanted: SeriesFilter) -> Amount:
        """Return how much of it passes; of names that takes a while, the first time."""
        if wanted.has_names:
            if wanted not in self._by_name:
                passing = _passing(self.snapshot, wanted)
                self._by_name[wanted] = _total(_amounts(passing).values())
            return self._by_name[wanted]
        return _total(
            amount for level, amount in self.amounts.items() if wanted.levels.passes(level)
        )

    def wanted(self, backends: Mapping[str, SeriesFilter]) -> Mapping[str, SeriesFilter]:
        """Return those backends that get anything of it."""
        return {key: wanted for key, wanted in backends.items() if self.amount(wanted).series}


class Waiting(NamedTuple):
    """A snapshot that a backend has not got, and what it is to get of it."""

    kept: KeptSnapshot
    filter: SeriesFilter
    series: int
    measurements: int

    @classmethod
    def of(cls, kept: KeptSnapshot, wanted: SeriesFilter) -> Waiting:
        """Return what passes of a snapshot."""
        return cls(kept, wanted, *kept.amount(wanted))

    @property
    def is_in_file(self) -> bool:
        """Whether it is committed."""
        return self.kept.identity is not None

    @property
    def is_all(self) -> bool:
        """Whether everything passes as it is."""
        wanted = self.filter
        as_it_is = not (wanted.has_names or wanted.prefix)
        return as_it_is and all(map(wanted.levels.passes, self.kept.amounts))

    def part(self, snapshot: Snapshot | None) -> Snapshot | None:
        """Return what passes of a snapshot, None of none."""
        if snapshot is None or self.is_all:
            return snapshot
        return self.filter.part(snapshot)


class Keeper(Protocol):
    """Who has the snapshots that are not in memory."""

    def load(self, waiting: Sequence[Waiting]) -> Deferred[Sequence[Snapshot | None]]:
        """Return what passes of each, None where it can't be read any more; fails otherwise."""

    def done(self, key: str, identities: Sequence[Identity]) -> None:
        """Note that a backend has snapshots, or never gets them."""


def _amounts(summaries: Iterable[tuple[Series, Summary]]) -> Mapping[str, Amount]:
    """Return how much there is of each level."""
    series: defaultdict[str, int] = defaultdict(int)
    measurements: defaultdict[str, int] = defaultdict(int)
    for one, summary in summaries:
        series[one.level] += 1
        measurements[one.level] += summary.count
    return {level: Amount(series[level], measurements[level]) for level in series}


def _passing(snapshot: Snapshot | None, wanted: SeriesFilter) -> Iterator[tuple[Series, Summary]]:
    items = snapshot.summaries.items() if snapshot is not None else ()
    return ((series, summary) for series, summary in items if wanted.passes(series))


def _total(amounts: Iterable[Amount]) -> Amount:
    series = measurements = 0
    for amount in amounts:
        series += amount.series
        measurements += amount.measurements
    return Amount(series, measurements)
