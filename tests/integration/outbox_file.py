"""What a test asks the file of an outbox, while a daemon has it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from time import time

from tests.integration.processes import eventually


def rows(path: Path, table: str, condition: str = "1") -> int:
    """Return how many rows of a table fulfil a condition; 0 where there is no file yet."""
    if not path.exists():
        return 0
    with closing(sqlite3.connect(path, timeout=10)) as connection:
        query = f"SELECT count(*) FROM {table} WHERE {condition}"  # noqa: S608 - a test's
        return int(connection.execute(query).fetchone()[0])


def wait_until_noted(path: Path) -> None:
    """Return once the daemon has noted as delivered what its backends have got by now.

    Otherwise it delivers that again if it, or the server of a backend, is killed.
    """
    now = time()
    eventually(lambda: not rows(path, "snapshot", f"end <= {now}"))
