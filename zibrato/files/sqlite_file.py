"""Private: what all SQLite files of the daemon share: paths, opening and closing, quarantine."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from stat import S_IMODE

__all__ = [
    "BESIDE",
    "BUSY",
    "STORE_NAME",
    "FileIdentity",
    "UnusableFileError",
    "connect",
    "has_tables_of",
    "is_corrupt",
    "make_private",
    "quarantine",
    "state_path",
    "transaction",
    "write_back",
]

STORE_NAME = "zibrato.sqlite"
"""The default name of the store's file."""
BESIDE = ("-wal", "-shm")
"""The suffixes of the files that SQLite has beside a database in WAL mode."""
BUSY = 1.0
"""Seconds to wait for another program's lock. What could not be written is tried again later."""


class UnusableFileError(Exception):
    """The file is an intact database, but another program's, or one of another Zibrato version."""


def state_path(environment: Mapping[str, str], name: str, what: str) -> Path:
    """Return the path of a file below $STATE_DIRECTORY, or else below the user's state directory.

    `what` names the content in the error; it is also the name of the option that sets the path.
    Raises ValueError, with one line for people, if the user has no home directory.
    """
    systemd = environment.get("STATE_DIRECTORY")
    if systemd:
        return Path(systemd.split(":")[0], name)
    state = environment.get("XDG_STATE_HOME")
    try:
        return Path(state or Path.home() / ".local" / "state", "zibrato", name)
    except RuntimeError:
        raise ValueError(
            f"expected a home directory to keep the {what} in; give --{what} PATH"
        ) from None


@contextmanager
def transaction(connection: sqlite3.Connection, kind: str = "IMMEDIATE") -> Iterator[None]:
    """Commit at the end of a `with` block; roll back if the block raises."""
    connection.execute(f"BEGIN {kind}")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # some errors have already rolled it back
            connection.execute("ROLLBACK")
        raise


def connect(path: Path) -> sqlite3.Connection:
    """Open a file for writing, and create it if it is missing; only its owner can read it.

    No transaction begins implicitly: only `transaction` begins any. Several threads of a pool may
    use the connection, but never two at once.
    """
    # Before SQLite creates the file with the umask's permissions, and those beside it with the
    # same.
    make_private(path)
    return sqlite3.connect(path, timeout=BUSY, isolation_level=None, check_same_thread=False)


def has_tables_of(
    connection: sqlite3.Connection, application: int, version: int, path: Path
) -> bool:
    """Return whether a file has its tables; False if it is new, and nobody's.

    `application` is the number in SQLite's header that tells files of this kind. Raises
    UnusableFileError for another program's file, and for one of a later version than `version`.
    """
    (stored,) = connection.execute("PRAGMA application_id").fetchone()
    (number,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if stored != application and (stored or tables):
        raise UnusableFileError(f"{path} is another program's database")
    if number > version:
        raise UnusableFileError(f"{path} is of version {number}, written by a newer Zibrato")
    return bool(tables)


def write_back(connection: sqlite3.Connection) -> None:
    """Move the WAL into the file, before it is closed; don't wait for locks of other programs."""
    with suppress(sqlite3.Error):
        connection.execute("PRAGMA busy_timeout = 0")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def make_private(path: Path) -> None:
    """Create the file if it is missing, and take all permissions from others than its owner.

    An existing file isn't opened, because closing it would release the locks that SQLite has in
    this process.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    for suffix in ("", *BESIDE):
        with suppress(FileNotFoundError, PermissionError):
            part = Path(f"{path}{suffix}")
            mode = S_IMODE(part.stat().st_mode)
            if mode & 0o077:
                part.chmod(mode & 0o700)


def is_corrupt(error: sqlite3.Error) -> bool:
    """Return whether the error says that the file is not an intact database."""
    # By its message, because errors have no code in Python 3.10.
    text = str(error)
    return "malformed" in text or "not a database" in text or "disk image" in text


def quarantine(path: Path, now: float) -> Path:
    """Rename the file, and SQLite's files beside it, to FILE.corrupt-TIME; return the new name."""
    aside = path.with_name(f"{path.name}.corrupt-{int(now)}")
    # The file itself comes last: else, after a crash in between, a new file could take its name
    # while the old one's WAL was still beside it.
    for suffix in (*BESIDE, ""):
        part = Path(f"{path}{suffix}")
        if part.exists():
            os.replace(part, f"{aside}{suffix}")
    return aside


class FileIdentity:
    """Remembers which file `path` names, and which files SQLite has beside it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._parts = {part: _number_of(part) for part in _parts(path)}

    def is_there(self) -> bool:
        """Return whether the path still names the same file."""
        return _number_of(self._path) == self._parts[self._path]

    def remove_beside(self) -> None:
        """Remove the files that are still beside it; SQLite would apply them to a new file."""
        for part, number in self._parts.items():
            if part != self._path and number is not None and _number_of(part) == number:
                part.unlink(missing_ok=True)


def _parts(path: Path) -> list[Path]:
    return [path, *(Path(f"{path}{suffix}") for suffix in BESIDE)]


def _number_of(path: Path) -> tuple[int, int] | None:
    """Return the device and inode of a file; None if it is missing."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
