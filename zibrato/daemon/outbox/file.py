"""The outboxes' SQLite file: snapshots until every backend has them, and frames of open intervals.

It blocks, and is for one thread at a time. Every method is one transaction.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

from zibrato.daemon.outbox.client_sequences import Seen
from zibrato.daemon.outbox.kept_snapshot import Amount, KeptSnapshot, Waiting
from zibrato.daemon.outbox.snapshot_codec import pack_frames, pieces, snapshot_of, unpack_frames
from zibrato.daemon.series_filter import SeriesFilter
from zibrato.files.sqlite_file import (
    UnusableFileError,
    connect,
    has_tables_of,
    make_private,
    transaction,
    write_back,
)
from zibrato.model import Identity, Snapshot

APPLICATION = int.from_bytes(b"ZibO", "big")
VERSION = 1
PAGE = 4096
_PIECES = 1 << 20
"""The most pieces of a snapshot: the distance between the keys of two snapshots' first pieces."""
_NOTHING = Snapshot(0.0, 0.0, {})
_VACUUM_PAGES = 4096
_CHECKPOINT_PAGES = 256
"""The number of free pages from which the file is shrunk at once, by a checkpoint."""
_WAL_BYTES = 1 << 20
"""The bytes to which the WAL is truncated after a checkpoint."""
# auto_vacuum can be set only before the first table is created. AUTOINCREMENT never reuses a
# number, by which hubs and stores recognise the snapshots that they have.
_SCHEMA = f"""
PRAGMA auto_vacuum = INCREMENTAL;
BEGIN IMMEDIATE;
CREATE TABLE snapshot (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, run TEXT NOT NULL,
    start REAL NOT NULL, end REAL NOT NULL, size INTEGER NOT NULL, amounts TEXT NOT NULL
);
CREATE TABLE piece (key INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE pending (
    backend TEXT NOT NULL, sequence INTEGER NOT NULL, filter TEXT NOT NULL, amount TEXT NOT NULL,
    PRIMARY KEY (backend, sequence)
) WITHOUT ROWID;
CREATE INDEX pending_sequence ON pending (sequence);
CREATE TABLE open_interval (key INTEGER PRIMARY KEY, start REAL NOT NULL, frames BLOB NOT NULL);
CREATE TABLE client (
    name TEXT PRIMARY KEY, sequence INTEGER NOT NULL, seen REAL NOT NULL
) WITHOUT ROWID;
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {VERSION};
COMMIT;
"""


Backends = Mapping[str, SeriesFilter]
"""The filters of backends, by the backends' keys."""


class Changes(NamedTuple):
    """What is committed in one transaction."""

    snapshots: Sequence[tuple[KeptSnapshot, Backends]] = ()
    """New snapshots, each with the backends that are to get it and their filters."""
    done: Sequence[tuple[str, Identity]] = ()
    """Snapshots that backends have got, or will never get."""
    closed: Iterable[float] = ()
    """Starts of intervals that were closed, whose frames are no longer needed."""
    frames: Mapping[float, Sequence[bytes]] = {}
    """New frames of open intervals, by the interval's start."""
    seen: Mapping[str, Seen] = {}
    forgotten: Iterable[str] = ()


class OutboxFile:
    """The file at `path`, created if missing; `run` becomes part of the identity of new snapshots.

    Raises UnusableFileError, OSError, and sqlite3.DatabaseError if it is no intact database.
    """

    def __init__(self, path: Path, run: str) -> None:
        self.path = path
        self.run = run
        self._connection = connect(path)
        try:
            self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def commit(self, changes: Changes) -> list[tuple[Identity, int]]:
        """Commit all of `changes` or nothing; return the identity and size of each snapshot."""
        many = self._connection.executemany
        with transaction(self._connection):
            many("DELETE FROM open_interval WHERE start = ?", [[one] for one in changes.closed])
            added = [self._add(kept, backends) for kept, backends in changes.snapshots]
            for start, frames in changes.frames.items():
                rows = ((start, data) for data in pack_frames(frames))
                many("INSERT INTO open_interval (start, frames) VALUES (?, ?)", rows)
            many(
                "INSERT OR REPLACE INTO client VALUES (?, ?, ?)",
                [(client, *seen) for client, seen in changes.seen.items()],
            )
            many("DELETE FROM client WHERE name = ?", [[name] for name in changes.forgotten])
            self._delete(changes.done)
        return added

    def reclaim(self) -> None:
        """Return some of the file's free pages to the file system."""
        execute = self._connection.execute
        (free,) = execute("PRAGMA freelist_count").fetchone()
        with suppress(sqlite3.OperationalError):  # the disk is full; the next call tries again
            if free:
                # The pragma frees a page per row that it returns; `execute` reads only the first.
                self._connection.executescript(f"PRAGMA incremental_vacuum({_VACUUM_PAGES})")
            if free >= _CHECKPOINT_PAGES:
                # SQLite checkpoints by itself when the WAL is long, but it may never be so again.
                execute("PRAGMA wal_checkpoint(PASSIVE)")

    def snapshot(self, kept: KeptSnapshot) -> Snapshot:
        """Return a snapshot of the file; raises ValueError if it is missing or damaged."""
        if kept.identity is None or self._run_of(kept.sequence) != kept.identity.run:
            raise ValueError(f"there is no snapshot {kept.sequence} of its run")
        first = kept.sequence * _PIECES
        rows = self._connection.execute(
            "SELECT data FROM piece WHERE key BETWEEN ? AND ? ORDER BY key",
            (first, first + _PIECES - 1),
        )
        return snapshot_of(kept.start, kept.end, (data for (data,) in rows))

    def waiting(self) -> dict[str, list[Waiting]]:
        """Return the snapshots that wait for each backend, oldest first."""
        rows = self._connection.execute(
            "SELECT sequence, run, start, end, size, amounts FROM snapshot ORDER BY sequence"
        )
        kept = {row[0]: _kept(row) for row in rows}
        # After a week there is a row for each interval, but only one filter text per backend.
        filter_of = lru_cache(SeriesFilter.of_text)
        waiting: dict[str, list[Waiting]] = {}
        for backend, sequence, text, amount in self._connection.execute(
            "SELECT backend, sequence, filter, amount FROM pending ORDER BY backend, sequence"
        ):
            if sequence in kept:
                passing = Amount(*json.loads(amount))
                one = Waiting(kept[sequence], filter_of(text), *passing)
                waiting.setdefault(backend, []).append(one)
        return waiting

    def open_frames(self) -> Iterator[tuple[float, bytes]]:
        """Generate starts and frames of open intervals; raises ValueError if they are damaged."""
        rows = self._connection.execute("SELECT start, frames FROM open_interval ORDER BY key")
        for start, frames in rows:
            for frame in unpack_frames(frames):
                yield start, frame

    def clients(self) -> dict[str, Seen]:
        """Return the last committed sequence number of each acknowledged client."""
        rows = self._connection.execute("SELECT name, sequence, seen FROM client")
        return {name: Seen(sequence, when) for name, sequence, when in rows}

    def copy_to(self, path: Path) -> None:
        """Copy everything to a new file; raises sqlite3.Error and OSError.

        This works even if the file was deleted, because it is still open.
        """
        path.unlink(missing_ok=True)
        make_private(path)
        self._connection.execute("VACUUM INTO ?", [str(path)])
        with path.open("rb+") as copy:
            os.fsync(copy)

    def close(self) -> None:
        """Close the file, after moving the WAL into it."""
        write_back(self._connection)
        self._connection.close()

    def _prepare(self) -> None:
        execute = self._connection.execute
        if not has_tables_of(self._connection, APPLICATION, VERSION, self.path):
            execute(f"PRAGMA page_size = {PAGE}")
            self._connection.executescript(_SCHEMA)
        elif _columns(self._connection) != _expected_columns():
            raise UnusableFileError(f"{self.path} is an outbox of another version of Zibrato")
        execute("PRAGMA journal_mode = WAL")
        # So that a power failure doesn't lose what clients were told is committed.
        execute("PRAGMA synchronous = FULL")
        execute(f"PRAGMA journal_size_limit = {_WAL_BYTES}")

    def _add(self, kept: KeptSnapshot, backends: Backends) -> tuple[Identity, int]:
        execute = self._connection.execute
        # As text: the sum of all series' counts may exceed the integers of SQLite and msgpack.
        amounts = json.dumps(kept.amounts)
        row = (self.run, kept.start, kept.end, amounts)
        cursor = execute(
            "INSERT INTO snapshot (run, start, end, size, amounts) VALUES (?, ?, ?, 0, ?)", row
        )
        sequence, size = cursor.lastrowid or 0, 0
        for position, data in enumerate(pieces(kept.snapshot or _NOTHING)):
            execute("INSERT INTO piece VALUES (?, ?)", (sequence * _PIECES + position, data))
            size += len(data)
        execute("UPDATE snapshot SET size = ? WHERE sequence = ?", (size, sequence))
        self._connection.executemany(
            "INSERT INTO pending VALUES (?, ?, ?, ?)",
            [
                (backend, sequence, wanted.text, json.dumps(kept.amount(wanted)))
                for backend, wanted in backends.items()
            ],
        )
        return Identity(self.run, sequence), size

    def _delete(self, done: Iterable[tuple[str, Identity]]) -> None:
        """Note that backends are done with snapshots; delete those that no backend waits for."""
        execute = self._connection.execute
        for backend, (run, sequence) in done:
            if self._run_of(sequence) != run:
                continue
            execute("DELETE FROM pending WHERE backend = ? AND sequence = ?", (backend, sequence))
            if execute("SELECT 1 FROM pending WHERE sequence = ?", [sequence]).fetchone() is None:
                execute("DELETE FROM snapshot WHERE sequence = ?", [sequence])
                first = sequence * _PIECES
                execute("DELETE FROM piece WHERE key BETWEEN ? AND ?", (first, first + _PIECES - 1))

    def _run_of(self, sequence: int) -> str | None:
        """Return the run of a snapshot: after a quarantine, a new one may have an old number."""
        query = "SELECT run FROM snapshot WHERE sequence = ?"
        row = self._connection.execute(query, [sequence]).fetchone()
        return None if row is None else str(row[0])


def _columns(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """Return the names of all tables and their columns."""
    return connection.execute(
        "SELECT one.name, part.name FROM sqlite_master AS one, pragma_table_info(one.name) AS part "
        "WHERE one.type = 'table' ORDER BY 1, 2"
    ).fetchall()


@cache
def _expected_columns() -> list[tuple[str, str]]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.executescript(_SCHEMA)
        return _columns(connection)


def measurements_in(path: Path) -> Mapping[str, int]:
    """Return how many measurements wait in a file for each backend.

    Nothing if the file is missing, isn't an outbox or can't be read.
    """
    waiting: Counter[str] = Counter()
    with (
        suppress(sqlite3.Error, OSError),
        closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)) as connection,
    ):
        for backend, amount in connection.execute("SELECT backend, amount FROM pending"):
            waiting[backend] += Amount(*json.loads(amount)).measurements
    return waiting


def _kept(row: tuple[int, str, float, float, int, str]) -> KeptSnapshot:
    sequence, run, start, end, size, amounts = row
    known = {level: Amount(*amount) for level, amount in json.loads(amounts).items()}
    return KeptSnapshot(start, end, known, size=size, identity=Identity(run, sequence))
