"""The backend's account against a real socket, which closes and comes back."""

from __future__ import annotations

import socket
from math import inf
from typing import cast

from twisted.internet import reactor
from twisted.logger import capturedLogs
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

from zibrato.backends.statsd.backend import MTU, StatsdBackend, make
from zibrato.interfaces import BackendContext, Delivery, IBackend, Reactor, RetryLater
from zibrato.model import COUNTER, Series, Snapshot, Summary
from zibrato.tx.monotonic import MonotonicReactor


class BackendTests(TestCase):
    timeout = 30

    def setUp(self) -> None:
        self.server = self.bound(0)
        self.port = self.server.getsockname()[1]
        self.backend = self.make(address=f"127.0.0.1:{self.port}")
        self.noted: list[tuple[int, str | None]] = []

    def bound(self, port: int) -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(made.close)
        made.bind(("127.0.0.1", port))
        made.setblocking(False)
        return made

    def make(self, **settings: str) -> StatsdBackend:
        return make(settings, BackendContext(MonotonicReactor(cast(Reactor, reactor)), (50,)))

    def counters(self, count: int) -> Delivery:
        series = [Series(COUNTER, f"n{number:03}", "s") for number in range(count)]
        return self.delivery(dict.fromkeys(series, Summary(2, 5.0)))

    def delivery(self, summaries: dict[Series, Summary]) -> Delivery:
        note = self.noted.append
        return Delivery([Snapshot(0, 10, summaries)], lambda *what: note(what))

    def received(self) -> list[str]:
        """Return the lines of all packets that are there, which are no larger than they may be."""
        read: list[str] = []
        while True:
            try:
                packet = self.server.recv(65536)
            except BlockingIOError:
                return read
            self.assertLessEqual(len(packet), MTU)
            read += packet.decode().split("\n")

    def test_is_a_backend(self) -> None:
        verifyObject(IBackend, self.backend)

    async def test_all_arrives_once(self) -> None:
        delivery = self.counters(900)
        await self.backend.deliver(delivery)
        self.assertEqual(self.received(), [f"n{number:03}:5|c" for number in range(900)])
        self.assertEqual(sum(count for count, _ in self.noted), 1800)
        self.assertEqual(delivery.pending, 0)

    async def test_what_is_refused_is_sent_again(self) -> None:
        self.server.close()
        delivery = self.counters(900)
        for _ in range(2):
            with self.assertRaises(RetryLater) as caught:
                await self.backend.deliver(delivery)
            self.assertIn(f"127.0.0.1:{self.port}: Connection refused", caught.exception.reason)
        self.assertEqual(delivery.pending, 1800)
        self.server = self.bound(self.port)
        await self.backend.deliver(delivery)
        self.assertEqual(self.received(), [f"n{number:03}:5|c" for number in range(900)])
        self.assertEqual(delivery.pending, 0)

    async def test_what_can_not_be_sent_is_dropped_and_told_of(self) -> None:
        delivery = self.delivery(
            {
                Series(COUNTER, "endless", "s"): Summary(2, inf),
                Series(COUNTER, "n", "s"): Summary(1, 1.0),
            }
        )
        with capturedLogs() as events:
            await self.backend.deliver(delivery)
        self.assertEqual(self.received(), ["n:1|c"])
        self.assertEqual(self.noted, [(2, "not_finite"), (1, None)])
        self.assertEqual(len(events), 1)

    async def test_nothing_to_send_is_sent_nowhere(self) -> None:
        self.server.close()
        await self.backend.deliver(self.delivery({}))
        self.assertEqual(self.noted, [])

    def test_wrong_settings(self) -> None:
        for settings, expected in (
            ({"dialect": "datdog"}, "dialect: expected statsd or datadog, got 'datdog'"),
            ({"mtu": "100"}, "mtu: expected bytes from 512 to 65507, got '100'"),
            ({"mtu": "9" * 99}, f"mtu: expected bytes from 512 to 65507, got '{'9' * 99}'"),
            ({"mtu": "1e3"}, "mtu: expected bytes from 512 to 65507, got '1e3'"),
            ({"address": "::1"}, "address: expected HOST or HOST:PORT, got '::1'"),
        ):
            with self.assertRaises(ValueError) as caught:
                self.make(**settings)
            self.assertEqual(str(caught.exception), expected)
