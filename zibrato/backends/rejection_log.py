"""Log what a backend can't deliver, each thing once, and mute it for a while."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Protocol, TypeVar

from twisted.logger import Logger

from zibrato.interfaces import Reactor
from zibrato.printable import printable

__all__ = ["MAX_LOGGED", "MUTED", "Named", "RejectionLog"]

MUTED = 600.0
"""Seconds for which a rejected name and source is left out."""
MAX_LOGGED = 10_000
"""Names that are remembered as logged; when there are so many, no more are logged."""
_NAMES_A_LINE = 20


class Named(Protocol):
    """Something that can be rejected, and is then muted by its `key`."""

    @property
    def name(self) -> str:
        """The metric's name."""

    @property
    def source(self) -> str:
        """The source that the measurements are from."""

    @property
    def key(self) -> Hashable:
        """What identifies it to the backend."""


N = TypeVar("N", bound=Named)


class RejectionLog:
    """Logs what `backend` can't deliver, and knows what is muted."""

    _log = Logger()

    def __init__(self, backend: str, reactor: Reactor) -> None:
        self._backend = backend
        self._reactor = reactor
        self._muted: dict[Hashable, float] = {}
        self._logged: set[tuple[str, str]] = set()
        self._quiet_until = 0.0

    def mute(self, item: Named, reason: str) -> None:
        """Leave out items with the key of `item` for a while, and log that."""
        self._muted[item.key] = self._reactor.monotonic() + MUTED
        self._log.warn(
            "{backend} rejects {name} from {source}: {reason}; muted for {minutes:.0f} minutes",
            backend=self._backend,
            name=printable(item.name),
            source=printable(item.source),
            reason=reason,
            minutes=MUTED / 60,
        )

    def unmuted(self, items: Sequence[N]) -> list[N]:
        """Return the items that are not muted."""
        now = self._reactor.monotonic()
        self._muted = {key: until for key, until in self._muted.items() if until > now}
        return [item for item in items if item.key not in self._muted]

    def rejected_all(self, names: Sequence[str], reason: str, measurements: int) -> None:
        """Log, at intervals, that a whole interval is rejected; `names` are among it."""
        self._tell("a whole interval", names, reason, measurements)

    def rejected_some(self, names: Sequence[str], reason: str, measurements: int) -> None:
        """Log, at intervals, that a part of a request is rejected; `names` are in the request."""
        self._tell("a part of a request", names, reason, measurements)

    def _tell(self, what: str, names: Sequence[str], reason: str, measurements: int) -> None:
        now = self._reactor.monotonic()
        if now >= self._quiet_until:
            self._quiet_until = now + MUTED
            self._log.warn(
                "{backend} rejects {what}: {reason}; {count} measurements are dropped, "
                "for example of {names}",
                backend=self._backend,
                what=what,
                reason=reason,
                count=measurements,
                names=", ".join(map(printable, names[:_NAMES_A_LINE])),
            )

    def log_once(self, what: str, counts: Counter[str]) -> None:
        """Log `what` happened to measurements, counted by name: each name once, a few at a time."""
        fresh = [name for name in counts if (what, name) not in self._logged][:_NAMES_A_LINE]
        if fresh and len(self._logged) < MAX_LOGGED:
            self._logged.update((what, name) for name in fresh)
            self._log.warn(
                "{backend}: {names}: {what} ({count} measurements)",
                backend=self._backend,
                names=", ".join(map(repr, fresh)),
                what=what,
                count=sum(counts[name] for name in fresh),
            )
