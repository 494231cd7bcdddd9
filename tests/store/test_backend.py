"""The backend behind an outbox: full disks, corrupt files, what is shown live."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.plugin import getPlugins
from zope.interface.verify import verifyObject

from tests.fake_reactor import FakeReactor
from tests.store.cases import START, C, StoreTestCase, snapshot
from zibrato.interfaces import BackendContext, IBackend, IBackendMaker
from zibrato.model import COUNTER, GAUGE, TIMER, Series, Snapshot, Summary
from zibrato.store.backend import make
from zibrato.store.db.threads import finished

CONTEXT = BackendContext(FakeReactor(), (50.0,))


class DeliveryTests(StoreTestCase):
    """What is delivered is in the file."""

    def test_is_found_by_its_name(self) -> None:
        (maker,) = [maker for maker in getPlugins(IBackendMaker) if maker.name == "store"]
        verifyObject(IBackend, maker.make({"path": self.mktemp()}, CONTEXT))

    def test_bad_settings_are_refused(self) -> None:
        for settings in ({"pth": "x"}, {"max_bytes": "3"}, {"max_bytes": "xG"}, {"retention": "x"}):
            self.assertRaises(ValueError, make, {"path": self.mktemp(), **settings}, CONTEXT)

    def test_keeps_what_is_delivered(self) -> None:
        for start in (START, START + 10):
            self.outbox.put(snapshot(start))
        self.assertEqual(self.total(), 2.0)
        self.stop()
        self.assertEqual(self.metrics.total("zibrato.backend.delivered"), 8)
        self.assertEqual(self.metrics.total("zibrato.backend.given_up"), 0)

    def test_a_full_disk_is_told_once_and_everything_is_kept_for_later(self) -> None:
        self.outbox.put(snapshot(START))
        self.successResultOf(self.database.write(self.fill))
        many = {Series(COUNTER, f"n{i}", "s"): Summary(1, 1.0) for i in range(3000)}
        self.outbox.put(snapshot(START + 10)._replace(summaries={**many, C: Summary(1, 7.0)}))
        self.outbox.put(snapshot(START + 20))
        self.clock.pump([5] * 20)
        self.assertEqual(self.metrics.total("zibrato.backend.delivered"), 4)
        self.assertGreater(self.metrics.total("zibrato.backend.retried"), 1)
        self.successResultOf(self.database.write(self.unfill))
        self.clock.pump([5] * 20)
        self.assertEqual(self.outbox.pending, 0)
        self.assertEqual(self.total(), 9.0)
        self.stop()

    @staticmethod
    def fill(writer: Any) -> None:
        """Make the file as large as SQLite will let it be."""
        (pages,) = writer.connection.execute("PRAGMA page_count").fetchone()
        writer.connection.execute(f"PRAGMA max_page_count = {pages}")

    @staticmethod
    def unfill(writer: Any) -> None:
        writer.connection.execute("PRAGMA max_page_count = 100000")

    def test_a_corrupt_file_is_quarantined_when_opened(self) -> None:
        self.path.write_bytes(os.urandom(100_000))
        self.outbox.put(snapshot(START))
        self.assertEqual(self.total(), 1.0)
        self.stop()
        (aside,) = self.path.parent.glob(f"{self.path.name}.corrupt-*")
        self.assertEqual(aside.stat().st_size, 100_000)

    def test_a_file_that_becomes_corrupt_is_quarantined_too(self) -> None:
        self.outbox.put(snapshot(START))
        self.total()

        def break_it(_: Any) -> None:
            raise sqlite3.DatabaseError("database disk image is malformed")

        self.failureResultOf(self.database.write(break_it), sqlite3.DatabaseError)
        self.outbox.put(snapshot(START + 10, 5.0))
        self.assertEqual(self.total(), 5.0)
        self.stop()
        self.assertTrue(Path(f"{self.path}.corrupt-{START}").exists())

    def test_a_reader_that_finds_damage_has_the_file_verified(self) -> None:
        self.outbox.put(snapshot(START))

        def read_it(_: Any) -> None:
            raise sqlite3.DatabaseError("database disk image is malformed")

        self.failureResultOf(self.database.read(read_it), sqlite3.DatabaseError)
        self.assertEqual(self.total(), 1.0)  # it is intact, and stays
        self.assertEqual(list(self.path.parent.glob(f"{self.path.name}.corrupt-*")), [])
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

    def test_a_cancelled_delivery_is_finished(self) -> None:
        work: Deferred[int] = Deferred()
        waiting = Deferred.fromCoroutine(finished(work))
        waiting.cancel()
        self.assertNoResult(waiting)
        work.callback(3)
        self.assertEqual(self.successResultOf(waiting), 3)


class LiveTests(StoreTestCase):
    """What those get who watch."""

    def watch(self) -> list[tuple[str, Any]]:
        """Return a list that events are added to as they come."""
        events: list[tuple[str, Any]] = []

        def add(data: bytes) -> None:
            for event in data.decode().split("\n\n")[:-1]:
                name, body = event.split("\n")
                events.append((name[7:], msgspec.json.decode(body[6:])))

        self.backend.live.subscribers.append(add)
        return events

    def test_each_interval_is_told_and_new_series_before_it(self) -> None:
        events = self.watch()
        self.outbox.put(snapshot(START))
        self.outbox.put(snapshot(START + 10, 4.0))
        self.assertEqual([name for name, _ in events], ["series", "interval", "interval"])
        self.assertEqual([each["kind"] for each in events[0][1]], [COUNTER, TIMER, GAUGE])
        (one, two, three) = (each["id"] for each in events[0][1])
        self.assertEqual(
            events[2][1],
            {
                "start": START + 10,
                "end": START + 20,
                "points": [
                    [one, 1, 4, None, None, None, None, None, None],
                    [two, 2, 3, 1, 2, 2, 1, 2, 2],
                    [three, 1, 4, 4, 4, 4, None, None, None],
                ],
            },
        )

    def test_who_fails_is_told_no_more_and_fails_no_delivery(self) -> None:
        def fail(_event: bytes) -> None:
            raise AttributeError("gone")

        self.backend.live.subscribers.append(fail)
        events = self.watch()
        self.outbox.put(snapshot(START))
        self.assertEqual(len(self.flushLoggedErrors(AttributeError)), 1)
        self.assertEqual([name for name, _ in events], ["series", "interval"])
        self.assertNotIn(fail, self.backend.live.subscribers)
        self.assertEqual(self.metrics.total("zibrato.backend.retried"), 0)

    def shown(self) -> dict[str, Any]:
        return {each.kind: each for each in self.backend.live.series(self.clock.seconds())}

    def test_the_list_has_the_newest_of_each_series(self) -> None:
        self.outbox.put(snapshot(START))
        self.outbox.put(snapshot(START + 30, 4.0))
        shown = self.shown()
        self.assertEqual(shown[COUNTER].spark, [1.0, None, None, 4.0])
        self.assertEqual((shown[COUNTER].last, shown[COUNTER].rate), (4.0, 0.4))
        self.assertEqual((shown[TIMER].last, shown[TIMER].rate), (2.0, 0.2))
        self.assertEqual((shown[GAUGE].last, shown[GAUGE].seen), (4.0, START + 30))

    def test_a_late_interval_changes_only_its_own_place(self) -> None:
        self.outbox.put(snapshot(START + 20, 3.0))
        self.outbox.put(snapshot(START, 1.0))
        self.outbox.put(snapshot(START - 1000, 1.0))
        shown = self.shown()
        self.assertEqual(shown[GAUGE].spark, [1.0, None, 3.0])
        self.assertEqual((shown[GAUGE].last, shown[GAUGE].seen), (3.0, START + 20))

    def test_a_series_that_fell_silent_has_no_rate(self) -> None:
        self.outbox.put(snapshot(START))
        self.clock.advance(1000)
        shown = self.shown()
        self.assertIsNone(shown[COUNTER].rate)
        self.assertEqual(shown[COUNTER].last, 1.0)

    def test_a_gap_longer_than_what_is_remembered_leaves_nothing_old(self) -> None:
        self.outbox.put(snapshot(START))
        self.outbox.put(snapshot(START + 100_000, 2.0))
        self.assertEqual(self.shown()[GAUGE].spark, [2.0])

    def test_a_restart_remembers_from_the_file(self) -> None:
        self.outbox.put(snapshot(START - 20, 2.0))
        self.outbox.put(snapshot(START - 10, 4.0))
        before = self.shown()
        self.stop()
        self.open()
        self.successResultOf(Deferred.fromCoroutine(self.backend.ready()))
        self.assertEqual(self.shown(), before)
        self.stop()

    def test_the_daemons_own_series_are_its_health(self) -> None:
        own = Series(COUNTER, "zibrato.intake.received", "s", (("reason", "x"),))
        for start in (START, START + 10):
            self.outbox.put(Snapshot(start, start + 10, {own: Summary(1, 3.0), C: Summary(1, 1.0)}))
        (health,) = self.backend.live.health()
        self.assertEqual((health.name, health.last, health.total), (own.name, 3.0, 6.0))
        self.assertEqual(health.tags, {"reason": "x"})
