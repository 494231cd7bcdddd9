"""What people are told of what can't arrive, each thing once, and what is muted meanwhile."""

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
"""Names that are remembered as logged; once there are so many, there is nothing new to learn."""
_NAMES_A_LINE = 20


class Named(Protocol):
    """What can be rejected, and is muted by its `key`."""

    @property
    def name(self) -> str:
        """The metric's name."""

    @property
    def source(self) -> str:
        """Where it is from."""

    @property
    def key(self) -> Hashable:
        """What a backend tells it from others by."""


N = TypeVar("N", bound=Named)


class RejectionLog:
    """The log of what `backend` can't deliver, and the mutes."""

    _log = Logger()

    def __init__(self, backend: str, reactor: Reactor) -> None:
        self._backend = backend
        self._reactor = reactor
        self._muted: dict[Hashable, float] = {}
        self._logged: set[tuple[str, str]] = set()
        self._quiet_until = 0.0

    def mute(self, item: Named, reason: str) -> None:
        """Leave what has the key of `item` out for a while, and say so."""
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
        """Say that a whole interval is rejected, `names` among it; seldom, not each time."""
        self._tell("a whole interval", names, reason, measurements)

    def rejected_some(self, names: Sequence[str], reason: str, measurements: int) -> None:
        """Say that something of a request is rejected, whose `names` these are; seldom."""
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
        """Say `what` happened to the measurements counted by name: each name once, some a time."""
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
