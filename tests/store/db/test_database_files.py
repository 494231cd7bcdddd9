"""The files behind the database: deleted, replaced, and as a stop leaves them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from shutil import rmtree

from twisted.internet.defer import Deferred
from twisted.logger import ILogObserver, LogEvent, Logger, formatEvent
from zope.interface import implementer

from tests.store.cases import START, StoreTestCase, snapshot
from zibrato.files import sqlite_file
from zibrato.model import COUNTER, GAUGE, TIMER, Series, Summary
from zibrato.store.db.database import Database
from zibrato.store.db.files import lock
from zibrato.store.db.reader import Reader


class ReplacedFileTests(StoreTestCase):
    """A file that another program deletes or replaces."""

    def setUp(self) -> None:
        super().setUp()
        self.lines: list[str] = []

        @implementer(ILogObserver)
        def observer(event: LogEvent) -> None:
            self.lines.append(formatEvent(event))

        self.patch(Database, "_log", Logger(observer=observer))

    def test_a_deleted_one_is_begun_anew_and_that_is_said_once(self) -> None:
        self.outbox.put(snapshot(START))
        self.assertEqual(self.total(), 1.0)
        self.path.unlink()
        for start in (START + 10, START + 20):
            self.outbox.put(snapshot(start, 5.0))
        self.assertEqual(self.total(), 10.0)
        self.stop()
        (line,) = self.lines
        self.assertRegex(line, "was deleted: .* goes on with an empty one")
        self.assertEqual([part.name for part in self.files()], ["file", "file.lock"])
        self.open()
        self.assertEqual(self.total(), 10.0)
        self.stop()

    def test_of_another_file_in_its_place_nothing_is_mixed_with_it(self) -> None:
        self.outbox.put(snapshot(START, 7.0))
        self.stop()
        self.path.rename(f"{self.path}.old")
        self.open()
        others = {Series(COUNTER, f"other.{number}", ""): Summary(1, 1.0) for number in range(99)}
        self.outbox.put(snapshot(START)._replace(summaries=others))
        Path(f"{self.path}.old").rename(self.path)
        self.outbox.put(snapshot(START + 10, 5.0))
        self.assertEqual(self.total(), 12.0)
        shown = self.store.live.series(START)
        self.assertEqual({series.name for series in shown}, {COUNTER, TIMER, GAUGE})
        self.stop()
        self.assertRegex(" ".join(self.lines), "was replaced: .* goes on with the new file")
        with closing(sqlite3.connect(self.path)) as connection:
            self.assertEqual(connection.execute("PRAGMA integrity_check").fetchone(), ("ok",))

    def test_a_directory_that_goes_with_it_is_made_again_and_locked(self) -> None:
        self.outbox.put(snapshot(START))
        self.path.parent.rename(f"{self.path.parent}.gone")
        self.addCleanup(rmtree, f"{self.path.parent}.gone")
        self.outbox.put(snapshot(START + 10, 5.0))
        self.assertEqual(self.total(), 5.0)
        with self.assertRaises(OSError):
            lock(self.path)
        self.stop()
        lock(self.path).close()

    def test_a_foreign_one_in_its_place_is_left_alone_until_it_is_gone(self) -> None:
        self.outbox.put(snapshot(START))
        self.path.unlink()
        with closing(sqlite3.connect(self.path)) as connection:
            connection.execute("CREATE TABLE bookmarks (url)")
        self.outbox.put(snapshot(START + 10, 5.0))
        self.assertEqual(self.outbox.pending, 4)
        with closing(sqlite3.connect(self.path)) as connection:
            tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
        self.assertEqual(tables, [("bookmarks",)])
        self.path.unlink()
        self.clock.advance(60)
        self.assertEqual((self.outbox.pending, self.total()), (0, 5.0))
        self.stop()

    def files(self) -> list[Path]:
        return sorted(self.path.parent.iterdir())


class StopTests(StoreTestCase):
    """What a stop leaves, and what it waits for."""

    def test_all_is_in_one_file_after_it(self) -> None:
        self.outbox.put(snapshot(START))
        self.total()  # with a reader
        self.stop()
        names = sorted(part.name for part in self.path.parent.iterdir())
        self.assertEqual(names, ["file", "file.lock"])
        self.assertGreater(self.path.stat().st_size, 4096)

    def test_all_is_in_the_file_even_if_another_program_has_it_open(self) -> None:
        self.outbox.put(snapshot(START))
        with closing(sqlite3.connect(self.path)) as other:
            other.execute("SELECT * FROM series").fetchall()
            self.stop()
            self.assertEqual(Path(f"{self.path}-wal").stat().st_size, 0)

    def test_the_lock_of_another_program_is_not_waited_for(self) -> None:
        self.patch(sqlite_file, "BUSY", 600.0)  # which would outlast the test
        self.outbox.put(snapshot(START))
        with closing(sqlite3.connect(self.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            other.execute("DELETE FROM series")
            self.stop()

    def test_a_query_is_interrupted(self) -> None:
        self.outbox.put(snapshot(START))

        def stop_once() -> None:
            if not stops:
                stops.append(Deferred.fromCoroutine(self.database.stop()))

        def endless(reader: Reader) -> None:
            reader.connection.set_progress_handler(stop_once, 1000)
            query = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i FROM n) SELECT * FROM n"
            for _ in reader.connection.execute(query):
                pass

        stops: list[Deferred[None]] = []
        self.failureResultOf(self.database.read(endless), sqlite3.OperationalError)
        self.successResultOf(stops[0])
