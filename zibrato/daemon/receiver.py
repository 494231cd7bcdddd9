"""What every intake hands its frames to: from bytes to the aggregator, whatever they hold."""

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from zibrato.daemon.aggregation import Aggregator
from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.wire import decode


class Receiver:
    """Decodes frames and has their batches aggregated, as of the clock's time."""

    _log = Logger()

    def __init__(self, aggregator: Aggregator, metrics: SelfMetrics, clock: IReactorTime) -> None:
        self._aggregator = aggregator
        self._metrics = metrics
        self._clock = clock
        self._quiet_until = 0.0

    def receive(self, frame: bytes) -> None:
        """Take one frame in, whatever it holds; never raises.

        What can't be read is counted by reason. So is what runs into a bug: that must cost one
        frame, not the intake, which may be a reader that the reactor drops at an exception.
        """
        now = self._clock.seconds()
        try:
            decoded = decode(frame, now)
            for reason, count in decoded.rejected.items():
                self._reject(count, reason)
            for batch in decoded.batches:
                self._aggregator.add(batch, now)
        except Exception:
            self._reject(1, "fault")
            self._log_failure(now)

    def _reject(self, count: int, reason: str) -> None:
        self._metrics.count("zibrato.intake.received", count)
        self._metrics.count("zibrato.intake.rejected", count, reason=reason)

    def _log_failure(self, now: float) -> None:
        """Log the traceback, once an interval at most: a sender may repeat itself at any rate."""
        interval = self._aggregator.interval
        if not now < self._quiet_until <= now + interval:  # which also tells of a clock set back
            self._quiet_until = now // interval * interval + interval
            self._log.failure("a frame could not be taken in; more this interval go unlogged")
