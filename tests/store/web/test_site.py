"""Connections past the bounds: who is closed, and who is not."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from twisted.internet.address import IPv4Address, UNIXAddress
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import capturedLogs, formatEvent
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from zibrato.store.web.site import MAX_PER_ADDRESS, BoundedSite

PLACES = MAX_PER_ADDRESS + 10
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Busy(Resource):
    """Answers nothing yet."""

    isLeaf = True

    def render(self, _request: object) -> int:
        """Answer later."""
        return NOT_DONE_YET


class PlacesTests(SynchronousTestCase):
    """A site with few places."""

    def setUp(self) -> None:
        self.site = BoundedSite(Busy(), Clock(), PLACES)

    def connect(self, host: str, *, is_busy: bool = True) -> tuple[Any, StringTransport]:
        """Return the protocol of a new connection, and its transport; it may have a request."""
        protocol = self.site.buildProtocol(IPv4Address("TCP", host, 1))
        transport = StringTransport()
        protocol.makeConnection(transport)
        if is_busy and not transport.disconnected:
            protocol.dataReceived(GET)
        return protocol, transport

    def test_an_address_has_no_more_than_its_own(self) -> None:
        protocols = [self.connect("10.0.0.1")[0] for _ in range(MAX_PER_ADDRESS)]
        self.assertTrue(self.connect("10.0.0.1")[1].disconnected)
        self.assertFalse(self.connect("10.0.0.2")[1].disconnected)
        protocols[0].connectionLost(Failure(ConnectionDone()))
        self.assertFalse(self.connect("10.0.0.1")[1].disconnected)
        self.assertTrue(self.connect("10.0.0.1")[1].disconnected)

    def test_there_are_no_more_than_all_places(self) -> None:
        for number in range(PLACES):
            self.assertFalse(self.connect(f"10.0.0.{number}")[1].disconnected)
        self.assertTrue(self.connect("10.0.1.1")[1].disconnected)
        self.assertEqual(len(self.site.channels), PLACES)

    def test_the_one_that_waits_for_longest_gives_way(self) -> None:
        other = self.connect("10.0.0.2", is_busy=False)[1]
        self.connect("10.0.0.1")
        half, whole, silent = (self.connect("10.0.0.1", is_busy=False) for _ in range(3))
        for _ in range(MAX_PER_ADDRESS - 4):
            self.connect("10.0.0.1")
        half[0].dataReceived(GET[:-2])  # a byte now and then is no progress
        whole[0].dataReceived(GET)
        with capturedLogs() as events:
            newest = self.connect("10.0.0.1")[1]
            self.assertTrue(half[1].disconnected)
            self.assertFalse(silent[1].disconnected)
            self.connect("10.0.0.1")
        self.assertTrue(silent[1].disconnected)
        self.assertEqual([whole[1].disconnected, newest.disconnected], [False, False])
        self.assertTrue(self.connect("10.0.0.1")[1].disconnected)
        self.assertEqual(len(self.site.channels), MAX_PER_ADDRESS + 1)
        for number in range(PLACES - MAX_PER_ADDRESS):
            self.connect(f"10.0.1.{number}")
        self.assertTrue(other.disconnected)
        (line,) = [formatEvent(event) for event in events]
        self.assertRegex(line, "^too many connections: 129 are open; one from 10.0.0.1 that waits ")

    def test_who_has_its_answer_waits_again(self) -> None:
        protocols = [self.connect("10.0.0.1") for _ in range(MAX_PER_ADDRESS)]
        first = protocols[0]
        first[0].requests[0].finish()
        self.assertFalse(self.connect("10.0.0.1")[1].disconnected)
        self.assertTrue(first[1].disconnected)

    def test_three_quarters_of_the_descriptors_are_for_others(self) -> None:
        with patch("resource.getrlimit", return_value=(40, 40)):
            self.site.startFactory()
        self.addCleanup(self.site.stopFactory)
        for number in range(10):
            self.assertFalse(self.connect(f"10.0.0.{number}")[1].disconnected)
        self.assertTrue(self.connect("10.0.1.1")[1].disconnected)

    def test_a_unix_socket_has_no_addresses(self) -> None:
        for _ in range(PLACES):
            self.site.buildProtocol(UNIXAddress(None)).makeConnection(StringTransport())
        self.assertEqual(len(self.site.channels), PLACES)

    def test_tls_offers_no_other_http(self) -> None:
        self.assertEqual(self.site.acceptableProtocols(), [b"http/1.1"])
