"""Instruments without a client, whose buffers a test can look into."""

from __future__ import annotations

from typing import Any

from zibrato.client.buffers import Buffers
from zibrato.client.instruments import Instruments
from zibrato.client.recorder import Recorder
from zibrato.wire import unpack


class RecordedInstruments(Instruments):
    """Instruments whose buffers can be looked into."""

    def __init__(self, **arguments: Any) -> None:
        self.buffers = Buffers()
        super().__init__(Recorder(self.buffers, **arguments))

    def rows(self) -> dict[tuple[str, str], tuple[int, float]]:
        """Return the count and sum of each row, by kind and name; drains."""
        totals: dict[tuple[str, str], tuple[int, float]] = {}
        for rows in self.buffers.drain.take():
            for row in rows.counters:
                totals["counter", row.name] = (row.count, row.sum)
            for kind, samples in (("timer", rows.timers), ("gauge", rows.gauges)):
                for sampled in samples:
                    values = unpack(sampled.samples)
                    totals[kind, sampled.name] = (len(values), sum(values))
        return totals
