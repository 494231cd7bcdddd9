"""How far clients have come, and what was committed of it."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from zibrato.daemon.outbox import client_sequences
from zibrato.daemon.outbox.client_sequences import MAX_AGE, ClientSequences, Seen


class ClientSequencesTests(SynchronousTestCase):
    """The table of an intake, and the rounds in which it is committed."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1000)
        self.sequences = ClientSequences(self.clock)
        self.sequences.load({"old": Seen(7, 900.0)})

    def test_knows_what_was_committed_and_what_was_taken_in(self) -> None:
        self.sequences.take("new", 3)
        self.sequences.take("new", 4)
        self.assertEqual(self.sequences.highest("old"), 7)
        self.assertEqual(self.sequences.highest("new"), 4)
        self.assertIsNone(self.sequences.highest("other"))

    def test_what_is_loaded_late_does_not_undo_what_came_meanwhile(self) -> None:
        self.sequences.take("new", 4)
        self.sequences.load({"new": Seen(2, 1.0), "older": Seen(1, 1.0)})
        self.assertEqual(self.sequences.highest("new"), 4)
        self.assertEqual(self.sequences.highest("older"), 1)

    def test_a_round_has_what_changed_since_the_one_before(self) -> None:
        self.sequences.take("new", 3)
        self.assertTrue(self.sequences.changed)
        commit = self.sequences.begin()
        self.assertEqual(commit.seen, {"new": Seen(3, 1000.0)})
        self.sequences.succeed(commit)
        self.assertFalse(self.sequences.changed)
        self.assertEqual(self.sequences.begin().seen, {})

    def test_fires_for_what_was_taken_in_before_a_round_began(self) -> None:
        self.sequences.take("new", 3)
        first = self.sequences.committed()
        commit = self.sequences.begin()
        second = self.sequences.committed()
        self.assertNoResult(first)
        self.sequences.succeed(commit)
        self.successResultOf(first)
        self.assertNoResult(second)
        self.assertTrue(self.sequences.changed)
        self.sequences.succeed(self.sequences.begin())
        self.successResultOf(second)

    def test_what_fails_is_in_the_next_round(self) -> None:
        self.sequences.take("new", 3)
        waiting = self.sequences.committed()
        commit = self.sequences.begin()
        self.sequences.take("new", 4)
        self.sequences.fail(commit)
        self.assertNoResult(waiting)
        commit = self.sequences.begin()
        self.assertEqual(commit.seen, {"new": Seen(4, 1000.0)})
        self.sequences.succeed(commit)
        self.successResultOf(waiting)

    def test_one_can_stop_waiting(self) -> None:
        early, late = self.sequences.committed(), self.sequences.committed()
        early.cancel()
        commit = self.sequences.begin()
        late.cancel()
        self.sequences.succeed(commit)
        self.failureResultOf(early)
        self.failureResultOf(late)

    def test_forgets_who_was_silent_for_long(self) -> None:
        self.sequences.take("new", 3)
        self.clock.advance(MAX_AGE - 50)
        commit = self.sequences.begin()
        self.assertEqual(commit.forgotten, {"old"})
        self.assertIsNone(self.sequences.highest("old"))
        self.assertEqual(self.sequences.highest("new"), 3)
        self.sequences.fail(commit)
        self.assertEqual(self.sequences.begin().forgotten, {"old"})

    def test_forgets_the_oldest_of_too_many(self) -> None:
        self.patch(client_sequences, "MAX_CLIENTS", 2)
        self.sequences.take("a", 1)
        self.sequences.take("b", 1)
        self.sequences.take("a", 2)
        self.assertEqual(self.sequences.begin().forgotten, {"old"})
        self.sequences.take("c", 1)
        commit = self.sequences.begin()
        self.assertEqual(commit.forgotten, {"b"})
        self.assertEqual(commit.seen.keys(), {"c"})
