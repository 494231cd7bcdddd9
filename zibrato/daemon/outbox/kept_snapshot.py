"""Snapshots that wait to be delivered, in the outboxes' file or in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from twisted.internet.defer import Deferred

from zibrato.daemon.series_filter import SeriesFilter
from zibrato.model import Identity, Series, Snapshot, Summary

OWN_BYTES = 500
"""Approximate bytes of memory of a `KeptSnapshot` in one outbox, without its snapshot."""


class Amount(NamedTuple):
    """Numbers of series and measurements."""

    series: int
    measurements: int


class KeptSnapshot:
    """What outboxes know about a snapshot even if they don't have it in memory.

    `amounts` is by level. `snapshot` is None if it isn't in memory, `identity` is None until it is
    committed. `size` is in bytes: bytes of memory until it is committed, then bytes of the file.
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
        """Approximate bytes of memory, including the snapshot; takes a while to compute."""
        return OWN_BYTES + (self.snapshot.size if self.snapshot is not None else 0)

    @property
    def sequence(self) -> int:
        """The number of the snapshot in the file; 0 if it is not committed."""
        return 0 if self.identity is None else self.identity.sequence

    @classmethod
    def of(cls, snapshot: Snapshot) -> KeptSnapshot:
        """Return a `KeptSnapshot` for a snapshot in memory, without its size."""
        return cls(
            snapshot.start, snapshot.end, _amounts(snapshot.summaries.items()), snapshot=snapshot
        )

    def amount(self, wanted: SeriesFilter) -> Amount:
        """Return how much passes the filter; with names, the first call takes a while."""
        if wanted.has_names:
            if wanted not in self._by_name:
                passing = _passing(self.snapshot, wanted)
                self._by_name[wanted] = _total(_amounts(passing).values())
            return self._by_name[wanted]
        return _total(
            amount for level, amount in self.amounts.items() if wanted.levels.passes(level)
        )

    def wanted(self, backends: Mapping[str, SeriesFilter]) -> Mapping[str, SeriesFilter]:
        """Return the backends whose filter lets any series pass."""
        return {key: wanted for key, wanted in backends.items() if self.amount(wanted).series}


class Waiting(NamedTuple):
    """A snapshot that waits for a backend, with the filter of what the backend gets."""

    kept: KeptSnapshot
    filter: SeriesFilter
    series: int
    measurements: int

    @classmethod
    def of(cls, kept: KeptSnapshot, wanted: SeriesFilter) -> Waiting:
        """Return an entry for what passes the filter `wanted`."""
        return cls(kept, wanted, *kept.amount(wanted))

    @property
    def is_in_file(self) -> bool:
        """Whether the snapshot is committed."""
        return self.kept.identity is not None

    @property
    def is_all(self) -> bool:
        """Whether the filter passes everything unchanged."""
        wanted = self.filter
        as_it_is = not (wanted.has_names or wanted.prefix)
        return as_it_is and all(map(wanted.levels.passes, self.kept.amounts))

    def part(self, snapshot: Snapshot | None) -> Snapshot | None:
        """Return the part of a snapshot that passes; None if `snapshot` is None."""
        if snapshot is None or self.is_all:
            return snapshot
        return self.filter.part(snapshot)


class Keeper(Protocol):
    """Stores the snapshots that are not in memory; the journal."""

    def load(self, waiting: Sequence[Waiting]) -> Deferred[Sequence[Snapshot | None]]:
        """Return what passes of each snapshot; None for a damaged one. Fails with other errors."""

    def done(self, key: str, identities: Sequence[Identity]) -> None:
        """Note that a backend has got snapshots, or will never get them."""


def _amounts(summaries: Iterable[tuple[Series, Summary]]) -> Mapping[str, Amount]:
    """Return how much there is at each level."""
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
