"""Clients that were turned away before they could send: counted, and told of once an interval."""

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from zibrato.daemon.self_metrics import SelfMetrics


class ClientRejections:
    """Counts them by reason, and logs the first of an interval of so many seconds."""

    _log = Logger()

    def __init__(self, metrics: SelfMetrics, clock: IReactorTime, interval: float) -> None:
        self._metrics = metrics
        self._clock = clock
        self._interval = interval
        self._logged = float("-inf")

    def reject(self, reason: str, text: str) -> None:
        """Count one; `text` says of whom, or why, what the reason of one word doesn't."""
        # As a measurement that was rejected, so that the account adds up.
        self._metrics.count("zibrato.intake.received")
        self._metrics.rejected(1, reason)
        began = self._clock.seconds() // self._interval
        if began != self._logged:
            self._logged = began
            self._log.warn("rejected a client: {text}; more this interval go unlogged", text=text)
