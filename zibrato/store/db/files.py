"""Which file the store has, and whether it can be had."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from zibrato.file_lock import FileLock
from zibrato.store.db.errors import NewerVersionError
from zibrato.store.db.schema import check_steps, check_version, open_for_reading

NAME = "zibrato.sqlite"


def default_path(environment: Mapping[str, str]) -> Path:
    """Return the file where none is named: below $STATE_DIRECTORY, else below the user's own."""
    systemd = environment.get("STATE_DIRECTORY")
    if systemd:
        return Path(systemd.split(":")[0], NAME)
    state = environment.get("XDG_STATE_HOME")
    return Path(state or Path.home() / ".local" / "state", "zibrato", NAME)


def check_usable(path: Path, steps: Sequence[int]) -> None:
    """Raise ValueError, with one line for people, where the file can't be written in such steps.

    A corrupt file is no reason: it will be quarantined.
    """
    if path.is_dir():
        raise ValueError(f"expected a file, got the directory {path}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock(path).close()
        if path.exists():
            with path.open("r+b"):
                pass
            with closing(open_for_reading(path)) as connection:
                check_version(connection, path)
                check_steps(connection, steps, path)
    except (OSError, NewerVersionError) as error:
        raise ValueError(f"can't have {path}: {error}") from None
    except sqlite3.DatabaseError:
        return


def lock(path: Path) -> FileLock:
    """Return the lock of the file, held until it is closed; raises OSError where another has it."""
    try:
        return FileLock(path)
    except BlockingIOError:
        raise OSError("another daemon has it; give this one another with --store PATH") from None
