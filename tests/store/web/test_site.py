"""Connections past the bounds are closed at once; others are not."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from twisted.internet.address import IPv4Address, UNIXAddress
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IAddress
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource

from zibrato.store.web.site import MAX_PER_ADDRESS, BoundedSite

PLACES = MAX_PER_ADDRESS + 10


class PlacesTests(SynchronousTestCase):
    """A site with few places."""

    def setUp(self) -> None:
        self.site = BoundedSite(Resource(), Clock(), PLACES)

    def connect(self, address: IAddress) -> tuple[Any, bool]:
        """Return the protocol of a new connection, and whether it was closed."""
        protocol, transport = self.site.buildProtocol(address), StringTransport()
        protocol.makeConnection(transport)
        return protocol, transport.disconnected

    def test_an_address_has_no_more_than_its_own(self) -> None:
        one, other = (IPv4Address("TCP", host, 1) for host in ("10.0.0.1", "10.0.0.2"))
        protocols = [self.connect(one)[0] for _ in range(MAX_PER_ADDRESS)]
        self.assertEqual(self.connect(one)[1], True)
        self.assertEqual(self.connect(other)[1], False)
        protocols[0].connectionLost(Failure(ConnectionDone()))
        self.assertEqual(self.connect(one)[1], False)
        self.assertEqual(self.connect(one)[1], True)

    def test_there_are_no_more_than_all_places(self) -> None:
        for number in range(PLACES):
            self.assertEqual(self.connect(IPv4Address("TCP", f"10.0.0.{number}", 1))[1], False)
        self.assertEqual(self.connect(IPv4Address("TCP", "10.0.1.1", 1))[1], True)
        self.assertEqual(len(self.site.channels), PLACES)

    def test_three_quarters_of_the_descriptors_are_for_others(self) -> None:
        with patch("resource.getrlimit", return_value=(40, 40)):
            self.site.startFactory()
        self.addCleanup(self.site.stopFactory)
        for number in range(10):
            self.assertEqual(self.connect(IPv4Address("TCP", f"10.0.0.{number}", 1))[1], False)
        self.assertEqual(self.connect(IPv4Address("TCP", "10.0.1.1", 1))[1], True)

    def test_a_unix_socket_has_no_addresses(self) -> None:
        for _ in range(PLACES):
            self.assertEqual(self.connect(UNIXAddress(None))[1], False)
        self.assertEqual(self.connect(UNIXAddress(None))[1], True)

    def test_tls_offers_no_other_http(self) -> None:
        self.assertEqual(self.site.acceptableProtocols(), [b"http/1.1"])
