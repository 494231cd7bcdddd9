"""The account adds up for each backend, whatever happens to the daemon."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from twisted.internet.defer import Deferred, fail

from tests.daemon.outbox.journals import NOW, Running
from tests.daemon.outbox.outboxes import FakeBackend
from tests.fake_reactor import FakeReactor
from tests.soak import rounds
from zibrato.daemon.outbox.file import Changes
from zibrato.interfaces import Delivery, RetryLater
from zibrato.model import Identity

NAMES = ("a", "b")


class Recording(FakeBackend):
    """Takes what it is given while it is `there`."""

    def __init__(self) -> None:
        super().__init__()
        self.there = True
        self.answer = self.choose

    def choose(self, delivery: Delivery) -> Deferred[None]:
        if not self.there:
            return fail(RetryLater("away"))
        return self.take(delivery)


def files_of(path: Path) -> dict[Path, bytes]:
    """Return what a daemon that is killed now leaves: no process checks the WAL in for it."""
    parts = (path, Path(f"{path}-wal"))
    return {part: part.read_bytes() for part in parts if part.exists()}


class AmidCommit:
    """Takes the files as they are at some statement, and what waits in them."""

    def __init__(self, daemons: Daemons, statement: int) -> None:
        self.files: dict[Path, bytes] = {}
        self.left: dict[str, int] = {}
        self.unnoted: dict[str, int] = {}
        self._daemons = daemons
        self._statements = statement
        disk = daemons.running.journal._disk
        assert disk is not None
        file = disk._file
        self._connection = file._connection if file is not None else None
        if self._connection is not None:
            self._connection.set_trace_callback(self._count)

    def _count(self, _statement: str) -> None:
        self._statements -= 1
        if self._statements == 0:
            self.files = files_of(self._daemons.path)
            self.left = {name: self._daemons.in_file(name) for name in NAMES}
            self.unnoted = {name: self._daemons.gone(name) for name in NAMES}

    def stop(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.ProgrammingError):  # closed, for its file was deleted
                self._connection.set_trace_callback(None)

    def put_back(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self._daemons.path}{suffix}").unlink(missing_ok=True)
        for part, content in self.files.items():
            part.write_bytes(content)


class Daemons(RuleBasedStateMachine):
    """One daemon after the other on one file, each with two backends."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = TemporaryDirectory()
        self.path = Path(self.directory.name, "outbox")
        self.clock = FakeReactor()
        self.clock.advance(NOW)
        self.backends = {name: Recording() for name in NAMES}
        self.disk_is_full = False
        self.open = 0
        """At most so many measurements are in open intervals."""
        self.running = self.start()

    def start(self, max_file_bytes: int = 1 << 30) -> Running:
        self.running = Running(
            self.clock, self.path, dict(self.backends), max_file_bytes=max_file_bytes
        )
        self.disk_is_full = False
        disk = self.running.journal._disk
        assert disk is not None
        commit = disk.commit

        def commit_if_there_is_room(changes: Changes) -> list[tuple[Identity, int]]:
            if self.disk_is_full:
                raise sqlite3.OperationalError("database or disk is full")
            return commit(changes)

        disk.commit = commit_if_there_is_room  # type: ignore[method-assign]
        return self.running

    def in_file(self, name: str) -> int:
        """Return how many measurements wait in the file, or are under way and in it."""
        outbox = self.running.outboxes[name]
        return outbox.pending - sum(one.measurements for one in outbox.uncommitted())

    def gone(self, name: str) -> int:
        """Return how many measurements are delivered or dropped."""
        total = self.running.total
        return total("backend.delivered", backend=name) + total("backend.dropped", backend=name)

    @rule(count=st.integers(1, 3), level=st.sampled_from(["info", "error"]))
    def receive(self, count: int, level: str) -> None:
        for _ in range(count):
            self.running.count(1, level)
        self.open += count

    @rule()
    def flush(self) -> None:
        self.running.flush()
        self.open = 0

    @rule()
    def tick(self) -> None:
        self.running.journal.tick()

    @rule(name=st.sampled_from(NAMES))
    def come_or_go(self, name: str) -> None:
        self.backends[name].there = not self.backends[name].there
        self.running.outboxes[name].retry()

    @rule(small=st.booleans())
    def crash(self, small: bool) -> None:
        left = {name: self.in_file(name) for name in NAMES}
        was_full = self.disk_is_full
        self.running.crash()
        self.start(300 if small else 1 << 30)
        for name in NAMES:
            restored = self.running.total("outbox.restored", backend=name)
            # That a backend has something can't be noted on a full disk.
            assert restored >= left[name] if was_full else restored == left[name]

    @rule()
    def fill_or_free(self) -> None:
        self.disk_is_full = not self.disk_is_full

    @precondition(lambda self: not self.disk_is_full)
    @rule()
    def delete(self) -> None:
        """Delete the file; what is committed next begins it anew."""
        self.path.unlink(missing_ok=True)  # it may not have been begun anew yet
        self.running.count()
        self.flush()

    @rule(statement=st.integers(1, 30))
    def crash_amid_commit(self, statement: int) -> None:
        """Go on with the files as they were at some statement of what was committed."""
        amid = AmidCommit(self, statement)
        self.running.count()
        self.running.flush()
        amid.stop()
        if not amid.files:
            self.open = 0
            return
        self.open += 1
        after = {name: self.gone(name) for name in NAMES}
        self.running.crash()
        amid.put_back()
        self.start()
        for name in NAMES:
            restored = self.running.total("outbox.restored", backend=name)
            # Nothing that waited is lost; what comes again was taken, or dropped, just before.
            assert amid.left[name] <= restored
            assert restored <= amid.left[name] + self.open + amid.unnoted[name] + after[name]

    @rule(cut=st.integers(1, 20_000))
    def lose_the_tail(self, cut: int) -> None:
        files = files_of(self.path)
        self.running.crash()
        for part, content in files.items():
            part.write_bytes(content)
        wal = Path(f"{self.path}-wal")
        if wal.exists():
            wal.write_bytes(files[wal][:-cut])
        self.start()

    @rule()
    def damage(self) -> None:
        self.running.crash()
        for part in (self.path, Path(f"{self.path}-wal")):
            if part.exists():
                part.write_bytes(part.read_bytes()[:1000] + bytes(100))
        self.start()
        for name in NAMES:
            assert self.running.total("outbox.restored", backend=name) >= 0

    @invariant()
    def adds_up(self) -> None:
        for name in NAMES:
            total = self.running.total
            came = total("outbox.accepted", backend=name) + total("outbox.restored", backend=name)
            gone = total("backend.delivered", backend=name) + total("backend.dropped", backend=name)
            assert came == gone + self.running.outboxes[name].pending

    def teardown(self) -> None:
        self.running.crash()
        self.directory.cleanup()


TestDaemons = Daemons.TestCase
TestDaemons.settings = settings(max_examples=rounds(500), stateful_step_count=25, deadline=None)
