"""Private: remembers the snapshots that a file has, so that repeated ones aren't added again."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from zibrato.model import Identity

__all__ = ["MAX_RUNS", "SCHEMA", "note", "unknown"]

SCHEMA = """
CREATE TABLE delivered (
    id INTEGER PRIMARY KEY AUTOINCREMENT, run TEXT NOT NULL UNIQUE, sequence INTEGER NOT NULL
);
"""
"""The table that a file needs. It must not change, because a migration of the store uses it."""
MAX_RUNS = 100
"""The most runs (starts of daemons) that are remembered; those that delivered last are kept."""


def unknown(
    connection: sqlite3.Connection, identities: Sequence[Identity | None]
) -> Sequence[bool]:
    """Return for each snapshot whether it is new to the file; one without identity always is."""
    return [
        identity is None or _newest(connection, identity.run) < identity.sequence
        for identity in identities
    ]


def note(connection: sqlite3.Connection, identities: Sequence[Identity | None]) -> None:
    """Note that snapshots were added; call it in the transaction that adds their points."""
    for identity in identities:
        if identity is not None:
            connection.execute(
                # REPLACE instead of UPDATE, so that ids are in the order of the last deliveries.
                "REPLACE INTO delivered (run, sequence) VALUES (?, ?)",
                (identity.run, max(identity.sequence, _newest(connection, identity.run))),
            )
    connection.execute(
        "DELETE FROM delivered WHERE id NOT IN (SELECT id FROM delivered ORDER BY id DESC LIMIT ?)",
        [MAX_RUNS],
    )


def _newest(connection: sqlite3.Connection, run: str) -> int:
    """Return the number of a run's last snapshot; all earlier ones were delivered before it."""
    query = "SELECT sequence FROM delivered WHERE run = ?"
    (sequence,) = connection.execute(query, [run]).fetchone() or (0,)
    return int(sequence)
