"""The daemon as a Twisted service: starts and stops its parts in order, and closes intervals."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from time import perf_counter

from twisted.application.internet import TimerService
from twisted.application.service import IService, MultiService
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.error import ReactorNotRunning
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from zibrato.daemon.aggregation.aggregator import Aggregator
from zibrato.daemon.backend_set import BackendSet
from zibrato.daemon.health import HealthCheck, set_depth
from zibrato.daemon.intake_set import IntakeSet
from zibrato.daemon.options import Options
from zibrato.daemon.outbox.journal import Journal
from zibrato.daemon.outbox.outbox import Outbox
from zibrato.daemon.process_memory import resident_memory
from zibrato.daemon.reload import Reloader
from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.daemon.signals import Signals
from zibrato.daemon.systemd import Watchdog, notify
from zibrato.descriptors import raise_descriptor_limit
from zibrato.interfaces import IWebService, Reactor
from zibrato.tx.reactor_lag import LagMeter

COMMIT_PERIOD = 1.0
"""Seconds between two commits of what open intervals received."""
GRACE = 0.5
"""Seconds after its end in which an interval still accepts measurements from clients."""


class Daemon(MultiService):
    """The whole daemon: intakes, aggregation, journal, outboxes and backends."""

    _log = Logger()

    def __init__(
        self,
        reactor: Reactor,
        options: Options,
        aggregator: Aggregator,
        metrics: SelfMetrics,
        *,
        intakes: IntakeSet,
        backends: BackendSet,
        flush_lines: Callable[[], object] = lambda: None,
        journal: Journal,
    ) -> None:
        MultiService.__init__(self)
        self._flush_lines = flush_lines
        self.backends = backends
        backends.journal = journal
        self.start_failed: Callable[[OSError], None] | None = None
        self._reactor = reactor
        self._options = options
        self._settings = options.settings
        self._aggregator = aggregator
        self._metrics = metrics
        self._intakes = intakes
        self._journal = journal
        journal.close_open = self._close_open
        self._commits = TimerService(COMMIT_PERIOD, self._commit)
        self._commits.clock = reactor
        self._lag = LagMeter(reactor, reactor.monotonic)
        self.health = self._health_check()
        self._watchdog = Watchdog(options.environment, reactor, lambda: not self._intake_problems())
        self.reloader = Reloader(options, aggregator, backends, intakes)
        self.signals = self._handlers()
        self._adopt_children()
        self._ticker = LoopingCall(self._tick)
        self._ticker.clock = reactor
        self._ticking: Deferred[LoopingCall] | None = None
        self._first_tick: IDelayedCall | None = None
        self._is_stopping = False

    def _adopt_children(self) -> None:
        """Make all parts children, which start and stop with the daemon."""
        # In the order of their start: intakes come last, because they need all other parts.
        children: Sequence[IService] = (
            self._watchdog, self.backends, self._lag, self._commits, self._intakes
        )  # fmt: skip
        for child in children:
            child.setServiceParent(self)

    def _health_check(self) -> HealthCheck:
        return HealthCheck(
            self._metrics,
            self._reactor,
            source=self._settings.source,
            interval=self._settings.flush_interval,
            outboxes=lambda: self.outboxes,
            addresses=self.addresses,
            journal_problem=lambda: self._journal.problem,
            intake_problems=self._intake_problems,
        )

    def _handlers(self) -> Signals:
        actions: Mapping[int, Callable[[], object]] = {
            signal.SIGHUP: self.reload,
            signal.SIGQUIT: self._quit,
            signal.SIGUSR1: self._ignore_usr1,
        }
        wanted = {signal.SIGHUP} if self._options.has_files else ()
        return Signals(self._reactor, actions, wanted)

    @property
    def outboxes(self) -> Sequence[Outbox]:
        """The outboxes of all configured backends."""
        return self.backends.outboxes

    def addresses(self) -> Sequence[str]:
        """Return the addresses where clients reach the daemon."""
        return self._intakes.addresses

    def startService(self) -> None:
        """Start all parts, and the timer that closes intervals; raises OSError."""
        raise_descriptor_limit()
        # First, and until the last commit, because they would kill the process otherwise.
        self.signals.startService()
        try:
            self._journal.open(self._aggregator.restore)
            MultiService.startService(self)
        except OSError as error:
            # Intakes that listen already must release their addresses; nothing else stops them.
            services: Sequence[IService] = self._intakes.intakes
            for intake in services:
                intake.stopService()
            self.signals.stopService()
            if self.start_failed is not None:
                self.start_failed(error)
            raise
        self._journal.resume()
        self.reloader.tell()
        interval = self._settings.flush_interval
        wait = (GRACE - self._reactor.seconds()) % interval
        self._first_tick = self._reactor.callLater(wait, self._start_ticking)
        # systemd is told later: until the reactor runs, nothing that arrives is read.
        self._reactor.callWhenRunning(self._running)

    def show_page(self, page: IWebService) -> None:
        """Start, reload and stop the service of a backend's page together with the daemon."""
        child: IService = page
        child.setServiceParent(self)
        self.reloader.pages.append(page)

    def stopService(self) -> Deferred[None]:
        """Stop in order: intakes, last interval, deliveries until the deadline, everything else."""
        return Deferred.fromCoroutine(self._stop())

    def reload(self) -> None:
        """Read the configuration again and take it over; an error changes nothing.

        During a stop only secrets, for the last deliveries: a new socket would lose what it gets.
        """
        if self._is_stopping:
            self._log.info("the daemon is stopping: only secrets are reloaded")
            self.reloader.reload_secrets()
        else:
            self.reloader.reload()

    def _ignore_usr1(self) -> None:
        """Log that USR1 is ignored; twistd handles it only with a log file, else it would kill."""
        self._log.info("USR1 is ignored: there is no log file to reopen; HUP reloads")

    def clock_stepped(self, seconds: float) -> None:
        """Close all open intervals after a clock step, so that none waits for its end again."""
        self._metrics.count("zibrato.clock.steps")
        self._log.warn(
            "the clock was set {direction} by {seconds:.1f} s; open intervals are closed",
            direction="forward" if seconds > 0 else "back",
            seconds=abs(seconds),
        )
        self._close_open()

    def _close_open(self) -> None:
        self._flush(float("inf"), self._reactor.seconds())

    def _running(self) -> None:
        notify(self._options.environment, "READY=1")

    def _intake_problems(self) -> Sequence[str]:
        """Return why no measurements can arrive; nothing during a stop, when that is intended."""
        intakes = () if self._is_stopping else self._intakes.intakes
        return [problem for intake in intakes if (problem := intake.problem()) is not None]

    def _quit(self) -> None:
        with suppress(ReactorNotRunning):  # repeated signals don't speed up the stop
            self._reactor.stop()

    def _start_ticking(self) -> None:
        self._ticking = self._ticker.start(self._settings.flush_interval)

    def _tick(self) -> None:
        """Close the intervals that have ended; an error doesn't stop the next tick."""
        try:
            interval = self._settings.flush_interval
            # A tick is due `GRACE` after the end of an interval. A tick that is early by less than
            # half of that gives the same boundary. Self-metrics are as of the interval's middle.
            boundary = (self._reactor.seconds() - GRACE / 2) // interval * interval
            self._flush(boundary, boundary - interval / 2)
            self._watchdog.tell(self.health.report)
        except Exception:
            self._log.failure("closing an interval failed")

    def _flush(self, before: float, when: float) -> None:
        """Hand on the intervals that ended by `before`, with the self-metrics as of `when`."""
        began = perf_counter()
        # Lines and self-metrics come first, because later they would open the interval again.
        self._flush_lines()
        self._report(when)
        self._journal.put(self._aggregator.close(before))
        self._metrics.gauge("zibrato.flush.duration", perf_counter() - began)

    def _commit(self) -> None:
        """Commit what is new, including gathered lines."""
        self._flush_lines()
        self._journal.tick()

    def _report(self, when: float) -> None:
        metrics = self._metrics
        open_series = self._aggregator.open_series  # before self-metrics are among them
        metrics.gauge("zibrato.series", open_series)
        lag = self._lag.take()
        metrics.gauge("zibrato.reactor.lag", lag)
        memory = resident_memory()
        if memory is not None:
            metrics.gauge("zibrato.process.resident_memory", memory)
        for outbox in (*self.outboxes, *self.backends.removed_outboxes):
            set_depth(metrics, outbox.health())
        batch = metrics.batch(when)
        self._aggregator.add_own(batch, self._reactor.seconds())
        own = len(batch.counters) + len(batch.gauges)
        self.health.sample(own, open_series, lag)

    async def _stop(self) -> None:
        self._is_stopping = True
        notify(self._options.environment, "STOPPING=1")
        if self._first_tick is not None and self._first_tick.active():
            self._first_tick.cancel()
        if self._ticking is not None and self._ticker.running:
            self._ticker.stop()
            await self._ticking
        # Clients won't send again what the sockets hold, so it has to be in the last interval.
        await self.reloader.idle()
        await self._intakes.drain()
        self._close_open()
        self.reloader.reload_secrets()
        await self._journal.idle()
        await self._deliver_rest()
        # Last, because it stops all children at once, and the deliveries above need them.
        await MultiService.stopService(self)
        await self._journal.stop()
        self.signals.stopService()

    async def _deliver_rest(self) -> None:
        """Wait for the outboxes to deliver, at most for `--stop-timeout`."""
        timeout = self.reloader.settings.stop_timeout
        outboxes = self.backends.delivering
        waiting = [outbox.drained().addTimeout(timeout, self._reactor) for outbox in outboxes]
        await gatherResults([drained.addErrback(lambda _: None) for drained in waiting])
