"""The file behind its writer and readers: opened, found corrupt, full, and closed."""

from __future__ import annotations

import os
import sqlite3
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn

from twisted.internet.defer import Deferred

from tests.store.cases import START, C, StoreTestCase, snapshot
from zibrato.distribution import Distribution
from zibrato.model import GAUGE, Series, Summary
from zibrato.store.db import retention
from zibrato.store.db.database import verify
from zibrato.store.db.reader import Reader
from zibrato.store.db.writer import Writer


def malformed(_: Reader | Writer) -> NoReturn:
    """Fail as SQLite does where it reads damage."""
    raise sqlite3.DatabaseError("database disk image is malformed")


class CorruptFileTests(StoreTestCase):
    """Damage, wherever it shows."""

    def quarantined(self) -> list[Path]:
        """Return the files that were renamed."""
        return [*self.path.parent.glob(f"{self.path.name}.corrupt-*")]

    def test_a_corrupt_file_is_quarantined_when_opened(self) -> None:
        self.path.write_bytes(os.urandom(100_000))
        self.outbox.put(snapshot(START))
        self.assertEqual(self.total(), 1.0)
        self.stop()
        (aside,) = self.quarantined()
        self.assertEqual(aside.stat().st_size, 100_000)

    def test_a_file_that_becomes_corrupt_is_quarantined_too(self) -> None:
        self.outbox.put(snapshot(START))
        self.total()

        self.failureResultOf(self.database.write(malformed), sqlite3.DatabaseError)
        self.outbox.put(snapshot(START + 10, 5.0))
        self.assertEqual(self.total(), 5.0)
        self.stop()
        self.assertTrue(Path(f"{self.path}.corrupt-{START}").exists())

    def test_a_reader_that_finds_damage_has_the_file_verified(self) -> None:
        self.outbox.put(snapshot(START))

        self.failureResultOf(self.database.read(malformed), sqlite3.DatabaseError)
        self.assertEqual(self.total(), 1.0)  # it is intact, and stays
        self.assertEqual(self.quarantined(), [])
        self.stop()

    def test_damage_in_the_midst_of_a_file_is_found(self) -> None:
        self.outbox.put(snapshot(START))
        self.stop()
        data = bytearray(self.path.read_bytes())
        data[4096:] = os.urandom(len(data) - 4096)
        self.path.write_bytes(data)
        self.open()
        self.outbox.put(snapshot(START + 10, 5.0))
        self.clock.advance(1)
        self.assertEqual(self.total(), 5.0)
        self.stop()
        self.assertTrue(Path(f"{self.path}.corrupt-{START}").exists())

    def test_after_the_stop_nothing_opens_the_file_again(self) -> None:
        self.stop()
        for asking in (self.database.read, self.database.write):
            self.failureResultOf(asking(lambda _: None), sqlite3.OperationalError)
        self.database.maintain()

    def test_a_reader_of_a_quarantined_file_is_not_used_again(self) -> None:
        self.outbox.put(snapshot(START))
        readers: list[Reader] = []

        def quarantine_meanwhile(reader: Reader) -> None:
            readers.append(reader)
            self.failureResultOf(self.database.write(malformed), sqlite3.DatabaseError)

        self.successResultOf(self.database.read(quarantine_meanwhile))
        with self.assertRaisesRegex(sqlite3.ProgrammingError, "closed"):
            readers[0].series()
        self.outbox.put(snapshot(START + 10, 5.0))
        self.assertEqual(self.total(), 5.0)
        self.stop()

    def test_an_idle_reader_of_a_quarantined_file_is_closed(self) -> None:
        self.outbox.put(snapshot(START))
        readers: list[Reader] = []
        for _ in range(2):
            self.successResultOf(self.database.read(readers.append))
        self.assertIs(readers[0], readers[1])
        self.failureResultOf(self.database.write(malformed), sqlite3.DatabaseError)
        self.outbox.put(snapshot(START + 10, 5.0))
        self.assertEqual(self.total(), 5.0)
        with self.assertRaisesRegex(sqlite3.ProgrammingError, "closed"):
            readers[0].series()
        self.stop()

    def test_verifying_finds_a_page_that_nobody_reads(self) -> None:
        points = [(C, start, Summary(1, 1.0)) for start in range(START, START + 5000)]
        self.successResultOf(self.database.write(lambda writer: writer.add(points)))
        self.successResultOf(self.database.write(verify))
        self.stop()
        data = self.path.read_bytes()
        self.path.write_bytes(data[:-4096] + os.urandom(4096))
        self.open()
        self.successResultOf(self.database.write(lambda _: None))
        self.assertEqual(self.quarantined(), [])
        self.successResultOf(self.database.write(verify))  # in the end, of a new file
        self.assertEqual(len(self.quarantined()), 1)
        self.stop()


class FullFileTests(StoreTestCase):
    """A file at max_bytes."""

    def test_the_oldest_rows_are_evicted_where_a_write_finds_no_room(self) -> None:
        self.open(max_bytes=1 << 20)
        many = [Series(GAUGE, f"g.{number}", "") for number in range(200)]
        starts = range(START, START + 2000, 10)
        for start in starts:  # without maintenance, which evicts before the file is full
            points = [(series, start, Summary(1, 0.1, 0.1, 0.1, 0.1, 0.1)) for series in many]
            self.successResultOf(self.database.write(partial(Writer.add, points=points)))
        kept = self.successResultOf(self.database.read(lambda reader: self.starts(reader, starts)))
        self.assertEqual(kept, [*starts][-len(kept) :])
        self.assertIn(len(kept), range(20, len(starts)))
        self.stop()
        self.assertLessEqual(self.path.stat().st_size, 1 << 20)

    @staticmethod
    def starts(reader: Reader, starts: range) -> list[int]:
        """Return the starts at which the file has anything."""
        return reader.slots([*reader.series()], starts.start, starts.stop, starts.stop, 1).times()

    def test_an_interval_of_a_fifth_of_the_file_finds_room(self) -> None:
        self.open(max_bytes=1 << 20)
        many = [Series(GAUGE, f"g.{number}", "") for number in range(700)]
        one = Summary(9, 0.1, 0.1, 0.1, 0.1, 0.1, Distribution([0.1 * n for n in range(1, 30)]))
        for start in range(START, START + 100, 10):
            points = [(series, start, one) for series in many]
            self.successResultOf(self.database.write(partial(Writer.add, points=points)))
            self.successResultOf(self.database.write(lambda writer: writer.maintenance(START)))
        starts = range(START, START + 100, 10)
        kept = self.successResultOf(self.database.read(lambda reader: self.starts(reader, starts)))
        self.assertEqual(kept, [*starts][-len(kept) :])
        self.assertIn(len(kept), range(2, 10))
        self.stop()

    def test_a_full_disk_below_the_bound_evicts_nothing(self) -> None:
        self.outbox.put(snapshot(START))
        self.patch(retention, "disk_usage", lambda _path: SimpleNamespace(free=1 << 20))

        def full(_writer: Writer) -> NoReturn:
            raise sqlite3.OperationalError("database or disk is full")

        self.failureResultOf(self.database.write(full), sqlite3.OperationalError)
        self.assertEqual(self.total(), 1.0)
        self.stop()


class MaintenanceTests(StoreTestCase):
    """What is done in the background."""

    def test_it_goes_on_until_nothing_is_due(self) -> None:
        for start in range(START, START + 100, 10):
            self.outbox.put(snapshot(start))
        self.clock.advance(4 * 86400)
        self.database.maintain()
        self.assertFalse(self.successResultOf(self.database.write(self.due)))
        self.stop()

    def test_what_fails_is_logged_and_tried_again(self) -> None:
        self.outbox.put(snapshot(START))

        def fail(_now: float) -> NoReturn:
            raise ValueError("no maintenance")

        writer = self.successResultOf(self.database.write(lambda writer: writer))
        self.patch(writer, "maintenance", fail)
        self.database.maintain()
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        self.database.maintain()
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        self.stop()

    def test_one_round_is_under_way_at_a_time(self) -> None:
        rounds: list[Deferred[bool]] = []

        def write(_work: object) -> Deferred[bool]:
            rounds.append(Deferred())
            return rounds[-1]

        self.patch(self.database, "write", write)
        self.database.maintain()
        self.database.maintain()
        self.assertEqual(len(rounds), 1)
        rounds[0].callback(True)
        self.assertEqual(len(rounds), 2)
        rounds[1].callback(False)
        self.database.maintain()
        self.assertEqual(len(rounds), 3)

    def due(self, writer: Writer) -> bool:
        """Whether the writer has anything to do."""
        return writer.maintenance(self.clock.seconds())
