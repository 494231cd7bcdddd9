"""Which batches of acknowledged clients are taken in, and committed, by their sequence numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

MAX_AGE = 7 * 86_400.0
"""Seconds after which a client of which nothing came is forgotten."""
MAX_CLIENTS = 10_000
"""Clients that are known at once; past that the one that was silent for longest is forgotten."""


class Seen(NamedTuple):
    """The highest sequence number that was taken in of a client, and the Unix time of that."""

    sequence: int
    when: float


class Commit(NamedTuple):
    """What is committed together: numbers that have changed, and who was forgotten."""

    seen: Mapping[str, Seen]
    forgotten: frozenset[str]
    waiting: tuple[Deferred[None], ...]


class ClientSequences:
    """The highest sequence number of each acknowledged client; provides `interfaces.Commits`.

    What changes is committed in rounds: `begin` says what, and is followed by `succeed` or `fail`
    before it is called again. `known` is what an earlier daemon committed.
    """

    def __init__(self, clock: IReactorTime, known: Mapping[str, Seen] | None = None) -> None:
        self._clock = clock
        self._seen: dict[str, Seen] = {}
        self._changed: set[str] = set()
        self._waiting: list[Deferred[None]] = []
        self.load(known or {})

    @property
    def changed(self) -> bool:
        """Whether there is anything to commit, or anyone who waits for it."""
        return bool(self._changed or self._waiting)

    def load(self, known: Mapping[str, Seen]) -> None:
        """Take over what an earlier daemon committed; what came since has precedence."""
        oldest_first = sorted(known.items(), key=lambda item: item[1].when)
        self._seen = {**dict(oldest_first), **self._seen}

    def highest(self, client: str) -> int | None:
        """Return the highest sequence number that was taken in, None of an unknown client."""
        seen = self._seen.get(client)
        return None if seen is None else seen.sequence

    def take(self, client: str, sequence: int) -> None:
        """Note that all up to a sequence number is taken in."""
        self._seen.pop(client, None)  # so that the dict is in order of when they were seen
        self._seen[client] = Seen(sequence, self._clock.seconds())
        self._changed.add(client)

    def committed(self) -> Deferred[None]:
        """Return a Deferred that fires once all that is taken in by now is committed."""
        waiting: Deferred[None] = Deferred()
        self._waiting.append(waiting)
        return waiting

    def begin(self) -> Commit:
        """Return what is to be committed now."""
        self._forget()
        changed, self._changed = self._changed, set()
        waiting, self._waiting = tuple(self._waiting), []
        seen = {client: self._seen[client] for client in changed if client in self._seen}
        return Commit(seen, frozenset(changed - seen.keys()), waiting)

    def succeed(self, commit: Commit) -> None:
        """Tell all that waited that it is committed."""
        for waiting in commit.waiting:
            waiting.callback(None)

    def fail(self, commit: Commit) -> None:
        """Put back what could not be committed, for the next round."""
        self._changed |= {*commit.seen, *commit.forgotten}
        self._waiting[:0] = commit.waiting

    def commit_all(self) -> None:
        """Have everything in the next round: what was committed is lost."""
        self._changed |= self._seen.keys()

    def _forget(self) -> None:
        """Forget who is too old or too many."""
        oldest = self._clock.seconds() - MAX_AGE
        for client, seen in list(self._seen.items()):
            # The others were seen later yet: the dict is in that order.
            if seen.when >= oldest and len(self._seen) <= MAX_CLIENTS:
                break
            del self._seen[client]
            self._changed.add(client)
