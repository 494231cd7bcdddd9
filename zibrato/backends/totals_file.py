"""The file of running totals: the total of each series, and which snapshots are included.

For one thread at a time, blocking.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
from twisted.logger import Logger

from zibrato.files import repeats
from zibrato.files.file_lock import FileLock
from zibrato.files.sqlite_file import (
    connect,
    has_tables_of,
    is_corrupt,
    quarantine,
    transaction,
    write_back,
)
from zibrato.model import Identity, Series, Summary
from zibrato.summary_codec import encode, to_distribution

__all__ = ["PackedTotal", "Total", "TotalsFile"]

APPLICATION = int.from_bytes(b"ZibT", "big")
VERSION = 1
_SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE total (series BLOB PRIMARY KEY, seen REAL NOT NULL, data BLOB NOT NULL) WITHOUT ROWID;
{repeats.SCHEMA}
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {VERSION};
COMMIT;
"""


class Total(NamedTuple):
    """The sum of a series from the Unix time `start` on; its last interval began at `seen`.

    `end` is the time of this total, which is later than that of the previous total.
    """

    start: float
    seen: float
    end: float
    summary: Summary
    is_monotonic: bool = True


class PackedTotal(NamedTuple):
    """A total as it is kept in memory: packed, a timer's buckets take a tenth."""

    seen: float
    is_monotonic: bool
    data: bytes

    @classmethod
    def of(cls, total: Total) -> PackedTotal:
        """Pack a total."""
        return cls(total.seen, total.is_monotonic, encode(total))

    @property
    def total(self) -> Total:
        """The unpacked total, made at each access."""
        return _total(self.data)


class TotalsFile:
    """The totals in the file at `path`, which has a `lock`; the file is opened on first use.

    A corrupt file is quarantined. Raises UnusableFileError, sqlite3.Error and OSError.
    """

    _log = Logger()

    def __init__(self, path: Path, lock: FileLock | None = None) -> None:
        self.path = path
        self._lock = lock
        self._open: sqlite3.Connection | None = None

    def load(self) -> Iterator[tuple[Series, PackedTotal]]:
        """Generate all totals, the longest silent ones first."""
        try:
            yield from [*self._rows()]
        except (sqlite3.DatabaseError, msgspec.MsgspecError) as error:
            if isinstance(error, sqlite3.DatabaseError) and not is_corrupt(error):
                raise
            self._quarantine(error)

    def unknown(self, identities: Sequence[Identity | None]) -> Sequence[bool]:
        """Return for each snapshot whether it still has to be added."""
        return repeats.unknown(self._connection(), identities)

    def commit(
        self,
        changed: Mapping[Series, PackedTotal],
        forgotten: Iterable[Series],
        identities: Sequence[Identity | None],
    ) -> None:
        """Write changes, delete forgotten series, and note the snapshots, all or nothing."""
        connection = self._connection()
        with transaction(connection):
            connection.executemany(
                "REPLACE INTO total VALUES (?, ?, ?)",
                ((encode(one), total.seen, total.data) for one, total in changed.items()),
            )
            connection.executemany(
                "DELETE FROM total WHERE series = ?", ([encode(series)] for series in forgotten)
            )
            repeats.note(connection, identities)

    def restore(self, error: sqlite3.Error, totals: Mapping[Series, PackedTotal]) -> None:
        """Quarantine a corrupt file, and write all totals to a new one."""
        self._quarantine(error)
        self.commit(totals, (), ())

    def close(self) -> None:
        """Close the file with its WAL written back, and release the lock."""
        if self._open is not None:
            write_back(self._open)
            self._open.close()
            self._open = None
        self._lock = None  # this closes it, unless a backend that replaces this one has it, too

    def _rows(self) -> Iterator[tuple[Series, PackedTotal]]:
        query = "SELECT series, data FROM total ORDER BY seen"
        for series, data in self._connection().execute(query):
            total = _total(data)  # what isn't a total is detected here
            yield _series(series), PackedTotal(total.seen, total.is_monotonic, data)

    def _connection(self) -> sqlite3.Connection:
        if self._open is None:
            try:
                self._open = _opened(self.path)
            except sqlite3.DatabaseError as error:
                if not is_corrupt(error):
                    raise
                self._quarantine(error)
                self._open = _opened(self.path)
        return self._open

    def _quarantine(self, error: Exception) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None
        aside = quarantine(self.path, time.time())
        self._log.error(
            "{path}: {why}; quarantined as {aside}", path=self.path, why=error, aside=aside
        )


def _opened(path: Path) -> sqlite3.Connection:
    connection = connect(path)
    try:
        _prepare(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    if not has_tables_of(connection, APPLICATION, VERSION, path):
        connection.executescript(_SCHEMA)
    connection.execute("PRAGMA journal_mode = WAL")
    # Totals that were exposed must survive a power failure, too. A receiver would take a lower
    # total for a reset, and count everything again.
    connection.execute("PRAGMA synchronous = FULL")


_series = msgspec.msgpack.Decoder(Series).decode
_total = msgspec.msgpack.Decoder(Total, dec_hook=to_distribution).decode
