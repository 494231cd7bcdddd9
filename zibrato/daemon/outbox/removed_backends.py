"""What waits in the outboxes' file for backends that are not configured."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from zibrato.daemon.outbox.kept_snapshot import Waiting
from zibrato.daemon.outbox.outbox import MAX_AGE
from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.model import Identity


class RemovedBackends:
    """Keeps snapshots for each backend's key until it is configured again.

    A snapshot is dropped `max_age` seconds after the end of its interval. Nothing is added to what
    waits, so the bound of bytes that it was under still holds.
    """

    _log = Logger()

    def __init__(
        self, clock: IReactorTime, metrics: SelfMetrics, *, max_age: float = MAX_AGE
    ) -> None:
        self._clock = clock
        self._metrics = metrics
        self._max_age = max_age
        self._waiting: dict[str, Sequence[Waiting]] = {}
        self._oldest_end = inf

    def add(self, key: str, waiting: Sequence[Waiting]) -> None:
        """Keep what waits for a backend, and log a warning."""
        self._waiting[key] = waiting
        self._find_oldest()
        self._log.warn(
            "there is no backend {key} now: the {count} measurements that wait for it stay in the "
            "outbox until it is back, or they are {days:g} days old",
            key=key,
            count=_measurements(waiting),
            days=round(self._max_age / 86_400, 2),
        )

    def pop(self, key: str) -> Sequence[Waiting]:
        """Return what waits for a backend that is configured again; empty if nothing does."""
        return self._waiting.pop(key, ())

    def expire(self) -> Sequence[tuple[str, Identity]]:
        """Drop what is too old; return it, to be deleted from the file."""
        before = self._clock.seconds() - self._max_age
        if self._oldest_end >= before:
            return ()
        expired = list[tuple[str, Identity]]()
        for key, waiting in self._waiting.items():
            old = [one for one in waiting if one.kept.end < before]
            self._drop(key, old, "expired")
            self._waiting[key] = [one for one in waiting if one.kept.end >= before]
            expired += [(key, one.kept.identity) for one in old if one.kept.identity is not None]
        self._find_oldest()
        return expired

    def lose_file(self) -> None:
        """Drop everything, because the file turned out to be corrupt."""
        while self._waiting:
            self._drop(*self._waiting.popitem(), "corrupt")

    def _find_oldest(self) -> None:
        ends = (one.kept.end for waiting in self._waiting.values() for one in waiting)
        self._oldest_end = min(ends, default=inf)

    def _drop(self, key: str, waiting: Sequence[Waiting], reason: str) -> None:
        # An outbox counts what it restores as soon as it has it. There was none so far.
        count = _measurements(waiting)
        self._metrics.count("zibrato.outbox.restored", count, backend=key)
        self._metrics.count("zibrato.backend.dropped", count, backend=key, reason=reason)


def _measurements(waiting: Sequence[Waiting]) -> int:
    return sum(one.measurements for one in waiting)
