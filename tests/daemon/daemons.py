"""A daemon on a Clock, with intakes that a test fills."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from twisted.application.service import Service
from twisted.internet.defer import Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from tests.fake_reactor import FakeReactor
from zibrato.backends.memory import MemoryBackend
from zibrato.daemon.aggregation.aggregator import Aggregator
from zibrato.daemon.aggregation.receiver import Receiver
from zibrato.daemon.backend_set import BackendSet
from zibrato.daemon.intake_set import IntakeSet
from zibrato.daemon.options import Options
from zibrato.daemon.outbox.client_sequences import ClientSequences
from zibrato.daemon.outbox.journal import Journal
from zibrato.daemon.outbox.removed_backends import RemovedBackends
from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.daemon.service import Daemon
from zibrato.interfaces import BackendContext, IIntake
from zibrato.model import Series, Snapshot, Summary
from zibrato.threads import Inline


@implementer(IIntake)
class FakeIntake(Service):
    """Hands over `late` frames when it is drained, once `drained` fires."""

    addresses = ()

    def __init__(self, receive: Callable[[Sequence[bytes]], None]) -> None:
        self.receive = receive
        self.late: list[bytes] = []
        self.wrong: str | None = None
        self.drained: Deferred[None] = succeed(None)

    def drain(self) -> Deferred[None]:
        """Hand over what is late."""
        return self.drained.addCallback(self._hand_over)

    def reload(self) -> None:
        """Have nothing to read."""

    def problem(self) -> str | None:
        """Return what a test says."""
        return self.wrong

    def _hand_over(self, _drained: None) -> None:
        self.receive(self.late)


class DaemonCase(SynchronousTestCase):
    """A daemon with fake intakes: frames are handed to `receive`."""

    def make(self, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
        """Start a daemon at time 1,000 with an interval of 10 seconds."""
        self.clock = FakeReactor()
        self.clock.advance(1000)
        options = Options(environment or {})
        options.parseOptions(["--source", "here", "--backend", "memory", *arguments])
        self.metrics = SelfMetrics()
        context = BackendContext(self.clock, ())
        backends = BackendSet(context, self.metrics, options.settings.backends)
        (backend,) = backends.backends
        assert isinstance(backend, MemoryBackend)
        self.backend = backend
        self.aggregator = Aggregator(
            self.metrics,
            interval=options.settings.flush_interval,
            source=options.settings.source,
            levels=options.settings.levels,
            max_series=options.settings.max_series,
        )
        receiver = Receiver(self.aggregator, self.metrics, self.clock)
        self.receive, self.flush_lines = receiver.receive, receiver.flush
        self.intakes = [FakeIntake(self.receive) for _ in range(2)]
        self.options = options
        removed = RemovedBackends(self.clock, self.metrics)
        journal = Journal(ClientSequences(self.clock), backends.outboxes, removed, Inline())
        self.daemon = Daemon(
            self.clock,
            options,
            self.aggregator,
            self.metrics,
            intakes=IntakeSet(lambda *_: {}, options.settings, self.intakes),
            backends=backends,
            flush_lines=receiver.flush,
            journal=journal,
        )
        self.daemon.startService()
        self.addCleanup(self.stop)

    def pass_time(self, seconds: float) -> None:
        """Let time pass in small steps."""
        self.clock.pump([0.1] * round(seconds * 10))

    def stop(self) -> None:
        """Stop the daemon, in as much time as it takes."""
        if self.daemon.running:
            stopping = self.daemon.stopService()
            self.pass_time(20)
            self.successResultOf(stopping)

    def summaries(self, name: str) -> list[tuple[float, Series, Summary]]:
        """Return what was shipped of the name: interval start, series, summary."""
        snapshots: Sequence[Snapshot] = self.backend.snapshots
        return [
            (snapshot.start, series, summary)
            for snapshot in snapshots
            for series, summary in snapshot.summaries.items()
            if series.name == name
        ]
