"""What the Librato backend tells people, each thing once, and whom it leaves out meanwhile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from twisted.logger import Logger

from zibrato.backends.librato.requests import Item

MUTED = 600.0
"""Seconds for which a refused name and source is left out."""
MAX_TOLD = 10_000
_AT_ONCE = 20


class Complaints:
    """The log of what can't arrive, and the mutes; `clock` has the method `seconds`."""

    _log = Logger()

    def __init__(self, backend: str, clock: Any) -> None:
        self._backend = backend
        self._clock = clock
        self._muted: dict[tuple[str, str], float] = {}
        self._told: set[tuple[str, str]] = set()
        self._quiet_until = 0.0

    def mute(self, item: Item, refusal: str) -> None:
        """Leave the name and source of `item` out for a while, and say so."""
        self._muted[item.key] = self._clock.seconds() + MUTED
        self._log.warn(
            "{backend} refuses {name} from {source}: {refusal}; left out for {minutes:.0f} minutes",
            backend=self._backend,
            name=item.name,
            source=item.source,
            refusal=refusal,
            minutes=MUTED / 60,
        )

    def audible(self, items: Sequence[Item]) -> list[Item]:
        """Return the items that are not muted."""
        now = self._clock.seconds()
        self._muted = {key: until for key, until in self._muted.items() if until > now}
        return [item for item in items if item.key not in self._muted] if self._muted else [*items]

    def refused_all(self, names: Sequence[str], refusal: str, measurements: int) -> None:
        """Say that a whole interval is refused, `names` for example; seldom, not each time."""
        now = self._clock.seconds()
        if now >= self._quiet_until:
            self._quiet_until = now + MUTED
            self._log.warn(
                "{backend} refuses all of an interval: {refusal}; {count} measurements are given "
                "up, of {names}",
                backend=self._backend,
                refusal=refusal,
                count=measurements,
                names=", ".join(names[:_AT_ONCE]) or "every name",
            )

    def tell(self, what: str, counts: Counter[str]) -> None:
        """Say `what` happened to the measurements counted by name: each name once, some a time."""
        fresh = [name for name in counts if (what, name) not in self._told][:_AT_ONCE]
        if fresh and len(self._told) < MAX_TOLD:
            self._told.update((what, name) for name in fresh)
            self._log.warn(
                "{backend}: {names}: {what} ({count} measurements)",
                backend=self._backend,
                names=", ".join(map(repr, fresh)),
                what=what,
                count=sum(counts[name] for name in fresh),
            )
