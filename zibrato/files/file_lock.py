"""Private: a lock by which only one daemon can use a file or a socket's path."""

from __future__ import annotations

import fcntl
import os
import weakref
from pathlib import Path

__all__ = ["FileLock", "check_kind"]


class FileLock:
    """An exclusive lock for a path, in the file `PATH.lock`, held until `close`.

    It is also closed when nothing refers to it any more.

    The kernel releases the lock when the process ends, however it ends. The file is never removed:
    otherwise a daemon that has the old file open and one that creates a new file would both hold a
    lock.
    """

    def __init__(self, path: str | Path) -> None:
        """Take the lock; raises BlockingIOError if it is taken."""
        file = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        # Nobody closes the lock of a daemon that was made but never started.
        self._close = weakref.finalize(self, os.close, file)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Release the lock."""
        self._close()


def check_kind(path: Path) -> None:
    """Raise ValueError, with one line for people, if the path exists but isn't a regular file."""
    if os.path.exists(path) and not os.path.isfile(path):  # also False without permission to look
        raise ValueError(f"expected a file, got the directory or device {path}")
