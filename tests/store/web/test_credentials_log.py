"""Wrong credentials in the log: said, and not more often than once a minute."""

from __future__ import annotations

from twisted.internet.address import IPv4Address, UNIXAddress
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from zibrato.store.web.credentials_log import LOG_EVERY, CredentialsLog

ADDRESS = IPv4Address("TCP", "192.0.2.7", 4711)


class CredentialsLogTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.log = CredentialsLog(self.clock.seconds)

    def lines(self, times: int) -> list[str | None]:
        """Return what that many wrong requests log."""
        with capturedLogs() as events:
            for _ in range(times):
                self.log.wrong(ADDRESS)
        return [formatEvent(event) for event in events]

    def test_the_first_is_logged_and_a_flood_once_a_minute(self) -> None:
        (line,) = self.lines(1000)
        assert line is not None
        self.assertIn("rejected 1 requests with a wrong user name or password", line)
        self.assertIn("the last from 192.0.2.7;", line)
        self.clock.advance(LOG_EVERY - 1)
        self.assertEqual(self.lines(1), [])
        self.clock.advance(1)
        (line,) = self.lines(1)
        assert line is not None
        self.assertIn("rejected 1001 requests", line)

    def test_a_client_of_a_unix_socket_has_no_address(self) -> None:
        for address in (UNIXAddress(None), None):
            with capturedLogs() as events:
                CredentialsLog(self.clock.seconds).wrong(address)
            self.assertIn("from a Unix socket", formatEvent(events[0]))
