"""How much may be said of metrics, so that it leaves room for measurements."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from zibrato.store.db.errors import InvalidValueError
from zibrato.store.db.event_bounds import part_of_file


class Described(NamedTuple):
    """How many metrics requests made or said something of, and about how many bytes they take."""

    metrics: int
    bytes: int


def described(connection: sqlite3.Connection) -> Described:
    """Return what is described by now; metrics that are only measured aren't."""
    return Described(*connection.execute("SELECT described, bytes FROM metric_total").fetchone())


def check(connection: sqlite3.Connection, before: Described) -> None:
    """Raise InvalidValueError where more is described than may be, and more than before.

    To be called in the transaction that said it: what there is stays, and the newest is rejected.
    """
    now, most = described(connection), part_of_file(connection)
    if now.bytes > max(most, before.bytes):
        raise InvalidValueError(
            "name",
            f"{now.metrics:,} described metrics would take {now.bytes:,} bytes, "
            f"of {most:,} at most: delete some",
        )
