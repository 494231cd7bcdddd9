"""Open the store's file, and make or migrate its tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from zibrato.files import repeats
from zibrato.files.sqlite_file import BUSY, UnusableFileError, connect

APPLICATION = int.from_bytes(b"Zibr", "big")
"""The application id in SQLite's header; files of older versions have 0."""
PAGE = 4096
_EVENT_BYTES = (
    "100 + length(CAST({0}.stream || {0}.title || coalesce({0}.description, '') || {0}.source "
    "|| {0}.links AS BLOB))"
)
"""About how many bytes an event takes in the file."""
_METRIC_BYTES = (
    "100 + length(CAST({0}.name || coalesce({0}.display_name, '') || coalesce({0}.description, '') "
    "|| coalesce({0}.composite, '') || {0}.attributes AS BLOB))"
)
"""About how many bytes a metric with metadata takes in the file."""
SERIES_BYTES = "110 + 2 * length(CAST(name || name || source || kind || tags || level AS BLOB))"
"""About how many bytes a series takes in the file, with its index entries and its metric."""
_TABLES = {"series", "point", "chunk", "metric"}
MIGRATIONS: Sequence[str] = (
    """
    CREATE TABLE series (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL, name TEXT NOT NULL, source TEXT NOT NULL,
        tags TEXT NOT NULL, level TEXT NOT NULL, seen INTEGER NOT NULL
    );
    CREATE UNIQUE INDEX series_identity ON series (name, source, kind, tags, level);
    CREATE INDEX series_name ON series (name COLLATE NOCASE);
    CREATE TABLE point (
        key INTEGER PRIMARY KEY,
        count INTEGER NOT NULL, sum REAL NOT NULL,
        min REAL, max REAL, sum_squares REAL, last REAL, distribution BLOB
    );
    CREATE TABLE resolution (level INTEGER PRIMARY KEY, step INTEGER NOT NULL);
    CREATE TABLE chunk (key INTEGER PRIMARY KEY, points BLOB NOT NULL);
    CREATE TABLE metric (
        name TEXT PRIMARY KEY COLLATE NOCASE,
        type TEXT NOT NULL DEFAULT 'gauge', display_name TEXT, description TEXT, period INTEGER,
        composite TEXT, attributes TEXT NOT NULL DEFAULT '{}'
    ) WITHOUT ROWID;
    CREATE TABLE stream (
        name TEXT PRIMARY KEY COLLATE NOCASE, display_name TEXT
    ) WITHOUT ROWID;
    CREATE TABLE event (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        stream TEXT NOT NULL COLLATE NOCASE, source TEXT NOT NULL, title TEXT NOT NULL,
        description TEXT, start_time INTEGER NOT NULL, end_time INTEGER, links TEXT NOT NULL
    );
    CREATE INDEX event_time ON event (stream, start_time);
    """,
    """
    CREATE TABLE source (
        name TEXT PRIMARY KEY COLLATE NOCASE, display_name TEXT
    ) WITHOUT ROWID;
    """,
    repeats.SCHEMA,
    # Totals of events and streams, so that each change can check their bounds without counting
    # rows.
    f"""
    CREATE TABLE event_total (
        events INTEGER NOT NULL, bytes INTEGER NOT NULL, streams INTEGER NOT NULL
    );
    INSERT INTO event_total SELECT
        count(*), coalesce(sum({_EVENT_BYTES.format("event")}), 0), (SELECT count(*) FROM stream)
        FROM event;
    CREATE TRIGGER event_added AFTER INSERT ON event BEGIN
        UPDATE event_total SET events = events + 1, bytes = bytes + {_EVENT_BYTES.format("new")};
    END;
    CREATE TRIGGER event_changed AFTER UPDATE ON event BEGIN
        UPDATE event_total SET
            bytes = bytes + {_EVENT_BYTES.format("new")} - ({_EVENT_BYTES.format("old")});
    END;
    CREATE TRIGGER event_deleted AFTER DELETE ON event BEGIN
        UPDATE event_total SET events = events - 1, bytes = bytes - ({_EVENT_BYTES.format("old")});
    END;
    CREATE TRIGGER stream_added AFTER INSERT ON stream BEGIN
        UPDATE event_total SET streams = streams + 1;
    END;
    CREATE TRIGGER stream_deleted AFTER DELETE ON stream BEGIN
        UPDATE event_total SET streams = streams - 1;
    END;
    """,  # noqa: S608 - only constants
    # The same totals for metric metadata, of metrics that requests made or described.
    f"""
    ALTER TABLE metric ADD COLUMN described INTEGER NOT NULL DEFAULT 0;
    UPDATE metric SET described = 1
        WHERE type != 'gauge' OR attributes != '{{}}'
        OR coalesce(display_name, description, period, composite) IS NOT NULL;
    CREATE TABLE metric_total (described INTEGER NOT NULL, bytes INTEGER NOT NULL);
    INSERT INTO metric_total SELECT
        count(*), coalesce(sum({_METRIC_BYTES.format("metric")}), 0) FROM metric WHERE described;
    CREATE TRIGGER metric_added AFTER INSERT ON metric WHEN new.described BEGIN
        UPDATE metric_total SET
            described = described + 1, bytes = bytes + {_METRIC_BYTES.format("new")};
    END;
    CREATE TRIGGER metric_changed AFTER UPDATE ON metric BEGIN
        UPDATE metric_total SET
            described = described + new.described - old.described,
            bytes = bytes + new.described * ({_METRIC_BYTES.format("new")})
                - old.described * ({_METRIC_BYTES.format("old")});
    END;
    CREATE TRIGGER metric_deleted AFTER DELETE ON metric WHEN old.described BEGIN
        UPDATE metric_total SET
            described = described - 1, bytes = bytes - ({_METRIC_BYTES.format("old")});
    END;
    """,  # noqa: S608 - only constants
    # The bytes that series take are bounded too, and the index finds those measured longest ago.
    # Series of older files count as old.
    f"""
    ALTER TABLE series ADD COLUMN made INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX series_seen ON series (seen);
    CREATE TABLE series_total (bytes INTEGER NOT NULL);
    INSERT INTO series_total SELECT coalesce(sum({SERIES_BYTES}), 0) FROM series;
    """,  # noqa: S608 - only constants
)
"""The script at position N migrates a file of version N to N + 1, the last one to today's."""
VERSION = len(MIGRATIONS)


def open_for_writing(path: Path, max_bytes: int) -> sqlite3.Connection:
    """Open the file, making or migrating it; it never grows beyond `max_bytes`.

    Only its owner can read it. Raises UnusableFileError, and sqlite3.DatabaseError if the file
    isn't an intact database.
    """
    connection = connect(path)
    try:
        check_ours(connection, path)
        check_version(connection, path)
        # Before there are tables: a file keeps its page size, and the bound below is in pages.
        connection.execute(f"PRAGMA page_size = {PAGE}")
        # WAL: readers go on while the writer writes, and see the state that they began with.
        connection.execute("PRAGMA journal_mode = WAL")
        # NORMAL: no commit waits for the disk. If the process ends, nothing is lost; if the machine
        # does, the last commits may be lost, but the file stays intact.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA cache_size = -65536")
        # After a burst, the WAL file is truncated to so many bytes.
        connection.execute("PRAGMA journal_size_limit = 67108864")
        # Migrate before the file is bounded, because a full file must be migrated as well.
        _migrate(connection)
        # SQLite fails before the disk is full; then the writer evicts old data and tries again.
        connection.execute(f"PRAGMA max_page_count = {max(max_bytes // PAGE, 64)}")
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
    except BaseException:
        connection.close()
        raise
    return connection


def max_bytes_of(connection: sqlite3.Connection) -> int:
    """Return how many bytes the file may have, which `open_for_writing` has set."""
    pages, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("max_page_count", "page_size")
    )
    return int(pages * size)


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Return a connection that can't write."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro",
        uri=True,
        timeout=BUSY,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.execute("PRAGMA query_only = 1")
    connection.execute("PRAGMA cache_size = -16384")
    connection.execute("PRAGMA mmap_size = 268435456")
    return connection


def check_ours(connection: sqlite3.Connection, path: Path) -> None:
    """Raise UnusableFileError for another program's database; without tables it is nobody's."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application == APPLICATION:
        return
    names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
    tables = {name for (name,) in connection.execute(names)}
    if application or (tables and not tables >= _TABLES):
        raise UnusableFileError(
            f"{path} is another program's database (its tables: {', '.join(sorted(tables)[:3])}); "
            "give another file with --store PATH"
        )


def check_version(connection: sqlite3.Connection, path: Path) -> None:
    """Raise UnusableFileError for a file that only a newer Zibrato understands."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise UnusableFileError(
            f"{path} is of version {version}, written by a newer Zibrato; this one knows {VERSION}:"
            " upgrade, or give another file with --store PATH"
        )


def check_steps(connection: sqlite3.Connection, steps: Sequence[int], path: Path) -> None:
    """Raise ValueError if the file was written with other steps; adding tiers is allowed."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'resolution'").fetchone():
        return
    stored = [step for (step,) in connection.execute("SELECT step FROM resolution ORDER BY level")]
    if stored != list(steps[: len(stored)]):
        raise ValueError(
            f"{path} has resolutions of {', '.join(map(str, stored))} s: give retention= the same "
            "steps, or another file with --store PATH"
        )


def _migrate(connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    for position in range(version, VERSION):
        # The version is set in the tables' transaction, so that a crash leaves both or neither.
        connection.executescript(
            f"BEGIN IMMEDIATE;{MIGRATIONS[position]};PRAGMA user_version = {position + 1};COMMIT;"
        )
