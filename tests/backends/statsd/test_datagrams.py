"""Packets to real sockets: what was refused is known by the packet."""

from __future__ import annotations

import socket
from typing import cast
from unittest.mock import patch

from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from zibrato.backends.server_address import ServerAddress
from zibrato.backends.statsd.datagrams import BURST, Datagrams
from zibrato.interfaces import Reactor, RetryLater
from zibrato.tx.monotonic import MonotonicReactor


class DatagramTests(TestCase):
    timeout = 30

    async def opened(self, host: str, port: int) -> Datagrams:
        clock = MonotonicReactor(cast(Reactor, reactor))
        datagrams = Datagrams(ServerAddress(host, port), clock)
        await datagrams.open()
        self.addCleanup(datagrams.close)
        return datagrams

    def listening(self) -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind(("127.0.0.1", 0))
        made.settimeout(10)
        self.addCleanup(made.close)
        return made

    async def test_packets_arrive_in_order(self) -> None:
        server = self.listening()
        datagrams = await self.opened(*server.getsockname())
        self.assertEqual(datagrams.burst, 1)
        self.assertEqual(await datagrams.send([b"0"]), (1, None))
        self.assertEqual(datagrams.burst, BURST)
        self.assertEqual(await datagrams.send([b"1", b"2"]), (2, None))
        self.assertEqual([server.recv(10) for _ in range(3)], [b"0", b"1", b"2"])

    async def test_what_nobody_took_is_known(self) -> None:
        server = self.listening()
        datagrams = await self.opened(*server.getsockname())
        self.assertEqual((await datagrams.send([b"0"]))[0], 1)
        server.close()
        arrived, later = await datagrams.send([b"1", b"2"])
        self.assertEqual(arrived, 0)
        self.assertIn("refused", str(later))
        arrived, later = await datagrams.send([b"1"])
        self.assertEqual(arrived, 0)
        self.assertIn("refused", str(later))

    async def test_names_are_looked_up(self) -> None:
        server = self.listening()
        datagrams = await self.opened("localhost", server.getsockname()[1])
        await datagrams.send([b"0"])
        self.assertEqual(server.recv(10), b"0")

    async def test_a_name_of_both_families_is_of_ipv4(self) -> None:
        server = self.listening()
        port = server.getsockname()[1]
        places = [
            (family, socket.SOCK_DGRAM, 17, "", (host, port))
            for family, host in ((socket.AF_INET6, "::1"), (socket.AF_INET, "127.0.0.1"))
        ]
        answers = [socket.gaierror(), places]  # it is no number, then it is looked up
        with patch("socket.getaddrinfo", side_effect=answers):
            datagrams = await self.opened("box", port)
        await datagrams.send([b"0"])
        self.assertEqual(server.recv(10), b"0")

    async def test_a_name_that_is_none(self) -> None:
        with self.assertRaises(RetryLater) as caught:
            await self.opened("no-such-host.invalid", 8125)
        self.assertIn("no-such-host.invalid:8125: ", caught.exception.reason)
