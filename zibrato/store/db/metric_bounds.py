"""The bound of metric metadata in the file, so that it leaves room for measurements."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from zibrato.store.db.errors import InvalidValueError
from zibrato.store.db.event_bounds import part_of_file


class Described(NamedTuple):
    """How many metrics have metadata from requests, and about how many bytes they take."""

    metrics: int
    bytes: int


def described(connection: sqlite3.Connection) -> Described:
    """Return the current total; metrics that only have measurements don't count."""
    return Described(*connection.execute("SELECT described, bytes FROM metric_total").fetchone())


def check(connection: sqlite3.Connection, before: Described) -> None:
    """Raise InvalidValueError if metadata exceeds its bound and has grown since `before`.

    Call this in the transaction that changed the metadata: old metadata stays, the newest is
    rejected.
    """
    now, most = described(connection), part_of_file(connection)
    if now.bytes > max(most, before.bytes):
        raise InvalidValueError(
            "name",
            f"{now.metrics:,} described metrics would take {now.bytes:,} bytes, "
            f"of {most:,} at most: delete some",
        )
