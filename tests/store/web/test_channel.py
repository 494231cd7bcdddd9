"""Clients that take too long are dropped, others are not; answers wait for who reads them."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import capturedLogs, formatEvent
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from tests.store.web.raw_client import FullTransport
from zibrato.store.api.requests import MAX_BODY
from zibrato.store.web.channel import CLOSE_DEADLINE, DEADLINE, READ_DEADLINE
from zibrato.store.web.site import BoundedSite

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
LARGE = 1 << 20
HEAD = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n"


class Echo(Resource):
    """Answers with how large a body was."""

    isLeaf = True

    def render(self, request: Any) -> bytes:
        """Return the size of the body."""
        return b"%d %d" % (len(request.content.read()), request.too_large)


class Large(Resource):
    """Answers with more than a transport takes at once, and counts how often."""

    isLeaf = True
    answers = 0
    chunked = False

    def render(self, request: Any) -> bytes | int:
        """Return it, or write it without its length."""
        self.answers += 1
        if not self.chunked:
            return b"x" * LARGE
        request.write(b"x" * LARGE)
        request.finish()
        return NOT_DONE_YET


class SlowClientTests(SynchronousTestCase):
    """Bytes as they may come from a client."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.site = BoundedSite(Echo(), self.clock)
        self.protocol = self.site.buildProtocol(None)
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

    def test_a_body_of_no_length_is_not_kept_past_its_bound(self) -> None:
        chunk = b"%x\r\n%s\r\n" % (MAX_BODY, b"x" * MAX_BODY)
        self.protocol.dataReceived(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
        self.protocol.dataReceived(chunk + chunk + b"0\r\n\r\n")
        self.assertIn(b"1000000 1", self.transport.value())

    def test_nothing_parses_a_body_that_nobody_asks_for(self) -> None:
        """Twisted's own parser of this body takes four times as long for twice as much."""
        body = b'--x\r\nContent-Disposition: form-data; name="a"; x="' + b";" * 900_000
        head = HEAD.replace(b"10\r\n", b"%d\r\n" % len(body))
        kind = b"Content-Type: multipart/form-data; boundary=x\r\n\r\n"
        with patch("twisted.web.http._getMultiPartArgs", side_effect=AssertionError):
            self.protocol.dataReceived(head + kind + body)
        self.assertIn(b"%d 0" % len(body), self.transport.value())

    def test_no_timer_outlives_a_connection(self) -> None:
        for data in (b"", b"GET / HTTP/1.1\r\n", HEAD + b"\r\n0123456789"):
            protocol = self.site.buildProtocol(None)
            protocol.makeConnection(StringTransport())
            protocol.dataReceived(data)
            protocol.connectionLost(Failure(ConnectionDone()))
        self.protocol.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_connection_that_is_to_end_does(self) -> None:
        self.protocol.dataReceived(b"GET / HTTP/1.0\r\n\r\n")
        self.assertTrue(self.transport.disconnecting)
        self.clock.advance(CLOSE_DEADLINE)
        self.assertTrue(self.transport.disconnected)


class UnreadTests(SynchronousTestCase):
    """A client that asks on and on, and reads nothing for a while."""

    def setUp(self) -> None:
        self.clock, self.resource = Clock(), Large()
        self.protocol = BoundedSite(self.resource, self.clock).buildProtocol(None)
        self.transport = FullTransport()
        self.protocol.makeConnection(self.transport)

    def test_a_request_waits_until_the_answer_to_the_last_was_read(self) -> None:
        self.protocol.dataReceived(10 * GET)
        for answers in range(1, 10):
            self.assertEqual(self.resource.answers, answers)
            self.assertLess(len(self.transport.value()), 2 * LARGE)
            self.transport.read()
        self.assertEqual(self.resource.answers, 10)

    def test_no_more_is_read_from_it_meanwhile(self) -> None:
        self.protocol.dataReceived(GET)
        self.assertEqual(self.transport.producerState, "producing")
        self.protocol.dataReceived(GET)
        self.assertEqual(self.transport.producerState, "paused")
        self.transport.read()
        self.transport.read()
        self.assertEqual((self.resource.answers, self.transport.producerState), (2, "producing"))

    def test_who_never_reads_is_dropped(self) -> None:
        self.protocol.dataReceived(GET)
        self.clock.advance(READ_DEADLINE - 1)
        self.assertFalse(self.transport.disconnected)
        self.clock.advance(1)
        self.assertTrue(self.transport.disconnected)

    def test_who_leaves_before_reading_leaves_nothing_behind(self) -> None:
        self.protocol.dataReceived(2 * GET)
        self.protocol.connectionLost(Failure(ConnectionDone()))
        self.transport.read()
        self.assertEqual(self.resource.answers, 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_nor_is_more_kept_of_responses_without_a_length(self) -> None:
        self.resource.chunked = True
        self.test_all_together_have_so_much_to_read_at_most()

    def test_all_together_have_so_much_to_read_at_most(self) -> None:
        bound = patch("zibrato.store.web.channel.MAX_UNREAD", 5 * LARGE // 2)
        bound.start()
        self.addCleanup(bound.stop)
        others = [self.connected() for _ in range(4)]
        with capturedLogs() as logs:
            for protocol, _ in others:
                protocol.dataReceived(GET)
        dropped = [transport.disconnected for _, transport in others]
        self.assertEqual(dropped, [False, False, True, True])
        (line,) = map(formatEvent, logs)
        self.assertIn("wait to be read: a connection from", str(line))
        others[0][1].read()
        self.protocol.dataReceived(GET)
        self.assertFalse(self.transport.disconnected)

    def test_what_is_small_or_alone_is_never_too_much(self) -> None:
        bound = patch("zibrato.store.web.channel.MAX_UNREAD", LARGE // 2)
        bound.start()
        self.addCleanup(bound.stop)
        self.protocol.dataReceived(GET)
        protocol, transport = self.connected()
        protocol.write(b"x" * 1000)
        self.assertFalse(self.transport.disconnected or transport.disconnected)

    def connected(self) -> tuple[Any, FullTransport]:
        protocol, transport = self.protocol.factory.buildProtocol(None), FullTransport()
        protocol.makeConnection(transport)
        return protocol, transport
