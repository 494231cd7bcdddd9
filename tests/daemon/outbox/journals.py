"""A journal with its file and outboxes, which can crash and be started again."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from tests.daemon.outbox.outboxes import FakeBackend
from tests.fake_reactor import FakeReactor
from zibrato.daemon.aggregation.aggregator import Aggregator
from zibrato.daemon.aggregation.receiver import Receiver
from zibrato.daemon.outbox.client_sequences import ClientSequences
from zibrato.daemon.outbox.disk import OutboxDisk
from zibrato.daemon.outbox.journal import Journal
from zibrato.daemon.outbox.outbox import Outbox
from zibrato.daemon.outbox.removed_backends import RemovedBackends
from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.daemon.series_filter import ALL, SeriesFilter
from zibrato.threads import Inline

NOW = 1_700_000_000.0


class Running:
    """A daemon's parts from what it receives to its backends; work in threads is done at once."""

    def __init__(
        self,
        clock: FakeReactor,
        path: Path | None,
        backends: dict[str, FakeBackend],
        filters: dict[str, SeriesFilter] | None = None,
        max_file_bytes: int = 1 << 30,
    ) -> None:
        self.clock = clock
        self.metrics = SelfMetrics()
        self.outboxes = {}
        for name, backend in backends.items():
            backend.name = name
            self.outboxes[name] = Outbox(
                backend,
                clock,
                self.metrics,
                wanted=(filters or {}).get(name, ALL),
                jitter=lambda: 1.0,
                max_file_bytes=max_file_bytes,
            )
        self.aggregator = Aggregator(self.metrics, interval=10.0, source="here", max_series=1000)
        self.sequences = ClientSequences(clock)
        disk = OutboxDisk(clock, path) if path else None
        outboxes = list(self.outboxes.values())
        removed = RemovedBackends(clock, self.metrics)
        self.journal = Journal(self.sequences, outboxes, removed, Inline(), disk)
        receiver = Receiver(self.aggregator, self.metrics, clock, self.journal.note)
        self.receive, self.flush_lines = receiver.receive, receiver.flush
        self.journal.close_open = lambda: self.journal.put(self.aggregator.close(float("inf")))
        self.journal.open(self.aggregator.restore)
        self.journal.resume()

    def count(self, value: int = 1, level: str = "info", name: str = "c") -> None:
        """Receive a counter."""
        self.receive([f"{level}|counter|{name}|{value}".encode()])
        self.flush_lines()

    def flush(self) -> None:
        """Close the interval."""
        self.clock.advance(10)
        self.journal.put(self.aggregator.close(self.clock.seconds()))

    def total(self, name: str, **tags: str) -> int:
        """Return what was counted of a series."""
        return self.metrics.total(f"zibrato.{name}", **tags)

    def crash(self) -> None:
        """Let go of everything, as the kernel does of a killed process."""
        disk = self.journal._disk
        if disk is not None and disk._file is not None:
            disk._file._connection.close()
        for outbox in self.outboxes.values():
            outbox._shipping.is_stopped = True


class JournalCase(SynchronousTestCase):
    """A journal with a file and one backend."""

    def setUp(self) -> None:
        directory = TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = Path(directory.name, "outbox")
        self.clock = FakeReactor()
        self.clock.advance(NOW)
        self.backend = FakeBackend()
        self.running = self.start()

    def start(self) -> Running:
        self.running = Running(self.clock, self.path, {"fake": self.backend})
        return self.running

    def restart(self) -> Running:
        self.running.crash()
        return self.start()

    def stop(self) -> Deferred[None]:
        async def stop() -> None:
            for outbox in self.running.outboxes.values():
                await outbox.stopService()
            await self.running.journal.stop()

        return Deferred.fromCoroutine(stop())

    def logged(self, act: object) -> list[str]:
        assert callable(act)
        with capturedLogs() as events:
            act()
        return [str(formatEvent(event)) for event in events]
