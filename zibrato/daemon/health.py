"""Reports the daemon's health for `/health`, `zibrato status` and systemd's status line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol

from zibrato import __version__
from zibrato.daemon.process_memory import resident_memory
from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.health import CRITICAL, WARNING, BackendHealth, Health, Problem, worst
from zibrato.interfaces import Reactor

FAILING = 60.0
FAILING_LONG = 300.0
"""Seconds of failing deliveries after which a backend is a warning, or critical."""
FULL, NEARLY_LOST = 0.5, 0.9
"""Fractions of an outbox's bounds, in bytes or age, from which it is a warning, or critical."""
LATE, VERY_LATE = 1.0, 5.0
"""Seconds of the reactor's lag from which it is a warning, or critical."""
LOSSES = ("zibrato.intake.dropped", "zibrato.backend.dropped", "zibrato.store.dropped")


class HasHealth(Protocol):
    """What the health check needs of an outbox."""

    def health(self) -> BackendHealth:
        """Return the health of the outbox and its backend."""


class Counts(NamedTuple):
    """Numbers of measurements: since the start, or in one interval."""

    received: int
    rejected: int
    dropped: int

    def since(self, before: Counts) -> Counts:
        """Return the difference to the earlier counts `before`."""
        return Counts(*(now - then for now, then in zip(self, before, strict=True)))


class HealthCheck:
    """Samples the daemon's counts once an interval, and looks at everything else when asked.

    `journal_problem` returns why the outboxes' file can't be written; None if it can.
    `intake_problems` returns why no measurements can arrive.
    """

    def __init__(
        self,
        metrics: SelfMetrics,
        reactor: Reactor,
        *,
        source: str,
        interval: float,
        outboxes: Callable[[], Sequence[HasHealth]],
        addresses: Callable[[], Sequence[str]],
        journal_problem: Callable[[], str | None],
        intake_problems: Callable[[], Sequence[str]],
    ) -> None:
        self._metrics = metrics
        self._reactor = reactor
        self._source = source
        self._interval = interval
        self._outboxes = outboxes
        self._addresses = addresses
        self._journal_problem = journal_problem
        self._intake_problems = intake_problems
        self._started = reactor.seconds()
        self._before = Counts(0, 0, 0)
        self._sampled = reactor.monotonic()
        self._last: Counts | None = None
        self._seconds = 1.0
        self.series = 0
        self.lag = 0.0

    def sample(self, own: int, series: int, lag: float) -> None:
        """Sample the counts at the end of an interval, without its `own` self-metrics."""
        now, counts = self._reactor.monotonic(), self._counts()
        last = counts.since(self._before)
        self._last = last._replace(received=max(last.received - own, 0))
        # After a clock step an interval is closed when the step is noticed, maybe at once.
        self._seconds = max(now - self._sampled, 1e-3)
        self._before, self._sampled = counts, now
        self.series, self.lag = series, lag

    def report(self) -> Health:
        """Return the daemon's health as of now."""
        backends = [outbox.health() for outbox in self._outboxes()]
        now = self._reactor.seconds()
        problems = [*self._problems(), *(one for b in backends for one in problems_of(b, now))]
        received, rejected, dropped = self._rates()
        return Health(
            status=worst(problems),
            problems=problems,
            version=__version__,
            source=self._source,
            now=now,
            started=self._started,
            interval=self._interval,
            addresses=[*self._addresses()],
            received=self._metrics.total("zibrato.intake.received"),
            rejected=self._metrics.by_reason("zibrato.intake.rejected"),
            dropped=self._metrics.by_reason(*LOSSES),
            received_rate=received,
            rejected_rate=rejected,
            dropped_rate=dropped,
            series=self.series,
            memory=resident_memory(),
            lag=self.lag,
            backends=backends,
        )

    def _problems(self) -> Iterator[Problem]:
        """Generate the problems of the daemon itself."""
        for problem in self._intake_problems():
            yield Problem(CRITICAL, problem)
        if (reason := self._journal_problem()) is not None:
            text = f"the outbox's file can't be written: {reason}; new intervals are in memory only"
            yield Problem(CRITICAL, text)
        if self.lag >= LATE:
            severity = CRITICAL if self.lag >= VERY_LATE else WARNING
            yield Problem(severity, f"the reactor was late by {self.lag:.1f} s")
        if self._last is None:
            return
        received, rejected, dropped = self._last
        if rejected and rejected >= received:
            yield Problem(
                CRITICAL, f"all of the {received:,} measurements of the last interval are rejected"
            )
        elif rejected:
            text = f"{rejected:,} of {received:,} measurements of the last interval are rejected"
            yield Problem(WARNING, text)
        if dropped:
            yield Problem(WARNING, f"{dropped:,} measurements were dropped in the last interval")

    def _rates(self) -> Sequence[float | None]:
        if self._last is None:
            return (None, None, None)
        return [count / self._seconds for count in self._last]

    def _counts(self) -> Counts:
        total = self._metrics.total
        dropped = sum(total(name) for name in LOSSES)
        return Counts(total("zibrato.intake.received"), total("zibrato.intake.rejected"), dropped)


def set_depth(metrics: SelfMetrics, backend: BackendHealth) -> None:
    """Set the self-metrics of an outbox's depth, in intervals and bytes."""
    metrics.gauge("zibrato.outbox.snapshots", backend.intervals, backend=backend.name)
    metrics.gauge("zibrato.outbox.bytes", backend.size, backend=backend.name)


def problems_of(backend: BackendHealth, now: float) -> Iterator[Problem]:
    """Generate the problems of a backend and its outbox."""
    name = backend.name
    if backend.failing_since is not None:
        seconds = now - backend.failing_since
        if seconds >= FAILING:
            severity = CRITICAL if seconds >= FAILING_LONG else WARNING
            yield Problem(severity, f"{name} can't deliver for {seconds:.0f} s: {backend.error}")
    size = backend.size / backend.max_size
    if size >= FULL:
        severity = CRITICAL if size >= NEARLY_LOST else WARNING
        text = f"the outbox of {name} is at {size:.0%} of its bound; past it the oldest is dropped"
        yield Problem(severity, text)
    age = 0.0 if backend.oldest is None else (now - backend.oldest) / backend.max_age
    if age >= FULL:
        severity = CRITICAL if age >= NEARLY_LOST else WARNING
        text = f"the oldest interval for {name} is at {age:.0%} of the age that drops it"
        yield Problem(severity, text)
