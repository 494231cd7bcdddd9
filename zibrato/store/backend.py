"""Keeps everything in a SQLite file and answers for it; settings: path, max_bytes, retention."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from zope.interface import implementer

from zibrato.backends.settings import check_names
from zibrato.interfaces import BackendContext, Delivery, IBackend, RetryLater
from zibrato.store.db.codec import summary_of
from zibrato.store.db.database import Database
from zibrato.store.db.files import check, default_path
from zibrato.store.db.keys import RETENTION, key, parse_retention, series_of, start_of
from zibrato.store.db.reader import Reader
from zibrato.store.db.threads import Threads, finished
from zibrato.store.db.writer import Writer
from zibrato.store.live import INTERVALS, Live, Measured, point

MAX_BYTES = 8 << 30
MIN_BYTES = 1 << 20
READERS = 3
REMEMBERED = 200_000


def make(settings: Mapping[str, str], context: BackendContext) -> StoreBackend:
    """Return the backend of a file, which must be one that can be written."""
    check_names(settings, "path", "max_bytes", "retention")
    path = Path(settings.get("path") or default_path(os.environ)).absolute()
    levels = parse_retention(settings.get("retention", RETENTION))
    max_bytes = _bytes(settings.get("max_bytes", str(MAX_BYTES)))
    check(path, [each.step for each in levels])
    writing = Threads(context.reactor, "zibrato store writer", 1)
    reading = Threads(context.reactor, "zibrato store reader", READERS)
    database = Database(context.reactor, path, levels, max_bytes, writing=writing, reading=reading)
    return StoreBackend(database)


@implementer(IBackend)
class StoreBackend:
    """Keeps snapshots in `database`, each in one transaction, and the newest also in `live`."""

    name = "store"
    _log = Logger()

    def __init__(self, database: Database) -> None:
        self.database = database
        self.live = Live()
        self._remembered = False

    def deliver(self, delivery: Delivery) -> Deferred[None]:
        """Keep the snapshot; once that is under way it is finished, even if cancelled."""
        return Deferred.fromCoroutine(self._deliver(delivery))

    def reload(self, _settings: Mapping[str, str]) -> None:
        """Do nothing: there is no secret."""

    def stop(self) -> Deferred[None]:
        """Close the file."""
        return Deferred.fromCoroutine(self.database.stop())

    async def ready(self) -> None:
        """Open the file, and remember its newest intervals."""
        if not self._remembered:
            self._remembered = True
            await self.database.write(lambda _: None)
            await self.database.read(self._remember)

    async def add(self, measured: Sequence[Measured]) -> None:
        """Show what the file has got, to all who watch."""
        events = await self.database.read(lambda _: self._take(measured))
        self.live.tell(events)

    async def _deliver(self, delivery: Delivery) -> None:
        snapshot = delivery.snapshot
        try:
            events = await finished(
                self.database.write(lambda writer: self._keep(writer, delivery))
            )
        except (sqlite3.Error, OSError) as error:
            raise RetryLater(f"{self.database.path}: {error}") from None
        delivery.delivered(delivery.pending)
        self.live.interval = snapshot.end - snapshot.start
        self.live.tell(events)
        self.database.tend()

    def _keep(self, writer: Writer, delivery: Delivery) -> bytes:
        """Write the snapshot, then return what to tell those who watch."""
        start, end, summaries = delivery.snapshot
        numbers = writer.add_snapshot(delivery.snapshot)
        return self._take(
            [
                Measured(number, series, start, end, summary)
                for number, (series, summary) in zip(numbers, summaries.items(), strict=True)
            ]
        )

    def _take(self, measured: Sequence[Measured]) -> bytes:
        """Have `live` take it in; return the events for those who watch."""
        new = self.live.take(measured)
        if not self.live.watchers:
            return b""
        events = b""
        if new:
            now = self.database.clock.seconds()
            events += _event(b"series", self.live.shown(now, new))
        by_interval: dict[tuple[float, float], list[list[float | None]]] = {}
        for number, series, start, end, summary in measured:
            points = by_interval.setdefault((start, end), [])
            points.append(point(number, series.kind, summary))
        for (start, end), points in by_interval.items():
            events += _event(b"interval", {"start": start, "end": end, "points": points})
        return events

    def _remember(self, reader: Reader) -> None:
        """Take in from the file what is as new as what `live` keeps."""
        known = reader.series()
        self.live.know(known)
        interval = self.live.interval
        since = int(self.database.clock.seconds() - INTERVALS * interval)
        rows = reader.connection.execute(
            "SELECT * FROM point WHERE key >= ? ORDER BY key LIMIT ?",
            (key(0, since), REMEMBERED),
        )
        self.live.take(
            Measured(number, known[number], start, start + interval, summary_of(row))
            for row_key, *row in rows
            for number, start in [(series_of(row_key), start_of(row_key))]
            if number in known
        )


def _event(name: bytes, data: object) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name, msgspec.json.encode(data))


def _bytes(text: str) -> int:
    units = {"K": 10, "M": 20, "G": 30, "T": 40}
    number, unit = (text[:-1], units[text[-1]]) if text[-1:] in units else (text, 0)
    if not number.isdecimal() or int(number) << unit < MIN_BYTES:
        raise ValueError(f"max_bytes: expected bytes from 1M up such as 8G, got {text!r}")
    return int(number) << unit
