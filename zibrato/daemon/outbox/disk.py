"""Opens the outboxes' file, reads it after a restart, and replaces it if it is damaged or gone."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from zibrato.daemon.outbox.client_sequences import Seen
from zibrato.daemon.outbox.file import Changes, OutboxFile
from zibrato.daemon.outbox.kept_snapshot import Waiting
from zibrato.files.file_lock import FileLock
from zibrato.files.sqlite_file import FileIdentity, UnusableFileError, is_corrupt, quarantine
from zibrato.model import Identity, Snapshot


class LostFileError(Exception):
    """The file was damaged or replaced, and everything in it is lost."""


class OutboxContents(NamedTuple):
    """What an earlier daemon left in the file: snapshots by backend, and clients' numbers."""

    waiting: Mapping[str, Sequence[Waiting]]
    clients: Mapping[str, Seen]


class OutboxDisk:
    """The file at `path`, and its lock; blocks, and is for one thread at a time.

    Before each commit it checks whether the file was deleted or replaced. The content of a deleted
    file is available as long as it is open, and is copied into a new file.
    """

    _log = Logger()

    def __init__(self, clock: IReactorTime, path: Path, lock: FileLock | None = None) -> None:
        self.path = path
        self._clock = clock
        self._lock = lock
        self._is_locked = lock is not None
        self._file: OutboxFile | None = None
        self._identity: FileIdentity | None = None

    def open(
        self, restore: Callable[[float, bytes], None] = lambda _start, _frame: None
    ) -> OutboxContents:
        """Return what is in the file, and call `restore` with each frame of open intervals.

        `restore` gets the start of the interval and a frame, and raises ValueError if the frame is
        damaged. A damaged file is quarantined; frames that were restored before stay restored.
        Raises OSError with one line for people, also for an intact file that isn't an outbox of
        this version of Zibrato; such a file stays as it is.
        """
        try:
            return self._read(restore)
        except UnusableFileError as error:
            raise OSError(f"--outbox: {error}; give another file with --outbox PATH") from None
        except ValueError as error:
            self._quarantine(str(error))
        except sqlite3.DatabaseError as error:
            if not is_corrupt(error):
                raise OSError(f"--outbox: {self.path}: {error}") from None
            self._quarantine(str(error))
        return self._read(restore)

    def commit(self, changes: Changes) -> list[tuple[Identity, int]]:
        """Commit all of `changes` or nothing; return the identity and size of each snapshot.

        Raises LostFileError, OSError, UnusableFileError and sqlite3.Error.
        """
        if self._identity is not None and not self._identity.is_there():
            self._let_go(self._identity)
        try:
            file = self._opened()
            committed = file.commit(changes)
            file.reclaim()
        except sqlite3.DatabaseError as error:
            if not is_corrupt(error):
                raise
            self._quarantine(str(error))
            raise LostFileError from None
        return committed

    def load(self, waiting: Waiting) -> Snapshot | None:
        """Return what the backend is to get; None if the file no longer has it, or is corrupt.

        Raises OSError and sqlite3.Error.
        """
        kept = waiting.kept
        if kept.snapshot is not None:
            return waiting.part(kept.snapshot)
        try:
            return waiting.part(self._opened().snapshot(kept))
        except ValueError:
            return None
        except sqlite3.DatabaseError as error:
            if not is_corrupt(error):
                raise
            return None

    def close(self) -> None:
        """Close the file and release its lock."""
        self._close_file()
        if self._lock is not None:
            self._lock.close()

    def _read(self, restore: Callable[[float, bytes], None]) -> OutboxContents:
        file = self._opened()
        contents = OutboxContents(file.waiting(), file.clients())
        for start, frame in file.open_frames():
            restore(start, frame)
        return contents

    def _opened(self) -> OutboxFile:
        if self._file is None:
            self._take_lock()
            self._file = OutboxFile(self.path, uuid.uuid4().hex)
            self._identity = FileIdentity(self.path)
        return self._file

    def _close_file(self) -> None:
        if self._file is not None:
            with suppress(sqlite3.Error):
                self._file.close()
        self._file = self._identity = None

    def _let_go(self, identity: FileIdentity) -> None:
        """Close a file that was deleted or replaced; a deleted file is copied to a new one.

        Raises LostFileError if it was replaced, because its content is lost.
        """
        if self.path.exists():
            how, what, copy = "replaced: its content is lost", "the new file", None
        else:
            how, what, copy = "deleted", "a copy that has all of it", self._copy()
        self._close_file()
        identity.remove_beside()
        if self._lock is not None:
            self._lock.close()  # its file may be gone, too
            self._lock = None
        if copy is not None:
            # Before the rename, because afterwards another daemon could take the file.
            self._take_lock()
            copy.rename(self.path)
        self._log.error(
            "the outbox's file {path} was {how}; the outbox goes on with {what}",
            path=str(self.path),
            how=how,
            what=what,
        )
        if copy is None:
            raise LostFileError

    def _take_lock(self) -> None:
        if self._is_locked and self._lock is None:
            try:
                self._lock = FileLock(self.path)
            except BlockingIOError:
                raise OSError("another daemon has it") from None

    def _copy(self) -> Path:
        """Copy the deleted file to a file beside its path; return the copy."""
        copy = self.path.with_name(f"{self.path.name}.new")
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self._file is not None:
            self._file.copy_to(copy)
        return copy

    def _quarantine(self, reason: str) -> None:
        """Rename the file, so that the next access begins a new one."""
        self._close_file()
        aside = quarantine(self.path, self._clock.seconds())
        self._log.error(
            "the outbox's file {path} can't be used ({reason}): quarantined as {aside}; a new "
            "file is begun",
            path=str(self.path),
            reason=reason,
            aside=str(aside),
        )
