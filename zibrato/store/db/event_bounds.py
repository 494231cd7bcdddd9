"""How many events and streams the file has at most, so that they leave room for measurements."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping

from zibrato.store.db.errors import InvalidValueError

MAX_EVENTS = 100_000
MAX_BYTES = 64 << 20
SHARE = 16
"""The part of the file that events may take, where that is less than `MAX_BYTES`."""
MAX_STREAMS = 10_000
MAX_LINKS = 64_000
"""Bytes of an event's links in JSON; requests add to those that there are."""
_STREAM_WITHOUT_EVENTS = (
    "name = :stream AND display_name IS NULL "
    "AND NOT EXISTS (SELECT 1 FROM event WHERE stream = :stream)"
)


def evict(connection: sqlite3.Connection, kept: int = 0) -> Mapping[str, int]:
    """Delete events past a bound, in the transaction that added or changed the one with id `kept`.

    Those that were made first go first, whatever time they are of, and a stream that only events
    had made with its last one. Returns how many events went, by bound. Raises InvalidValueError
    where there are too many streams of which none goes.
    """
    evicted: Counter[str] = Counter()
    max_bytes = part_of_file(connection)
    while bound := _passed(connection, max_bytes):
        query = "SELECT id, stream FROM event WHERE id != ? ORDER BY id LIMIT 1"
        oldest = connection.execute(query, [kept]).fetchone()
        if oldest is None:
            break
        connection.execute("DELETE FROM event WHERE id = ?", oldest[:1])
        connection.execute(
            f"DELETE FROM stream WHERE {_STREAM_WITHOUT_EVENTS}",  # noqa: S608 - of constants alone
            {"stream": oldest[1]},
        )
        evicted[bound] += 1
    if bound == "streams":
        raise InvalidValueError(
            "name", f"there are {MAX_STREAMS:,} streams with a display_name or no events"
        )
    return evicted


def part_of_file(connection: sqlite3.Connection) -> int:
    """Return how many bytes of the file what is no measurement may take, of each kind."""
    pages, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("max_page_count", "page_size")
    )
    return min(MAX_BYTES, int(pages * size) // SHARE)


def check_links(links: str) -> None:
    """Raise InvalidValueError where an event's links, in JSON, are too many."""
    if len(links) > MAX_LINKS:
        reason = f"would take {len(links):,} bytes, of {MAX_LINKS:,} at most"
        raise InvalidValueError("links", reason)


def _passed(connection: sqlite3.Connection, max_bytes: int) -> str | None:
    """Return which bound is passed."""
    query = "SELECT events, bytes, streams FROM event_total"
    events, size, streams = connection.execute(query).fetchone()
    if streams > MAX_STREAMS:
        return "streams"
    if events > MAX_EVENTS:
        return "events"
    return "bytes" if size > max_bytes else None
