"""Clients that take too long or read too slowly are dropped; others are not."""

from __future__ import annotations

from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource
from twisted.web.server import Request

from zibrato.store.live import Live
from zibrato.store.web.events import HEARTBEAT, MAX_WAITING, Subscriber
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


class Connection:
    """A request and its channel, as far as a subscriber uses them."""

    def __init__(self) -> None:
        self.channel = self
        self.written = b""
        self.aborted = False
        self.finished: Deferred[None] = Deferred()

    def setHeader(self, name: bytes, value: bytes) -> None:
        """Take no notice."""

    def notifyFinish(self) -> Deferred[None]:
        """Return what fires when the client goes."""
        return self.finished

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Take no notice."""

    def unregisterProducer(self) -> None:
        """Take no notice."""

    def write(self, data: bytes) -> None:
        """Keep what is written."""
        self.written += data

    def forceAbortClient(self) -> None:
        """Note that the client is dropped."""
        self.aborted = True
        self.finished.callback(None)


class SubscriberTests(SynchronousTestCase):
    """A subscriber on a clock."""

    def setUp(self) -> None:
        self.clock, self.live = Clock(), Live()
        self.connection = Connection()
        self.subscriber = Subscriber(cast(Request, self.connection), self.live, self.clock)
        self.subscriber.start()

    def test_events_and_heartbeats_are_sent(self) -> None:
        self.live.publish(b"event\n\n")
        self.assertTrue(self.connection.written.endswith(b"event\n\n"))
        self.clock.advance(HEARTBEAT)
        self.assertTrue(self.connection.written.endswith(b": still here\n\n"))

    def test_what_a_busy_connection_does_not_take_waits(self) -> None:
        self.subscriber.pauseProducing()
        self.live.publish(b"one")
        self.live.publish(b"two")
        self.assertNotIn(b"one", self.connection.written)
        self.subscriber.resumeProducing()
        self.assertTrue(self.connection.written.endswith(b"onetwo"))

    def test_too_much_that_waits_drops_the_client(self) -> None:
        self.subscriber.pauseProducing()
        self.live.publish(b"x" * MAX_WAITING)
        self.assertFalse(self.connection.aborted)
        self.live.publish(b"x")
        self.assertTrue(self.connection.aborted)
        self.assertEqual(self.live.subscribers, [])

    def test_a_client_that_reads_nothing_until_the_heartbeat_is_dropped(self) -> None:
        self.subscriber.pauseProducing()
        self.clock.advance(HEARTBEAT)
        self.assertTrue(self.connection.aborted)

    def test_nothing_is_left_of_a_client_that_went(self) -> None:
        self.connection.finished.callback(None)
        self.assertEqual(self.live.subscribers, [])
        self.assertEqual(self.clock.getDelayedCalls(), [])
