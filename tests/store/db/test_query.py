"""A query ends at its deadline, or when nobody waits for it; SQLite stops too."""

from __future__ import annotations

import sqlite3

import pytest

from zibrato.store.db.query import Query

ENDLESS = "WITH RECURSIVE n (x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM n) SELECT sum(x) FROM n"


def test_a_query_ends_at_its_deadline() -> None:
    now = [5.0]
    query = Query(10, lambda: now[0])
    query.raise_if_ended()
    now[0] = 14.9
    assert not query.has_ended()
    now[0] = 15.0
    assert query.has_ended()
    with pytest.raises(sqlite3.OperationalError, match="more than 10 s; ask for less"):
        query.raise_if_ended()


def test_a_query_without_a_deadline_ends_when_nobody_waits() -> None:
    query = Query()
    query.raise_if_ended()
    query.cancel()
    with pytest.raises(sqlite3.OperationalError, match="nobody waits"):
        query.raise_if_ended()


def test_a_statement_ends_with_its_query() -> None:
    connection = sqlite3.connect(":memory:")
    seconds = iter(range(100))
    Query(10, lambda: next(seconds)).watch(connection)
    with pytest.raises(sqlite3.OperationalError, match="interrupted"):
        connection.execute(ENDLESS).fetchone()
    connection.close()
