"""What the API, the page and the backend share: the file, and the newest intervals in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, compress

import msgspec
from twisted.internet.defer import DeferredLock
from twisted.logger import Logger

from zibrato.files import repeats
from zibrato.interfaces import DaemonInfo
from zibrato.model import COUNTER, Identity, Series, Snapshot, Tags
from zibrato.store.db.codec import summary_of
from zibrato.store.db.database import Database
from zibrato.store.db.keys import key, series_id_of, start_of
from zibrato.store.db.last_rows import LastRow, last_rows
from zibrato.store.db.metadata import Metric
from zibrato.store.db.reader import Reader
from zibrato.store.db.series_index import NO_ROOM
from zibrato.store.db.soundness import sound_rows
from zibrato.store.db.writer import Writer
from zibrato.store.live import INTERVALS, Live, Measured, described, point
from zibrato.threads import finished

MAX_LOADED_ROWS = 200_000
"""The most rows that are read at the start, to show the newest intervals."""
CLIENT_REPORTS = "zibrato.client."


class Store:
    """Stores snapshots in `database`, one transaction for each call, and in `live`."""

    _log = Logger()

    def __init__(self, database: Database) -> None:
        self.database = database
        self.live = Live(max_series=database.max_series, evicted=self._evicted)
        database.on_deleted = self.live.forget
        self.daemon: DaemonInfo | None = None
        self.client_reports: dict[tuple[str, Tags], float] = defaultdict(float)
        """What clients reported about themselves since the start, such as what they dropped."""
        self._loaded = False
        self._loading = DeferredLock()
        self._generation = 0

    async def ready(self) -> None:
        """Wait until `live` has the file's newest intervals; the first caller starts loading them.

        If a caller is cancelled, loading goes on for the others: a thread can't be cancelled.
        """
        async with self._loading:
            if not self._loaded:
                await finished(self.database.write(self._load))
                self._loaded = True

    async def publish(self, measured: Sequence[Measured]) -> None:
        """Update `live` with what was written to the file, and send it to all subscribers."""
        reading = self.database.read(lambda _: self._update(measured), deadline=None)
        events = await finished(reading)
        self.live.publish(events)

    def describe(self, metrics: Sequence[Metric]) -> None:
        """Send all subscribers the current metadata of these metrics."""
        if metrics and self.live.subscribers:
            descriptions = [described(metric) for metric in metrics]
            self.live.publish(_event(b"descriptions", self.live.updates, descriptions))

    async def add(
        self, snapshots: Sequence[Snapshot], identities: Sequence[Identity | None] = ()
    ) -> None:
        """Store the snapshots, all or none; once begun, this is finished even if it is cancelled.

        Snapshots that the file already has, by their identities, are left out. Raises
        sqlite3.Error, OSError and UnusableFileError if the snapshots can't be stored now.
        """
        events, reports = await finished(
            self.database.write(lambda writer: self._write(writer, snapshots, identities))
        )
        for snapshot in snapshots:
            self.live.interval = snapshot.end - snapshot.start
        for name, tags, total in reports:
            self.client_reports[name, tags] += total
        self.live.publish(events)
        self.database.maintain()

    def _write(
        self,
        writer: Writer,
        snapshots: Sequence[Snapshot],
        identities: Sequence[Identity | None],
    ) -> tuple[bytes, Sequence[tuple[str, Tags, float]]]:
        """Write the snapshots that are new; return events for subscribers, and clients' reports."""
        reports = [*chain.from_iterable(map(_client_reports, snapshots))]
        if identities:
            new = repeats.unknown(writer.connection, identities)
            snapshots = list(compress(snapshots, new))
        ids = iter(writer.add_snapshots(*snapshots, identities=identities))
        measured = [
            Measured(series_id, series, start, end, summary)
            for start, end, summaries in snapshots
            for series, summary in summaries.items()
            if (series_id := next(ids)) != NO_ROOM
        ]
        return self._update(measured), reports

    def _update(self, measured: Sequence[Measured]) -> bytes:
        """Update `live`; return the events for subscribers.

        It never raises: the measurements are already in the file, and an error would have them
        written again.
        """
        try:
            with self.live.lock:
                return self._events(measured)
        except Exception:
            self._log.failure("a stored interval could not be sent to the open pages")
            return b""

    def _events(self, measured: Sequence[Measured]) -> bytes:
        if self._generation != self.database.generation:  # now other series have the ids
            self._generation = self.database.generation
            self._loaded = False
            self.live.load({}, ())
        new = self.live.update(measured)
        if not self.live.subscribers:
            return b""
        events, number = b"", self.live.updates
        if new:
            now = self.database.clock.seconds()
            events += _event(b"series", number, [*self.live.series(now, new)])
        by_interval: dict[tuple[float, float], list[list[float | None]]] = {}
        for series_id, series, start, end, summary in measured:
            points = by_interval.setdefault((start, end), [])
            points.append(point(series_id, series.kind, summary))
        for (start, end), points in by_interval.items():
            interval = {"start": start, "end": end, "points": points}
            events += _event(b"interval", number, interval)
        return events

    def _evicted(self, series: int) -> None:
        self.database.losses.evicted(series, "list")

    def _load(self, writer: Writer) -> None:
        """Load the intervals that `live` keeps from the file, and the last values of other series.

        This runs in the writer's thread: meanwhile nothing is delivered, so nothing is counted
        twice.
        """
        self._generation = self.database.generation
        reader = Reader(writer.connection, self.database.tiers, writer.losses)
        series, interval = reader.newest_series(self.live.max_series), self.live.interval
        since = int(self.database.clock.seconds() - INTERVALS * interval)
        rows = reader.connection.execute(
            "SELECT * FROM point WHERE key >= ? ORDER BY key LIMIT ?",
            (key(0, since), MAX_LOADED_ROWS),
        )
        sound = sound_rows(rows, reader.losses)
        newest = (LastRow(series_id_of(at), start_of(at), row) for at, row in sound)
        silent = self.live.load(series, _measured(series, newest, interval))
        older = last_rows(reader.connection, reader.tiers, silent, reader.losses)
        self.live.load_last(_measured(series, older, interval))


def _client_reports(snapshot: Snapshot) -> Iterator[tuple[str, Tags, float]]:
    """Generate the reports of this daemon's clients; those of others' clients come with the API."""
    for (kind, name, _, tags, _), summary in snapshot.summaries.items():
        if kind == COUNTER and name.startswith(CLIENT_REPORTS):
            yield name, tags, summary.sum


def _measured(
    series: Mapping[int, Series], rows: Iterable[LastRow], interval: float
) -> Iterator[Measured]:
    """Generate the measurements in the rows of these series; rows of other series are left out."""
    for series_id, start, row in rows:
        if series_id in series:
            summary = summary_of(row)
            yield Measured(series_id, series[series_id], start, start + interval, summary)


def _event(name: bytes, number: int, data: object) -> bytes:
    """Return an event; its id is the number of the update that caused it."""
    return b"event: %s\nid: %d\ndata: %s\n\n" % (name, number, msgspec.json.encode(data))
