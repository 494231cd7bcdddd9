"""Find the store's file, check that it can be used, and lock it."""

from __future__ import annotations

import errno
import os
import sqlite3
import stat
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path

from zibrato.files.file_lock import FileLock
from zibrato.files.sqlite_file import STORE_NAME, UnusableFileError, state_path
from zibrato.store.db.schema import check_ours, check_steps, check_version, open_for_reading


def default_path(environment: Mapping[str, str]) -> Path:
    """Return the file's default path: below $STATE_DIRECTORY, or else below the user's directory.

    Raises ValueError, with one line for people, for a user who has no directory.
    """
    return state_path(environment, STORE_NAME, "store")


def claim(path: Path, steps: Sequence[int]) -> FileLock:
    """Make the file's directory, lock the file, and check that it can be written with these steps.

    Raises ValueError, with one line for people. A corrupt file raises nothing, since it will be
    quarantined.
    """
    try:
        check_kind(path)
        locked = lock(path)
        try:
            _check(path, steps)
        except BaseException:
            locked.close()
            raise
    except (OSError, UnusableFileError) as error:
        raise ValueError(f"can't use {path}: {getattr(error, 'strerror', None) or error}") from None
    return locked


def check_kind(path: Path) -> None:
    """Raise ValueError, a line for people, if this is not a file; OSError if it is inaccessible."""
    with suppress(FileNotFoundError):
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            kind = "directory" if stat.S_ISDIR(mode) else "device or pipe"
            raise ValueError(f"expected a file, got the {kind} {path}")


def _check(path: Path, steps: Sequence[int]) -> None:
    if not path.exists():
        return
    if not os.access(path, os.R_OK | os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    try:
        with closing(open_for_reading(path)) as connection:
            check_ours(connection, path)
            check_version(connection, path)
            check_steps(connection, steps, path)
    except sqlite3.DatabaseError:
        return


def lock(path: Path) -> FileLock:
    """Lock the file until the lock is closed; raises OSError if another process has the lock."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        return FileLock(path)
    except BlockingIOError:
        raise OSError("another daemon has it; give this one another with --store PATH") from None
