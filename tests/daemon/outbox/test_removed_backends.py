"""What waits for a backend that isn't configured: kept until it is again, or too old."""

from __future__ import annotations

from tests.daemon.outbox.journals import JournalCase, Running
from tests.daemon.outbox.outboxes import FakeBackend, postpone
from zibrato.daemon.outbox.file import measurements_in
from zibrato.daemon.outbox.outbox import MAX_AGE, Outbox


class RemovedBackendTests(JournalCase):
    """A file in which two intervals wait for the backend `fake`, and a daemon without it."""

    def setUp(self) -> None:
        super().setUp()
        self.backend.answer = postpone()
        for _ in range(2):
            self.running.count()
            self.running.flush()
        self.running.crash()
        self.backend.answer = self.backend.take
        self.backend.given.clear()
        self.log = self.logged(self.start_without)

    def start_without(self) -> None:
        self.running = Running(self.clock, self.path, {"other": FakeBackend()})

    def start_with(self) -> None:
        self.running.crash()
        self.running = Running(self.clock, self.path, {"fake": self.backend})

    def dropped(self, reason: str) -> int:
        return self.running.total("backend.dropped", backend="fake", reason=reason)

    def test_a_warning_says_how_much_waits_and_how_long(self) -> None:
        self.assertEqual(
            [line for line in self.log if "fake" in line],
            [
                "there is no backend fake now: the 2 measurements that wait for it stay in the "
                "outbox until it is back, or they are 7 days old"
            ],
        )

    def test_it_arrives_once_the_backend_is_back(self) -> None:
        self.running.count()
        self.running.flush()
        self.start_with()
        self.assertEqual(len(self.backend.given), 2)
        self.assertEqual(self.running.total("outbox.restored"), 2)
        self.assertEqual(self.running.total("backend.delivered", backend="fake"), 2)
        self.assertEqual(measurements_in(self.path), {})

    def test_a_backend_that_joins_the_running_daemon_gets_it(self) -> None:
        outbox = Outbox(self.backend, self.clock, self.running.metrics)
        self.running.journal.join(outbox)
        self.assertEqual(len(self.backend.given), 2)
        self.assertEqual(self.running.total("outbox.restored"), 2)
        self.running.journal.tick()
        self.assertEqual(measurements_in(self.path), {})

    def test_what_is_too_old_is_dropped_and_counted(self) -> None:
        self.clock.advance(MAX_AGE - 5)  # since the end of the second
        self.running.journal.tick()
        self.assertEqual(self.dropped("expired"), 1)
        self.assertEqual(self.running.total("outbox.restored"), 1)
        self.assertEqual(measurements_in(self.path), {"fake": 1})
        self.clock.advance(10)
        self.running.journal.tick()
        self.assertEqual(self.dropped("expired"), 2)
        self.assertEqual(measurements_in(self.path), {})
        self.start_with()
        self.assertEqual(self.backend.given, [])

    def test_what_was_in_a_file_that_is_lost_is_counted(self) -> None:
        self.path.unlink()
        self.path.write_bytes(b"no database" * 1000)
        self.running.count()
        self.running.flush()
        self.assertEqual(self.dropped("corrupt"), 2)
