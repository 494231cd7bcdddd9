"""What the daemon measures of itself: the `zibrato.*` series, on the same path as all others."""

from __future__ import annotations

from array import array
from collections import defaultdict

from zibrato.interfaces import SelfMetric
from zibrato.model import COUNTER, GAUGE, MAX_COUNT, Tags
from zibrato.wire import VERSION, Batch, CounterRow, SampleRow, pack

_Key = tuple[str, Tags]
_RECEIVED: _Key = ("zibrato.intake.received", ())


class SelfMetrics:
    """Counts since the start (`totals`) and the newest gauges.

    Counts have no bound, so that the account adds up; those that leave the daemon stay at
    `MAX_COUNT`, then. What has a `reason` among its tags is a loss and goes out at level warning,
    all else at info.
    """

    def __init__(self) -> None:
        self._totals: defaultdict[_Key, int] = defaultdict(int)  # a Counter takes thrice as long
        self._received = 0
        self._reported: dict[_Key, int] = {}
        self._gauges: dict[_Key, float] = {}
        self._sequence = 0

    @property
    def totals(self) -> defaultdict[_Key, int]:
        """The counts since the start, by name and tags."""
        received, self._received = self._received, 0
        if received:
            self._totals[_RECEIVED] += received
        return self._totals

    def count(self, name: str, value: int = 1, **tags: str) -> None:
        """Add `value` to the counter `name` with `tags`."""
        self._totals[name, tuple(sorted(tags.items())) if tags else ()] += value

    def received(self, count: int) -> None:
        """Add to the counter of what was received; each batch does, so that it has to be quick."""
        self._received += count

    def rejected(self, count: int, reason: str) -> None:
        """Count what is turned away as bad input."""
        self.count("zibrato.intake.rejected", count, reason=reason)

    def dropped(self, count: int, reason: str) -> None:
        """Count what is good and taken in nowhere, if it is any."""
        if count:
            self.count("zibrato.intake.dropped", count, reason=reason)

    def gauge(self, name: str, value: float, **tags: str) -> None:
        """Set the gauge `name` with `tags`."""
        self._gauges[name, tuple(sorted(tags.items()))] = value

    def total(self, name: str, **tags: str) -> int:
        """Return the count of `name` since the start, over all series that have these `tags`."""
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
        """Return everything as it is now."""
        totals = self.totals.items()
        counters = [SelfMetric(COUNTER, *key, min(count, MAX_COUNT)) for key, count in totals]
        gauges = [SelfMetric(GAUGE, *key, value) for key, value in self._gauges.items()]
        return [*counters, *gauges]

    def batch(self, when: float) -> Batch:
        """Return what was counted since the last batch, and the gauges, as of the Unix time.

        What was counted goes out as one increment: were it as many, what the daemon receives of
        itself would double with every interval.
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
