"""Self-metrics: the daemon's own series `zibrato.*`, which are aggregated like all others."""

from __future__ import annotations

from array import array
from collections import defaultdict

from zibrato.interfaces import SelfMetric
from zibrato.model import COUNTER, GAUGE, MAX_COUNT, Tags
from zibrato.wire import VERSION, Batch, CounterRow, SampleRow, pack

_Key = tuple[str, Tags]
_RECEIVED: _Key = ("zibrato.intake.received", ())


class SelfMetrics:
    """Counters since the start (`totals`), and the latest values of gauges.

    Counters are unbounded, so that the account adds up; outside the daemon they stay at
    `MAX_COUNT`. A series with a tag `reason` counts losses, and has level warning; all others have
    level info.
    """

    def __init__(self) -> None:
        self._totals: defaultdict[_Key, int] = defaultdict(int)  # a Counter is three times slower
        self._received = 0
        self._reported: dict[_Key, int] = {}
        self._gauges: dict[_Key, float] = {}
        self._sequence = 0

    @property
    def totals(self) -> defaultdict[_Key, int]:
        """The counters since the start, by name and tags."""
        received, self._received = self._received, 0
        if received:
            self._totals[_RECEIVED] += received
        return self._totals

    def count(self, name: str, value: int = 1, **tags: str) -> None:
        """Add `value` to the counter `name` with `tags`."""
        self._totals[name, tuple(sorted(tags.items())) if tags else ()] += value

    def received(self, count: int) -> None:
        """Add to the counter of received measurements; quick, because each batch calls it."""
        self._received += count

    def rejected(self, count: int, reason: str) -> None:
        """Count measurements that are rejected as invalid input."""
        self.count("zibrato.intake.rejected", count, reason=reason)

    def dropped(self, count: int, reason: str) -> None:
        """Count valid measurements that are not aggregated, if there are any."""
        if count:
            self.count("zibrato.intake.dropped", count, reason=reason)

    def gauge(self, name: str, value: float, **tags: str) -> None:
        """Set the gauge `name` with `tags`."""
        self._gauges[name, tuple(sorted(tags.items()))] = value

    def total(self, name: str, **tags: str) -> int:
        """Return the count of `name` since the start, over all series with these `tags`."""
        wanted = set(tags.items())
        return sum(
            count
            for (counted, having), count in self.totals.items()
            if counted == name and wanted.issubset(having)
        )

    def by_reason(self, *names: str, **tags: str) -> dict[str, int]:
        """Return the counts of `names` since the start, by their tag `reason`."""
        counts: dict[str, int] = {}
        for (name, having), count in self.totals.items():
            if name in names and set(tags.items()).issubset(having):
                reason = dict(having).get("reason", "")
                counts[reason] = counts.get(reason, 0) + count
        return counts

    def current(self) -> list[SelfMetric]:
        """Return the current value of every self-metric."""
        totals = self.totals.items()
        counters = [SelfMetric(COUNTER, *key, min(count, MAX_COUNT)) for key, count in totals]
        gauges = [SelfMetric(GAUGE, *key, value) for key, value in self._gauges.items()]
        return [*counters, *gauges]

    def batch(self, when: float) -> Batch:
        """Return the counts since the last batch, and the gauges, as of the Unix time `when`.

        Each count is sent as one increment. Otherwise the number of measurements that the daemon
        receives from itself would double with every interval.
        """
        before, self._reported = self._reported, dict(self.totals)
        fresh = {key: count - before.get(key, 0) for key, count in self._reported.items()}
        self._sequence += 1
        counters = [
            CounterRow(name, _level(tags), None, dict(tags), 1, count)
            for (name, tags), count in fresh.items()
            if count > 0
        ]
        gauges = [
            SampleRow(name, _level(tags), None, dict(tags), pack(array("d", (value,))))
            for (name, tags), value in self._gauges.items()
        ]
        return Batch(VERSION, "zibrato", self._sequence, when, when, counters, (), gauges)


def _level(tags: Tags) -> str:
    return "warning" if any(name == "reason" for name, _ in tags) else "info"
