"""Clients that take too long are dropped; others are not."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource

from zibrato.store.web.site import DEADLINE, BoundedSite

HEAD = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n"


class Echo(Resource):
    """Answers with how large a body was."""

    isLeaf = True

    def render(self, request: Any) -> bytes:
        """Return the size of the body."""
        return b"%d %d" % (len(request.content.read()), request.too_large)


class SlowClientTests(SynchronousTestCase):
    """Bytes as they may come from a client."""

    def setUp(self) -> None:
        self.clock = Clock()
        site = BoundedSite(Echo(), self.clock)
        self.protocol = site.buildProtocol(None)
        self.transport = StringTransport()
        self.protocol.makeConnection(self.transport)

    def wait(self, data: bytes = b"") -> None:
        """Let the deadline pass, with some bytes on the way."""
        for _ in range(10):
            if not self.transport.disconnected:
                self.protocol.dataReceived(data)
            self.clock.advance(DEADLINE / 9)

    def test_who_says_nothing_is_dropped(self) -> None:
        self.wait()
        self.assertTrue(self.transport.disconnected)

    def test_who_trickles_the_first_line_is_dropped(self) -> None:
        self.wait(b"G")
        self.assertTrue(self.transport.disconnected)

    def test_who_trickles_headers_is_dropped(self) -> None:
        self.protocol.dataReceived(b"GET / HTTP/1.1\r\n")
        self.wait(b"X-Y: z\r\n")
        self.assertTrue(self.transport.disconnected)

    def test_who_trickles_a_body_is_dropped(self) -> None:
        self.protocol.dataReceived(HEAD.replace(b"10", b"99") + b"\r\n")
        self.wait(b"x")
        self.assertTrue(self.transport.disconnected)

    def test_who_has_asked_may_stay_and_ask_again(self) -> None:
        self.protocol.dataReceived(HEAD + b"\r\n0123456789")
        self.clock.advance(DEADLINE + 1)
        self.assertFalse(self.transport.disconnected)
        self.protocol.dataReceived(HEAD + b"\r\n0123456789")
        self.assertEqual(self.transport.value().count(b"10 0"), 2)

    def test_a_body_that_is_too_large_is_not_kept(self) -> None:
        self.protocol.dataReceived(HEAD.replace(b"10", b"2000000") + b"\r\n" + b"x" * 2_000_000)
        self.assertIn(b"0 1", self.transport.value())
