"""Private: what all SQLite files of the daemon share; how one is kept, and set aside."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from stat import S_IMODE

__all__ = [
    "BESIDE",
    "STORE_NAME",
    "FileIdentity",
    "is_corrupt",
    "make_private",
    "quarantine",
    "state_path",
    "transaction",
]

STORE_NAME = "zibrato.sqlite"
"""What the store's file is called where none is named."""
BESIDE = ("-wal", "-shm")
"""What SQLite appends to the name of a file for what lies beside it in WAL mode."""


def state_path(environment: Mapping[str, str], name: str, what: str) -> Path:
    """Return a file below $STATE_DIRECTORY, else below the user's own.

    `what` is to be in it, also the name of an option. Raises ValueError, with one line for people,
    for a user who has no directory.
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
    """Commit at the end of the block, roll back if it raises."""
    connection.execute(f"BEGIN {kind}")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # some errors have rolled it back already
            connection.execute("ROLLBACK")
        raise


def make_private(path: Path) -> None:
    """Make the file where there is none; take from all but its owner what they may do with it.

    No file that there is gets opened: closing it would take this process's SQLite its locks.
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
    """Whether the error says that the file is no intact database."""
    # By its words: the errors of Python 3.10 have no code.
    text = str(error)
    return "malformed" in text or "not a database" in text or "disk image" in text


def quarantine(path: Path, now: float) -> Path:
    """Rename the file, with what belongs to it, to FILE.corrupt-TIME; return the new name."""
    aside = path.with_name(f"{path.name}.corrupt-{int(now)}")
    # The file itself last: else, cut short here, its name would be free for a new file while the
    # old one's WAL still lay beside that.
    for suffix in (*BESIDE, ""):
        part = Path(f"{path}{suffix}")
        if part.exists():
            os.replace(part, f"{aside}{suffix}")
    return aside


class FileIdentity:
    """Which file it is that `path` names, with what SQLite has beside it, from now on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._parts = {part: _number_of(part) for part in _parts(path)}

    def is_there(self) -> bool:
        """Whether the path still names that file."""
        return _number_of(self._path) == self._parts[self._path]

    def remove_beside(self) -> None:
        """Remove what lay beside the file and lies there yet; SQLite would add it to another."""
        for part, number in self._parts.items():
            if part != self._path and number is not None and _number_of(part) == number:
                part.unlink(missing_ok=True)


def _parts(path: Path) -> list[Path]:
    return [path, *(Path(f"{path}{suffix}") for suffix in BESIDE)]


def _number_of(path: Path) -> tuple[int, int] | None:
    """Return device and inode of a file, None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
