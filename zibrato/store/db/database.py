"""The store's file, with one writer and several readers, which work off the reactor's thread."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from zibrato.files.file_lock import FileLock
from zibrato.files.sqlite_file import FileIdentity, is_corrupt, quarantine, write_back
from zibrato.store.db.files import lock as take_lock
from zibrato.store.db.losses import Losses
from zibrato.store.db.query import QUERY_DEADLINE, Query
from zibrato.store.db.reader import Reader
from zibrato.store.db.schema import open_for_reading, open_for_writing
from zibrato.store.db.series_index import MAX_SERIES
from zibrato.store.db.tiers import Tier
from zibrato.store.db.writer import Writer
from zibrato.threads import Workers, finished

T = TypeVar("T")
MAX_EVICTIONS = 8
"""How often one write may evict a block or the oldest rows, and be tried again."""


class Database:
    """Runs work with the writer or a reader of the file at `path`, which is opened on first use.

    `lock` is the file's lock; it is released when the file is closed. Each write first checks
    whether the file was deleted or replaced. If so, the store goes on with the file that is there
    now, or begins a new one.

    A corrupt file is quarantined, whether a reader or the writer finds the damage, and a new one is
    begun. A full file, which has reached `max_bytes`, loses its oldest data. Each quarantine or
    replacement begins a new generation of the file. A reader that was in use at that moment still
    has the old file open, so it is closed when its work ends, and not used again.
    """

    _log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        path: Path,
        tiers: Sequence[Tier],
        max_bytes: int,
        *,
        writing: Workers,
        reading: Workers,
        losses: Losses | None = None,
        lock: FileLock | None = None,
        max_series: int = MAX_SERIES,
    ) -> None:
        self.path = path
        self.tiers = tiers
        self.clock = clock
        self.losses = losses or Losses()
        self.max_series = max_series
        self._max_bytes = max_bytes
        self._writing = writing
        self._reading = reading
        self._writer: Writer | None = None
        self._readers: list[tuple[int, Reader]] = []
        self._busy: set[Reader] = set()
        self.generation = 0
        self.on_deleted: Callable[[Sequence[int]], None] = lambda _ids: None
        """Called in the writer's thread with the ids of series that were deleted to make room."""
        self._lock = lock
        self._identity: FileIdentity | None = None
        self._created = False
        self._maintaining = False
        self._stopped = False

    def write(self, work: Callable[[Writer], T]) -> Deferred[T]:
        """Run `work` in the writer's thread, and return its result; raises sqlite3.Error."""
        return self._run(self._writing, lambda: self._write(work))

    def read(
        self, work: Callable[[Reader], T], deadline: float | None = QUERY_DEADLINE
    ) -> Deferred[T]:
        """Run `work` in a reader's thread, and return its result; raises sqlite3.Error.

        The work is stopped at its deadline, or when the Deferred is cancelled.
        """
        if not self._created:
            # A reader can neither create the file nor migrate it.
            return self.write(lambda _: None).addCallback(lambda _: self.read(work, deadline))
        query = Query(deadline)
        result: Deferred[T] = Deferred(lambda _: query.cancel())

        def answered(answer: T | Failure) -> None:
            if not result.called:  # it has been called if it was cancelled
                result.callback(answer)

        self._run(self._reading, lambda: self._read(work, query)).addBoth(answered)
        return result

    def maintain(self) -> None:
        """Do the maintenance that is due, in the background; it never fails."""
        if not (self._maintaining or self._stopped):
            self._maintaining = True
            Deferred.fromCoroutine(self._maintain())

    async def stop(self) -> None:
        """Let the work in progress finish, and close the file."""
        self._stopped = True
        self._interrupt()
        # Close readers first: the last connection that is closed writes the WAL back to the file,
        # which only the writer's connection can do.
        self._reading.stop()
        self._close_readers()
        await finished(self._writing.run(self._close))
        self._writing.stop()

    def _interrupt(self) -> None:
        """Interrupt SQLite's work for readers or maintenance; maintenance is done again later."""
        for reader in list(self._busy):
            reader.connection.interrupt()
        writer = self._writer
        if writer is not None and self._maintaining:
            writer.connection.interrupt()

    def _close_readers(self) -> None:
        while self._readers:
            self._readers.pop()[1].connection.close()

    def _run(self, workers: Workers, work: Callable[[], T]) -> Deferred[T]:
        if self._stopped:
            return fail(sqlite3.OperationalError("the store is closed"))
        return workers.run(work)

    async def _maintain(self) -> None:
        try:
            # Do a second of work at a time, so that deliveries have their turn in between.
            while not self._stopped and await self.write(self._maintenance):
                pass
        except sqlite3.OperationalError:  # a full disk, which deliveries report
            pass
        except Exception:
            self._log.failure("the store's maintenance failed; it is tried again")
        finally:
            self._maintaining = False

    def _maintenance(self, writer: Writer) -> bool:
        return writer.maintenance(self.clock.seconds())

    def _write(self, work: Callable[[Writer], T]) -> T:
        if self._identity is not None and not self._identity.is_there():
            self._let_go(self._identity)
        try:
            return self._attempt(work)
        except sqlite3.DatabaseError as error:
            if not is_corrupt(error):
                raise
            self._quarantine(str(error))
            return work(self._open_writer())

    def _attempt(self, work: Callable[[Writer], T]) -> T:
        """Run work; if the file is full, evict and try again: one eviction may free too little."""
        writer = self._open_writer()
        for _ in range(MAX_EVICTIONS):
            try:
                return work(writer)
            except sqlite3.OperationalError as error:
                # Look for the words `database or disk is full`: in Python 3.10 errors have no code.
                if "full" not in str(error) or not writer.evict():
                    raise
        return work(writer)

    def _open_writer(self) -> Writer:
        if self._lock is None:
            self._lock = take_lock(self.path)
        if self._writer is None:
            connection = open_for_writing(self.path, self._max_bytes)
            self._writer = Writer(
                connection, self.tiers, self._max_bytes, self.losses,
                max_series=self.max_series, on_deleted=self.on_deleted,
            )  # fmt: skip
            self._identity = FileIdentity(self.path)
            self._created = True
        return self._writer

    def _let_go(self, identity: FileIdentity) -> None:
        """Close a file that was deleted or replaced, and its lock, which may be deleted as well."""
        self._log.error(
            "{path} was {how}: its content is lost, and the store goes on with {what}",
            path=str(self.path),
            how="replaced" if self.path.exists() else "deleted",
            what="the new file" if self.path.exists() else "an empty one",
        )
        self._close_writer()
        self.generation += 1
        self._close_readers()
        identity.remove_beside()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _close_writer(self) -> None:
        if self._writer is not None:
            self._writer.connection.close()
        self._writer = self._identity = None

    def _quarantine(self, reason: str) -> None:
        """Rename the file; the next caller begins a new one."""
        self._close_writer()
        self.generation += 1
        aside = quarantine(self.path, self.clock.seconds())
        self._log.error(
            "{path} is corrupt ({reason}): quarantined as {aside}; a new file is begun",
            path=str(self.path),
            reason=reason,
            aside=str(aside),
        )

    def _read(self, work: Callable[[Reader], T], query: Query) -> T:
        """Run work with a reader; if it finds damage, have the writer check the file.

        A reader of the previous generation may find damage in a file that was already renamed.
        """
        query.raise_if_ended()
        generation, reader = self._acquire_reader()
        self._busy.add(reader)
        try:
            return reader.answer(work, query)
        except sqlite3.DatabaseError as error:
            if is_corrupt(error):
                self._writing.run(lambda: self._write(verify)).addErrback(lambda _: None)
            raise
        finally:
            self._busy.discard(reader)
            if generation == self.generation:
                self._readers.append((generation, reader))
            else:
                reader.connection.close()

    def _acquire_reader(self) -> tuple[int, Reader]:
        """Return a reader that no other thread is using."""
        while self._readers:
            generation, reader = self._readers.pop()
            if generation == self.generation:
                return generation, reader
            reader.connection.close()
        return self.generation, Reader(open_for_reading(self.path), self.tiers, self.losses)

    def _close(self) -> None:
        """Write back the WAL, and close file and lock; don't wait for locks of other programs."""
        if self._writer is not None:
            with suppress(sqlite3.Error):
                self._writer.connection.execute("PRAGMA busy_timeout = 0")
                self._writer.connection.execute("PRAGMA optimize")
            write_back(self._writer.connection)
        self._close_writer()
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def verify(writer: Writer) -> None:
    """Raise sqlite3.DatabaseError if the file is corrupt; this reads the whole file."""
    (result,) = writer.connection.execute("PRAGMA quick_check(1)").fetchone()
    if result != "ok":
        raise sqlite3.DatabaseError(f"database disk image is malformed: {result}")
