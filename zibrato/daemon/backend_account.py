"""Counts and logs whether a backend's measurements were delivered or dropped."""

from __future__ import annotations

from twisted.logger import Logger

from zibrato.daemon.self_metrics import SelfMetrics


class BackendAccount:
    """Counts in self-metrics with the tag `backend=name`, and warns once for each reason."""

    _log = Logger()

    def __init__(self, metrics: SelfMetrics, name: str) -> None:
        self._metrics = metrics
        self._name = name
        self._warned: set[str] = set()

    @property
    def delivered(self) -> int:
        """The number of measurements delivered since the start."""
        return self._metrics.total("zibrato.backend.delivered", backend=self._name)

    @property
    def dropped(self) -> dict[str, int]:
        """The number of measurements dropped since the start, by reason."""
        return self._metrics.by_reason("zibrato.backend.dropped", backend=self._name)

    def count(self, name: str, value: int = 1, **tags: str) -> None:
        """Add `value` to the counter `name`."""
        self._metrics.count(name, value, backend=self._name, **tags)

    def note(self, measurements: int, reason: str | None) -> None:
        """Count measurements as dropped for `reason`, or as delivered if it is None."""
        if reason is None:
            self.count("zibrato.backend.delivered", measurements)
        else:
            self.count("zibrato.backend.dropped", measurements, reason=reason)

    def warn_once(self, reason: str, text: str, delay: float = 0.0) -> None:
        """Log `text`, once for each reason until `forget`."""
        if reason not in self._warned:
            self._warned.add(reason)
            self._log.warn(text, backend=self._name, reason=reason, delay=delay)

    def forget(self) -> None:
        """Let `warn_once` warn again for each reason."""
        self._warned.clear()
