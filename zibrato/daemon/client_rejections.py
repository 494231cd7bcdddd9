"""Counts clients that were refused before they could send, and logs one of them per interval."""

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from zibrato.daemon.self_metrics import SelfMetrics


class ClientRejections:
    """Counts refused clients by reason; logs the first in each interval of `interval` seconds."""

    _log = Logger()

    def __init__(self, metrics: SelfMetrics, clock: IReactorTime, interval: float) -> None:
        self._metrics = metrics
        self._clock = clock
        self._interval = interval
        self._logged = float("-inf")

    def reject(self, reason: str, text: str) -> None:
        """Count one client; `reason` is one word, and `text` for the log says who or why."""
        # It is counted as one received and rejected measurement, so that the account adds up.
        self._metrics.count("zibrato.intake.received")
        self._metrics.rejected(1, reason)
        began = self._clock.seconds() // self._interval
        if began != self._logged:
            self._logged = began
            self._log.warn(
                "rejected a client: {text}; others in this interval are not logged", text=text
            )
