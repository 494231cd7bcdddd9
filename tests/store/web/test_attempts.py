"""Wrong credentials from one address have to wait longer each time; others don't."""

from __future__ import annotations

from unittest.mock import patch

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from zibrato.store.web import attempts
from zibrato.store.web.attempts import AT_ONCE, FORGET, MAX_WAIT, Attempts

RIGHT = b"Basic cmlnaHQ="


class AttemptsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.attempts = Attempts(self.clock.seconds)
        self.number = 0

    def guess(self, host: str | None = "10.0.0.1", count: int = 1) -> None:
        """Come with so many different wrong credentials."""
        for _ in range(count):
            self.number += 1
            self.attempts.wrong(host, b"Basic %d" % self.number)

    def wait(self, host: str | None = "10.0.0.1") -> float:
        return self.attempts.wait(host, RIGHT)

    def test_each_guess_past_the_first_few_doubles_the_wait(self) -> None:
        self.guess(count=AT_ONCE - 1)
        self.assertEqual(self.wait(), 0)
        waits = []
        for _ in range(8):
            self.guess()
            waits.append(self.wait())
            self.clock.advance(waits[-1] - 0.5)
            self.assertEqual(self.wait(), 0.5)
            self.clock.advance(0.5)
            self.assertEqual(self.wait(), 0)
        self.assertEqual(waits, [1, 2, 4, 8, 16, 32, MAX_WAIT, MAX_WAIT])

    def test_other_addresses_do_not_wait(self) -> None:
        self.guess(count=AT_ONCE)
        self.guess("::ffff:10.0.0.3", AT_ONCE)
        for other in ("10.0.0.2", "::1", "::ffff:10.0.0.2", None):
            self.assertEqual(self.wait(other), 0)
        self.assertGreater(self.wait("10.0.0.3"), 0)

    def test_the_addresses_of_one_network_of_ipv6_are_one(self) -> None:
        for number in range(AT_ONCE):
            self.guess(f"2001:db8::{number}")
        self.assertGreater(self.wait("2001:db8::ffff"), 0)
        self.assertEqual(self.wait("2001:db8:0:1::1"), 0)

    def test_clients_of_a_unix_socket_are_one(self) -> None:
        self.guess(None, AT_ONCE)
        self.assertGreater(self.wait(None), 0)

    def test_the_same_wrong_ones_again_are_no_guess(self) -> None:
        for _ in range(AT_ONCE * 9):  # as of a daemon that nobody told of a new password
            self.attempts.wrong("10.0.0.1", b"Basic old")
        self.assertEqual(self.wait(), 0)
        self.guess(count=AT_ONCE)
        self.assertGreater(self.wait(), 0)
        self.assertEqual(self.attempts.wait("10.0.0.1", b"Basic old"), 0)

    def test_they_are_forgotten_after_a_while(self) -> None:
        self.guess(count=AT_ONCE + 20)
        self.clock.advance(FORGET)
        self.guess(count=AT_ONCE - 1)
        self.assertEqual(self.wait(), 0)

    def test_the_memory_is_bounded(self) -> None:
        with patch.object(attempts, "MAX_ADDRESSES", 3):
            for number in range(5):
                self.guess(f"10.0.0.{number}", AT_ONCE)
        self.assertEqual([self.wait(f"10.0.0.{number}") > 0 for number in range(5)],
                         [False, False, True, True, True])  # fmt: skip
        self.assertEqual(len(self.attempts), 3)

    def test_neither_password_nor_user_is_kept(self) -> None:
        self.attempts.wrong("10.0.0.1", b"Basic secret")
        self.assertNotIn("secret", repr(vars(self.attempts)))
