"""An outbox in front of a backend that does what a test says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from zibrato.daemon.health import set_depth
from zibrato.daemon.outbox.kept_snapshot import KeptSnapshot
from zibrato.daemon.outbox.outbox import Outbox
from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.interfaces import Delivery, IBackend, RetryLater
from zibrato.model import COUNTER, Identity, Series, Snapshot, Summary
from zibrato.wire import unpack


def snapshot(start: float, count: int = 1, level: str = "info") -> Snapshot:
    series = Series(COUNTER, "requests", "here", (), level)
    return Snapshot(start, start + 10, {series: Summary(count, float(count))})


@implementer(IBackend)
class FakeBackend:
    """Does with each delivery what `answer` says.

    `given` are the starts of all snapshots that it got, `identities` what they are called, and
    `together` how many each delivery had.
    """

    name = "fake"

    def __init__(self) -> None:
        self.given: list[float] = []
        self.together: list[int] = []
        self.identities: list[Identity | None] = []
        self.stopped = 0
        self.answer: Callable[[Delivery], Deferred[None]] = self.take

    def take(self, delivery: Delivery) -> Deferred[None]:
        delivery.delivered(delivery.pending)
        return succeed(None)

    def deliver(self, delivery: Delivery) -> Deferred[None]:
        self.together.append(len(delivery.snapshots))
        self.identities += delivery.identities
        self.given.extend(snapshot.start for snapshot in delivery.snapshots)
        return self.answer(delivery)

    def reload(self, settings: Mapping[str, str]) -> None:
        raise NotImplementedError

    def stop(self) -> Deferred[None]:
        self.stopped += 1
        return succeed(None)


def postpone(reason: str = "away", after: float = 0.0) -> Callable[[Delivery], Deferred[None]]:
    return lambda _delivery: fail(RetryLater(reason, after))


class PutOutbox(Outbox):
    """One that can be given a snapshot without a journal."""

    def put(self, snapshot: Snapshot) -> None:
        """Queue a snapshot that is in memory alone."""
        kept = KeptSnapshot.of(snapshot)
        kept.size = kept.memory
        self.append(kept, self.filter)


class OutboxCase(SynchronousTestCase):
    """An outbox with no jitter in front of a FakeBackend."""

    def setUp(self) -> None:
        self.backend = FakeBackend()
        self.clock = Clock()
        self.metrics = SelfMetrics()
        self.outbox = self.make()

    def make(self, **options: Any) -> PutOutbox:
        options.setdefault("jitter", lambda: 1.0)
        outbox = PutOutbox(self.backend, self.clock, self.metrics, **options)
        outbox.startService()
        return outbox

    def total(self, name: str, **tags: str) -> int:
        return self.metrics.total(f"zibrato.{name}", backend="fake", **tags)

    def assert_account(self, delivered: int, pending: int, dropped: int) -> None:
        self.assertEqual(self.total("backend.delivered"), delivered)
        self.assertEqual(self.outbox.pending, pending)
        self.assertEqual(self.total("backend.dropped"), dropped)
        self.assertEqual(self.total("outbox.accepted"), delivered + pending + dropped)

    def logged(self, act: Callable[[], object]) -> list[str]:
        with capturedLogs() as events:
            act()
        return [str(formatEvent(event)) for event in events]

    def gauge(self, name: str) -> float:
        set_depth(self.metrics, self.outbox.health())
        (row,) = [row for row in self.metrics.batch(0).gauges if row.name == name]
        return unpack(row.samples)[0]
