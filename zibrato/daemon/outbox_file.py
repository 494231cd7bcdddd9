"""The outbox's file: closed intervals until every backend has them, and what open ones took in.

For one thread at a time, blocking; every method is one transaction.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from zibrato.daemon.client_sequences import Seen
from zibrato.daemon.kept_snapshot import Amount, KeptSnapshot, Waiting
from zibrato.daemon.series_filter import SeriesFilter
from zibrato.daemon.snapshot_codec import pack_frames, pieces, snapshot_of, unpack_frames
from zibrato.files.sqlite_file import make_private, transaction
from zibrato.model import Identity, Snapshot

APPLICATION = int.from_bytes(b"ZibO", "big")
VERSION = 1
BUSY = 1.0
PAGE = 4096
_PIECES = 1 << 20
"""How many pieces a snapshot may have: so far apart are the keys of their first ones."""
_NOTHING = Snapshot(0.0, 0.0, {})
_VACUUM_PAGES = 4096
_CHECKPOINT_PAGES = 256
"""Free pages that are worth cutting the file for at once."""
_WAL_BYTES = 1 << 20
"""To what the WAL is cut once all of it is in the file."""
# A file takes auto_vacuum only before its first table. AUTOINCREMENT uses no number again: hubs and
# stores know by it what they have.
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


class ForeignFileError(Exception):
    """The file is an intact database, and none of this Zibrato's outboxes."""


Backends = Mapping[str, SeriesFilter]
"""What backends there are, and what each is to get."""


class Changes(NamedTuple):
    """What is committed together."""

    snapshots: Sequence[tuple[KeptSnapshot, Backends]] = ()
    """Snapshots, each with the backends that are to get it, and what of it."""
    done: Sequence[tuple[str, Identity]] = ()
    """What backends have, or never get."""
    closed: Iterable[float] = ()
    """When the open intervals began of which nothing more is needed."""
    frames: Mapping[float, Sequence[bytes]] = {}
    """What open intervals took in, by when they began."""
    seen: Mapping[str, Seen] = {}
    forgotten: Iterable[str] = ()


class OutboxFile:
    """The file at `path`, made where there is none; `run` is what this daemon calls its snapshots.

    Raises ForeignFileError, OSError, and sqlite3.DatabaseError for what is no intact database.
    """

    def __init__(self, path: Path, run: str) -> None:
        self.path = path
        self.run = run
        make_private(path)
        self._connection = sqlite3.connect(
            path, timeout=BUSY, isolation_level=None, check_same_thread=False
        )
        try:
            self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def commit(self, changes: Changes) -> list[tuple[Identity, int]]:
        """Commit all of `changes` or nothing; return identity and size of each snapshot."""
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
        """Give some of what is free in the file back to the disk."""
        execute = self._connection.execute
        (free,) = execute("PRAGMA freelist_count").fetchone()
        with suppress(sqlite3.OperationalError):  # a full disk; there is a next time
            if free:
                # It frees a page with each row that it returns; `execute` asks for the first alone.
                self._connection.executescript(f"PRAGMA incremental_vacuum({_VACUUM_PAGES})")
            if free >= _CHECKPOINT_PAGES:
                # SQLite does so by itself once the WAL is long, which it needn't become again.
                execute("PRAGMA wal_checkpoint(PASSIVE)")

    def snapshot(self, kept: KeptSnapshot) -> Snapshot:
        """Return a snapshot that is in the file; raises ValueError where none can be read."""
        if kept.identity is None or self._run_of(kept.sequence) != kept.identity.run:
            raise ValueError(f"there is no snapshot {kept.sequence} of its run")
        first = kept.sequence * _PIECES
        rows = self._connection.execute(
            "SELECT data FROM piece WHERE key BETWEEN ? AND ? ORDER BY key",
            (first, first + _PIECES - 1),
        )
        return snapshot_of(kept.start, kept.end, (data for (data,) in rows))

    def waiting(self) -> dict[str, list[Waiting]]:
        """Return what each backend has not got, oldest first."""
        rows = self._connection.execute(
            "SELECT sequence, run, start, end, size, amounts FROM snapshot ORDER BY sequence"
        )
        kept = {row[0]: _kept(row) for row in rows}
        # After a week there are as many as intervals, and of filters as many as of backends.
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
        """Generate what intervals took in that were open; raises ValueError where it is damaged."""
        rows = self._connection.execute("SELECT start, frames FROM open_interval ORDER BY key")
        for start, frames in rows:
            for frame in unpack_frames(frames):
                yield start, frame

    def clients(self) -> dict[str, Seen]:
        """Return how far each acknowledged client has come."""
        rows = self._connection.execute("SELECT name, sequence, seen FROM client")
        return {name: Seen(sequence, when) for name, sequence, when in rows}

    def copy_to(self, path: Path) -> None:
        """Write all of it to a new file; raises sqlite3.Error and OSError.

        Also of a file that was deleted: as long as it is open, it is there.
        """
        path.unlink(missing_ok=True)
        make_private(path)
        self._connection.execute("VACUUM INTO ?", [str(path)])
        with path.open("rb+") as copy:
            os.fsync(copy)

    def close(self) -> None:
        """Close the file, all of it in one."""
        with suppress(sqlite3.Error):
            self._connection.execute("PRAGMA busy_timeout = 0")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._connection.close()

    def _prepare(self) -> None:
        execute = self._connection.execute
        (application,) = execute("PRAGMA application_id").fetchone()
        (version,) = execute("PRAGMA user_version").fetchone()
        (tables,) = execute("SELECT count(*) FROM sqlite_master").fetchone()
        if application != APPLICATION and (application or tables):
            raise ForeignFileError(f"{self.path} is another program's database")
        if version > VERSION:
            raise ForeignFileError(
                f"{self.path} is of version {version}, written by a newer Zibrato"
            )
        if not tables:
            execute(f"PRAGMA page_size = {PAGE}")
            self._connection.executescript(_SCHEMA)
        execute("PRAGMA journal_mode = WAL")
        # What is acknowledged stays so when the power fails, too.
        execute("PRAGMA synchronous = FULL")
        execute(f"PRAGMA journal_size_limit = {_WAL_BYTES}")

    def _add(self, kept: KeptSnapshot, backends: Backends) -> tuple[Identity, int]:
        execute = self._connection.execute
        # As text: what all series count together no integer of SQLite or msgpack need hold.
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
        """Note that backends are done with snapshots; delete those that no other waits for."""
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
        """Return whose a snapshot is: after a quarantine another one may have its number."""
        query = "SELECT run FROM snapshot WHERE sequence = ?"
        row = self._connection.execute(query, [sequence]).fetchone()
        return None if row is None else str(row[0])


def _kept(row: tuple[int, str, float, float, int, str]) -> KeptSnapshot:
    sequence, run, start, end, size, amounts = row
    known = {level: Amount(*amount) for level, amount in json.loads(amounts).items()}
    return KeptSnapshot(start, end, known, size=size, identity=Identity(run, sequence))
