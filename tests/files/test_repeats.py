"""Which snapshots a file has; store/db/test_writer_repeats.py has what the store makes of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from zibrato.files import repeats
from zibrato.model import Identity


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as made:
        made.executescript(repeats.SCHEMA)
        yield made


def test_knows_how_far_each_run_came(connection: sqlite3.Connection) -> None:
    repeats.note(connection, [Identity("a", 2), None, Identity("a", 1), Identity("b", 1)])
    asked = [Identity("a", 2), Identity("a", 3), Identity("b", 1), Identity("c", 1), None]
    assert repeats.unknown(connection, asked) == [False, True, False, True, True]
