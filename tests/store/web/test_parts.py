"""A response in parts, to those who read fast, slowly, not at all, or leave."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from tests.store.web.raw_client import FullTransport
from zibrato.interfaces import RetryLater
from zibrato.store.web.channel import READ_DEADLINE
from zibrato.store.web.parts import write_parts
from zibrato.store.web.site import BoundedSite

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
PART = b"x" * ((1 << 16) + 1)
"""More than the transport takes."""
PARTS = 100


class Parted(Resource):
    """Answers with 6.5 MB, and knows how much of that was made, and whether it is over."""

    isLeaf = True
    made = 0
    ended = 0
    is_released = False

    def render(self, request: Any) -> int:
        """Begin to answer."""
        request.setHeader(b"Content-Length", b"%d" % (len(PART) * PARTS))
        write_parts(request, self.parts())
        return NOT_DONE_YET

    def parts(self) -> Iterator[bytes]:
        """Generate the parts."""
        try:
            for _ in range(PARTS):
                if self.is_released:
                    raise RetryLater("released")
                self.made += 1
                yield PART
        finally:
            self.ended += 1


class PartsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock, self.resource = Clock(), Parted()

    def connected(self, transport: StringTransport) -> Any:
        protocol = BoundedSite(self.resource, self.clock).buildProtocol(None)
        protocol.makeConnection(transport)
        protocol.dataReceived(GET)
        return protocol

    def test_who_reads_gets_all_and_may_ask_again(self) -> None:
        transport = StringTransport()
        protocol = self.connected(transport)
        self.assertTrue(transport.value().endswith(b"\r\n\r\n" + PART * PARTS))
        transport.clear()
        self.clock.advance(READ_DEADLINE - 1)
        protocol.dataReceived(GET)
        self.clock.advance(2)
        self.assertFalse(transport.disconnected)
        self.assertTrue(transport.value().endswith(b"\r\n\r\n" + PART * PARTS))

    def test_no_more_is_made_than_is_read(self) -> None:
        transport = FullTransport()
        self.connected(transport)
        for number in range(1, PARTS + 1):
            self.assertEqual(self.resource.made, number)
            self.assertEqual(self.resource.ended, 0)
            transport.read()
        self.assertEqual((self.resource.made, self.resource.ended), (PARTS, 1))

    def test_who_takes_too_long_is_dropped(self) -> None:
        transport = FullTransport()
        self.connected(transport)
        for _ in range(10):
            self.assertFalse(transport.disconnected)
            transport.read()
            self.clock.advance(READ_DEADLINE / 10)
        self.assertTrue(transport.disconnected)

    def test_who_can_get_no_more_is_dropped(self) -> None:
        transport = FullTransport()
        self.connected(transport)
        transport.read()
        self.resource.is_released = True
        self.assertFalse(transport.disconnected)
        transport.read()
        self.assertTrue(transport.disconnected)
        self.assertEqual((self.resource.made, self.resource.ended), (2, 1))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_what_is_read_by_nobody_any_more_is_let_go(self) -> None:
        transport = FullTransport()
        protocol = self.connected(transport)
        protocol.stopProducing()  # as transports do when their connection is lost
        protocol.connectionLost(Failure(ConnectionDone()))
        self.assertEqual((self.resource.made, self.resource.ended), (1, 1))
        self.assertEqual(self.clock.getDelayedCalls(), [])
