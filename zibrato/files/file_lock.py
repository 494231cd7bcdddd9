"""Private: a lock that keeps a second daemon off a file or a socket's path."""

from __future__ import annotations

import fcntl
import os
import weakref
from pathlib import Path

__all__ = ["FileLock"]


class FileLock:
    """An exclusive lock beside a path, in the file `PATH.lock`, from its making to `close`.

    It is also closed once nothing refers to it.

    The kernel frees it with the process, however that ends. The file stays: were it removed, a
    daemon that has it open already and one that makes it anew would both have a lock.
    """

    def __init__(self, path: str | Path) -> None:
        """Take the lock; raises BlockingIOError where another has it."""
        file = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        # Of a daemon that was made and never started, nobody closes it.
        self._close = weakref.finalize(self, os.close, file)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Let another have it."""
        self._close()
