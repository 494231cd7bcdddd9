"""Hosts with a daemon each, and the hub that they ship to, on loopback addresses of their own."""

from __future__ import annotations

import random
import signal
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from tests.integration.processes import Process, daemon, eventually
from zibrato.distribution import Distribution
from zibrato.model import Summary
from zibrato.store.db.codec import merged_summary
from zibrato.store.db.reader import Reader
from zibrato.store.db.schema import open_for_reading
from zibrato.store.db.tiers import RETENTION, parse_retention

Readings = dict[tuple[str, str, str], tuple[int, float]]


def loopback() -> str:
    """Return an address that nobody else has likely taken: on Linux all of 127/8 are the host."""
    chance = random.SystemRandom()
    return ".".join(["127", *(str(chance.randrange(2, 254)) for _ in range(3))])


class Machine:
    """One host: a daemon at its own address, with its files in a directory of its own."""

    def __init__(
        self, directory: Path, name: str, *options: str, endpoint: str | None = None
    ) -> None:
        self.name = name
        self.directory = directory / name
        self.directory.mkdir()
        self.endpoint = endpoint or f"tcp://{loopback()}:5550"
        self._options = (
            *("--socket", self.endpoint, "--source", name, "--flush-interval", "0.5"),
            *("--outbox", str(self.directory / "outbox"), "--stop-timeout", "20", *options),
        )
        self.process: Process

    def start(self, *options: str) -> Process:
        """Start its daemon, for the first time or again."""
        self.process = daemon(*self._options, *options)
        return self.process

    def kill(self) -> None:
        """Kill its daemon (-9)."""
        self.process.send(signal.SIGKILL)
        self.process.wait()


class Hub(Machine):
    """A host whose daemon keeps all that others ship."""

    def __init__(self, directory: Path, *options: str, endpoint: str | None = None) -> None:
        self.store = directory / "hub.sqlite"
        stores = ("--backend", f"store:path={self.store}", "--web", "none")
        super().__init__(directory, "hub", *stores, *options, endpoint=endpoint)

    def sums(self, name: str) -> Readings:
        """Return count and sum of a name, by source, level and tags."""
        sums: Readings = {}
        for (source, level, tags), summary in self._summaries(name):
            count, total = sums.get((source, level, tags), (0, 0.0))
            sums[source, level, tags] = (count + summary.count, total + summary.sum)
        return sums

    def total(self, name: str) -> float:
        """Return the sum of a name over all."""
        return sum(total for _, total in self.sums(name).values())

    def percentiles(self, name: str, percents: Sequence[float]) -> list[float]:
        """Return percentiles of a timer over all hosts."""
        merged = Distribution()
        for _, summary in self._summaries(name):
            if summary.distribution is not None:
                merged = merged.merged(summary.distribution)
        return merged.percentiles(percents)

    def _summaries(self, name: str) -> Iterator[tuple[tuple[str, str, str], Summary]]:
        if not self.store.exists():
            return
        with closing(open_for_reading(self.store)) as connection:
            reader = Reader(connection, parse_retention(RETENTION))
            try:
                now, series = time.time(), reader.series(name)
            except sqlite3.OperationalError:  # the daemon has yet to make its tables
                return
            plot = reader.slots([*series], now - 7200, now + 60, now, 1)
            for series_id, slots in plot.slots.items():
                one = series[series_id]
                tags = ",".join(f"{tag}={value}" for tag, value in one.tags)
                for rows in slots.values():
                    yield (one.source, one.level, tags), merged_summary(rows)

    def wait_for_total(self, name: str, expected: float) -> None:
        """Wait until so much has arrived."""
        eventually(lambda: self.total(name) >= expected, 60)
