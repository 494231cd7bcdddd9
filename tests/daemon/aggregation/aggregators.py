"""An aggregator with intervals of 10 seconds, and short ways to hand it rows."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Mapping
from math import inf

from zibrato.daemon.aggregation.aggregator import Aggregator
from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.levels import EVERYTHING, LevelFilter
from zibrato.model import Series, Snapshot, Summary
from zibrato.wire import Batch, CounterRow, SampleRow, pack

NOW = 1_700_000_005.0
START = 1_700_000_000.0
HUGE = sys.float_info.max
LONG = "x" * 256
LONGEST = "x" * 255
Tags = Mapping[str, str]


class Setup:
    """An aggregator with intervals of 10 seconds, and short ways to use it."""

    def __init__(self, levels: LevelFilter = EVERYTHING, max_series: int = 1000) -> None:
        self.metrics = SelfMetrics()
        self.aggregator = Aggregator(
            self.metrics, interval=10.0, source="here", levels=levels, max_series=max_series
        )
        self.snapshots: list[Snapshot] = []

    def add(
        self,
        counters: Iterable[CounterRow] = (),
        timers: Iterable[SampleRow] = (),
        gauges: Iterable[SampleRow] = (),
        *,
        start: float = NOW,
        end: float | None = None,
        now: float = NOW,
    ) -> None:
        end = start if end is None else end
        self.aggregator.add(
            Batch(1, "c", 1, start, end, list(counters), list(timers), list(gauges)), now
        )

    def close(self, before: float = inf) -> list[Snapshot]:
        fresh = [closed.snapshot() for closed in self.aggregator.close(before) if closed.series]
        self.snapshots += fresh
        return fresh

    def only(self) -> tuple[Series, Summary]:
        """Close all; return the only series and its summary."""
        (snapshot,) = self.close()
        ((series, summary),) = snapshot.summaries.items()
        return series, summary

    def rejected(self) -> dict[str, int]:
        return {
            dict(tags)["reason"]: count
            for (name, tags), count in self.metrics.totals.items()
            if name == "zibrato.intake.rejected"
        }

    def account(self) -> dict[str, int]:
        """Assert that nothing is unaccounted for; return where it all went."""
        names = {
            "received": "zibrato.intake.received",
            "rejected": "zibrato.intake.rejected",
            "filtered": "zibrato.intake.filtered",
            "dropped": "zibrato.intake.dropped",
        }
        counts = {short: self.metrics.total(name) for short, name in names.items()}
        counts["aggregated"] = self.aggregator.pending
        counts["aggregated"] += sum(snapshot.measurements for snapshot in self.snapshots)
        assert all(count >= 0 for count in counts.values())
        received = counts.pop("received")
        assert received == sum(counts.values())
        return {name: count for name, count in counts.items() if count}


def counter(
    *,
    name: str = "a",
    count: int = 1,
    total: float = 1.0,
    level: str = "info",
    source: str | None = None,
    tags: Tags | None = None,
) -> CounterRow:
    return CounterRow(name, level, source, dict(tags or {}), count, total)


def samples(
    *values: float,
    name: str = "a",
    level: str = "info",
    source: str | None = None,
    tags: Tags | None = None,
) -> SampleRow:
    return SampleRow(name, level, source, dict(tags or {}), pack(array("d", values)))


def starts(snapshots: Iterable[Snapshot]) -> list[float]:
    return [snapshot.start for snapshot in snapshots]
