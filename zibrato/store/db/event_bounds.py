"""Bounds of events and streams in the file, so that they leave room for measurements."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping

from zibrato.store.db.errors import InvalidValueError
from zibrato.store.db.schema import max_bytes_of

MAX_EVENTS = 100_000
MAX_BYTES = 64 << 20
SHARE = 16
"""Events may take one part in `SHARE` of the file, or `MAX_BYTES` if that is less."""
MAX_STREAMS = 10_000
MAX_LINKS = 64_000
"""The most bytes of an event's links as JSON; each request adds links to those that are there."""
_STREAM_WITHOUT_EVENTS = (
    "name = :stream AND display_name IS NULL "
    "AND NOT EXISTS (SELECT 1 FROM event WHERE stream = :stream)"
)


def evict(connection: sqlite3.Connection, kept: int = 0) -> Mapping[str, int]:
    """Delete events beyond a bound, in the transaction that added or changed the event `kept`.

    Events are deleted in the order of their creation, whatever their times, and never the one with
    the id `kept`. A stream without a name for people is deleted with its last event. Returns how
    many events were deleted, by bound. Raises InvalidValueError if there are too many streams, and
    none of them can be deleted.
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
            f"DELETE FROM stream WHERE {_STREAM_WITHOUT_EVENTS}",  # noqa: S608 - only constants
            {"stream": oldest[1]},
        )
        evicted[bound] += 1
    if bound == "streams":
        raise InvalidValueError(
            "name", f"there are {MAX_STREAMS:,} streams with a display_name or no events"
        )
    return evicted


def part_of_file(connection: sqlite3.Connection) -> int:
    """Return the most bytes that each kind of content except measurements may take in the file."""
    return min(MAX_BYTES, max_bytes_of(connection) // SHARE)


def check_links(links: str) -> None:
    """Raise InvalidValueError if an event's links take too many bytes as JSON."""
    if len(links) > MAX_LINKS:
        reason = f"would take {len(links):,} bytes, of {MAX_LINKS:,} at most"
        raise InvalidValueError("links", reason)


def _passed(connection: sqlite3.Connection, max_bytes: int) -> str | None:
    """Return which bound is exceeded, or None."""
    query = "SELECT events, bytes, streams FROM event_total"
    events, size, streams = connection.execute(query).fetchone()
    if streams > MAX_STREAMS:
        return "streams"
    if events > MAX_EVENTS:
        return "events"
    return "bytes" if size > max_bytes else None
