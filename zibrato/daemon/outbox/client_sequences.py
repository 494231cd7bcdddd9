"""Keeps track of the batches accepted from acknowledged clients, and of what is to be committed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

MAX_AGE = 7 * 86_400.0
"""Seconds without a batch after which a client is forgotten."""
MAX_CLIENTS = 10_000
"""The most clients that are known at once; beyond, the one silent for longest is forgotten."""


class Seen(NamedTuple):
    """The highest sequence number accepted from a client, and the Unix time when it came."""

    sequence: int
    when: float


class Commit(NamedTuple):
    """What is committed together: the numbers that have changed, and the clients forgotten."""

    seen: Mapping[str, Seen]
    forgotten: frozenset[str]
    waiting: tuple[Deferred[None], ...]


class ClientSequences:
    """The highest sequence number that was accepted from each acknowledged client.

    Changes are committed in rounds: `begin` returns what to commit; call `succeed` or `fail` before
    calling `begin` again.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._seen: dict[str, Seen] = {}
        self._changed: set[str] = set()
        self._waiting: list[Deferred[None]] = []

    @property
    def changed(self) -> bool:
        """Whether there is anything to commit, or anybody waits for a commit."""
        return bool(self._changed or self._waiting)

    def load(self, known: Mapping[str, Seen]) -> None:
        """Take over what an earlier daemon committed; newer numbers have precedence."""
        oldest_first = sorted(known.items(), key=lambda item: item[1].when)
        self._seen = {**dict(oldest_first), **self._seen}

    def highest(self, client: str) -> int | None:
        """Return the highest sequence number accepted; None if the client is unknown."""
        seen = self._seen.get(client)
        return None if seen is None else seen.sequence

    def take(self, client: str, sequence: int) -> None:
        """Note that all batches up to a sequence number are accepted."""
        self._seen.pop(client, None)  # so that the dict stays ordered by `when`
        self._seen[client] = Seen(sequence, self._clock.seconds())
        self._changed.add(client)

    def committed(self) -> Deferred[None]:
        """Return a Deferred that fires when everything accepted so far is committed."""
        waiting: Deferred[None] = Deferred()
        self._waiting.append(waiting)
        return waiting

    def begin(self) -> Commit:
        """Begin a round; return what is to be committed."""
        self._forget()
        changed, self._changed = self._changed, set()
        waiting, self._waiting = tuple(self._waiting), []
        seen = {client: self._seen[client] for client in changed if client in self._seen}
        return Commit(seen, frozenset(changed - seen.keys()), waiting)

    def succeed(self, commit: Commit) -> None:
        """Tell everybody who waited that the commit succeeded."""
        for waiting in commit.waiting:
            waiting.callback(None)

    def fail(self, commit: Commit) -> None:
        """Put what could not be committed back, for the next round."""
        self._changed |= {*commit.seen, *commit.forgotten}
        self._waiting[:0] = commit.waiting

    def commit_all(self) -> None:
        """Commit everything again in the next round, because earlier commits were lost."""
        self._changed |= self._seen.keys()

    def _forget(self) -> None:
        """Forget the clients that were silent for too long, or are too many."""
        oldest = self._clock.seconds() - MAX_AGE
        for client, seen in list(self._seen.items()):
            # The dict is ordered by `when`, so the rest were seen even later.
            if seen.when >= oldest and len(self._seen) <= MAX_CLIENTS:
                break
            del self._seen[client]
            self._changed.add(client)
