"""Private: which snapshots a file has, so that one that is delivered again is taken once."""

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
"""The table that a file needs. A migration of the store's is made of it: it can't change."""
MAX_RUNS = 100
"""Starts of daemons of which it is known how far they came, those that delivered last."""


def unknown(
    connection: sqlite3.Connection, identities: Sequence[Identity | None]
) -> Sequence[bool]:
    """Return of each snapshot whether the file has yet to take it; of one without, it has."""
    return [
        identity is None or _newest(connection, identity.run) < identity.sequence
        for identity in identities
    ]


def note(connection: sqlite3.Connection, identities: Sequence[Identity | None]) -> None:
    """Note, in the transaction that adds their points, which snapshots are taken."""
    for identity in identities:
        if identity is not None:
            connection.execute(
                # Replaced, and no update: ids are in the order in which runs delivered last.
                "REPLACE INTO delivered (run, sequence) VALUES (?, ?)",
                (identity.run, max(identity.sequence, _newest(connection, identity.run))),
            )
    connection.execute(
        "DELETE FROM delivered WHERE id NOT IN (SELECT id FROM delivered ORDER BY id DESC LIMIT ?)",
        [MAX_RUNS],
    )


def _newest(connection: sqlite3.Connection, run: str) -> int:
    """Return the number of the last snapshot of a run: they are delivered in order."""
    query = "SELECT sequence FROM delivered WHERE run = ?"
    (sequence,) = connection.execute(query, [run]).fetchone() or (0,)
    return int(sequence)
