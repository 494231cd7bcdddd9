"""What is committed before a backend sees it, and what a daemon that is killed finds again."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from twisted.internet.defer import Deferred

from tests.daemon.outbox.journals import NOW, JournalCase, Running
from tests.daemon.outbox.outboxes import FakeBackend, postpone
from zibrato.daemon.series_filter import SeriesFilter
from zibrato.interfaces import Delivery
from zibrato.levels import LevelFilter


class CommitTests(JournalCase):
    """Closed intervals."""

    def rows(self, table: str) -> int:
        with closing(sqlite3.connect(self.path)) as connection:
            return len(connection.execute(f"SELECT * FROM {table}").fetchall())  # noqa: S608 - a test's

    def test_an_interval_is_in_the_file_before_a_backend_sees_it(self) -> None:
        seen: list[int] = []

        def look(delivery: Delivery) -> Deferred[None]:
            seen.append(self.rows("snapshot"))
            return self.backend.take(delivery)

        self.backend.answer = look
        self.running.count(2)
        self.running.flush()
        self.assertEqual(seen, [1])
        self.assertEqual([self.rows("snapshot"), self.rows("piece"), self.rows("pending")], [0] * 3)

    def test_what_no_backend_gets_is_not_kept(self) -> None:
        self.running.outboxes["fake"].filter = SeriesFilter(LevelFilter.parse("error+"))
        self.running.count(level="info")
        self.running.flush()
        self.assertEqual(self.running.total("outbox.accepted"), 0)
        self.assertEqual(self.rows("snapshot"), 0)

    def test_what_a_killed_daemon_had_not_delivered_arrives_in_order(self) -> None:
        self.backend.answer = postpone()
        for value in (1, 2, 3):
            self.running.count(value)
            self.running.flush()
        self.backend.answer = self.backend.take
        self.backend.given.clear()
        again = self.restart()
        self.assertEqual(self.backend.given, [NOW, NOW + 10, NOW + 20])
        self.assertEqual(again.total("outbox.restored"), 3)
        self.assertEqual(again.total("backend.delivered"), 3)
        self.assertEqual(self.rows("snapshot"), 0)

    def test_the_same_snapshot_has_the_same_identity_after_a_restart(self) -> None:
        seen = []

        def look(delivery: Delivery) -> Deferred[None]:
            seen.append(tuple(delivery.identities))
            return postpone()(delivery)

        self.backend.answer = look
        self.running.count()
        self.running.flush()
        self.restart()
        self.assertEqual(len(seen), 2)
        self.assertEqual(len(set(seen)), 1)
        self.restart().flush()
        self.assertNotIn(None, seen[0])

    def test_each_backend_has_its_own_cursor_and_levels(self) -> None:
        away, there = FakeBackend(), FakeBackend()
        away.answer = postpone()
        filters = {"away": SeriesFilter(LevelFilter.parse("error+"))}
        running = Running(self.clock, self.path, {"away": away, "there": there}, filters)
        running.count(level="info")
        running.count(level="error")
        running.flush()
        self.assertEqual(running.total("backend.delivered", backend="there"), 2)
        self.assertEqual(running.outboxes["away"].pending, 1)
        running.crash()
        away.answer = away.take
        running = Running(self.clock, self.path, {"away": away, "there": there})
        self.assertEqual(running.total("backend.delivered", backend="away"), 1)
        self.assertEqual(running.total("backend.delivered", backend="there"), 0)
        self.assertEqual(len(there.given), 1)

    def test_two_backends_of_one_name_are_told_apart(self) -> None:
        first, second = FakeBackend(), FakeBackend()
        running = Running(self.clock, None, {"a": first, "b": second})
        second.name = first.name = "same"
        running = Running(self.clock, self.path, {"same": first})
        self.assertEqual([outbox.key for outbox in running.outboxes.values()], ["same"])

    def test_a_stop_leaves_what_is_pending_for_the_next_start(self) -> None:
        self.backend.answer = postpone()
        self.running.count(5)
        self.running.flush()
        logs = self.logged(lambda: self.successResultOf(self.stop()))
        self.assertIn("fake gets 1 measurements at the next start", logs)
        self.assertEqual(self.running.total("backend.dropped"), 0)
        self.backend.answer = self.backend.take
        self.assertEqual(self.start().total("backend.delivered"), 1)

    def test_a_backend_that_hangs_holds_up_no_other_and_no_flush(self) -> None:
        hanging, there = FakeBackend(), FakeBackend()
        hanging.answer = lambda _delivery: Deferred()
        running = Running(self.clock, self.path, {"hanging": hanging, "there": there})
        for _ in range(3):
            running.count()
            running.flush()
        self.assertEqual(len(there.given), 3)
        self.assertEqual(running.outboxes["hanging"].pending, 3)


class OpenIntervalTests(JournalCase):
    """What open intervals took in."""

    def test_what_was_open_a_second_ago_is_found_again(self) -> None:
        self.running.count(2)
        self.running.receive([b"info|timer|t|0.5\ninfo|gauge|g|7"])
        self.running.flush_lines()
        self.running.journal.tick()
        self.running.count(100)
        again = self.restart()
        again.count(3)
        again.flush()
        self.assertEqual(again.total("backend.delivered"), 4)
        again = self.restart()
        again.flush()
        self.assertEqual(again.total("backend.delivered"), 0)

    def test_it_survives_several_crashes_and_another_interval(self) -> None:
        self.running.count(2)
        self.running.journal.tick()
        for _ in range(3):
            again = self.restart()
            again.journal.tick()
        again.aggregator.interval = 7.0
        again.flush()
        again.flush()
        again = self.restart()
        again.flush()
        self.assertEqual(self.running.total("intake.received"), 0)

    def test_what_was_read_of_a_damaged_file_is_found_again_after_another_crash(self) -> None:
        for value in (2, 3):
            self.running.count(value)
            self.running.journal.tick()
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute("UPDATE open_interval SET frames = x'00' WHERE key = 2")
        again = self.restart()
        self.assertEqual(again.aggregator.pending, 1)
        again.journal.tick()
        self.assertEqual(self.restart().aggregator.pending, 1)

    def test_it_is_no_more_once_the_interval_is_closed(self) -> None:
        self.running.count()
        self.running.journal.tick()
        self.running.flush()
        self.assertEqual(self.restart().aggregator.pending, 0)

    def test_nothing_is_written_where_nothing_is_new(self) -> None:
        self.running.count()
        self.running.journal.tick()
        wrote: list[object] = []
        self.patch(self.running.journal._disk, "commit", wrote.append)
        self.running.journal.tick()
        self.assertEqual(wrote, [])


class ClientTests(JournalCase):
    """How far acknowledged clients have come."""

    def test_is_committed_with_what_they_sent(self) -> None:
        self.running.count()
        self.running.sequences.take("a", 4)
        waiting = self.running.sequences.committed()
        self.assertNoResult(waiting)
        self.running.journal.tick()
        self.successResultOf(waiting)
        again = self.restart()
        self.assertEqual(again.sequences.highest("a"), 4)
        self.assertEqual(again.aggregator.pending, 1)

    def test_is_committed_with_a_snapshot(self) -> None:
        self.running.count()
        self.running.sequences.take("a", 4)
        waiting = self.running.sequences.committed()
        self.running.flush()
        self.successResultOf(waiting)

    def test_waits_where_the_log_of_an_interval_is_incomplete(self) -> None:
        self.running.journal._frame_log._max_bytes = 10
        self.running.sequences.take("a", 4)
        self.running.count()
        waiting = self.running.sequences.committed()
        self.running.journal.tick()
        self.assertNoResult(waiting)
        self.running.flush()
        self.successResultOf(waiting)

    def test_does_not_wait_for_what_others_sent_too_much_of(self) -> None:
        self.running.journal._frame_log._worth = 10
        self.running.count()
        self.running.sequences.take("a", 4)
        waiting = self.running.sequences.committed()
        self.running.journal.tick()
        self.successResultOf(waiting)

    def test_in_memory_alone_it_is_told_with_the_next_turn(self) -> None:
        running = Running(self.clock, None, {"fake": self.backend})
        running.count()
        running.sequences.take("a", 4)
        waiting = running.sequences.committed()
        running.journal.tick()
        self.successResultOf(waiting)
        running.flush()
        self.assertEqual(running.total("backend.delivered"), 1)
