"""/events over real connections: clients that come and go, and one that stops reading."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from twisted.internet import reactor as installed
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.task import deferLater
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from tests.daemon.outbox.outboxes import PutOutbox
from tests.fake_reactor import FakeReactor
from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.model import COUNTER, Series, Snapshot, Summary
from zibrato.store.backend import StoreBackend
from zibrato.store.db.database import Database
from zibrato.store.db.tiers import RETENTION, parse_retention
from zibrato.store.store import Store
from zibrato.store.web import events
from zibrato.store.web.access_control import AccessControl, known_names
from zibrato.store.web.service import tree
from zibrato.store.web.site import BoundedSite
from zibrato.threads import Inline

reactor: Any = installed  # a module that stands for the reactor, says its type
START = 1_700_000_000
INTERVALS = 60
SERIES = [Series(COUNTER, f"series.{number}", "s") for number in range(300)]
SMALL = 16 * 1024
"""Bytes of a socket's buffer, and what may wait: a stalled client is full after some intervals."""


class Client(Protocol):
    """Asks for /events, and keeps what comes."""

    def __init__(self) -> None:
        self.received = b""
        self.answered: Deferred[None] = Deferred()
        self.gone: Deferred[None] = Deferred()

    @property
    def intervals(self) -> int:
        """How many intervals have come."""
        return self.received.count(b"event: interval")

    def connectionMade(self) -> None:
        """Ask."""
        assert self.transport is not None
        self.transport.write(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")

    def dataReceived(self, data: bytes) -> None:
        """Keep it."""
        self.received += data
        if not self.answered.called and b"retry:" in self.received:
            self.answered.callback(None)
        if not self.answered.called and b" 503 " in self.received:
            self.answered.errback(AssertionError(self.received))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell of it."""
        self.gone.callback(None)


class EventsTests(TestCase):
    """A site on an ephemeral port of the loopback, before a store."""

    timeout = 60

    def setUp(self) -> None:
        directory = TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        path = Path(directory.name, "store")
        tiers = parse_retention(RETENTION)
        self.clock = FakeReactor()
        self.clock.advance(START)
        self.database = Database(
            self.clock, path, tiers, 1 << 30, writing=Inline(), reading=Inline()
        )
        self.store = Store(self.database)
        self.metrics = SelfMetrics()
        self.outbox = PutOutbox(StoreBackend(self.store), self.clock, self.metrics)
        self.addCleanup(self.outbox.stopService)
        guard = AccessControl(tree(self.store), known_names(loopback=True), None)
        site = BoundedSite(guard, self.clock)  # whose timers wait for no test
        self.port = reactor.listenTCP(0, site, interface="127.0.0.1")
        self.port.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)
        self.addCleanup(self.port.stopListening)

    @property
    def subscribers(self) -> list[Any]:
        return self.store.live.subscribers

    async def connect(self) -> Client:
        """Return a client that has had the head of its answer."""
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", self.port.getHost().port)
        client = Client()
        await connectProtocol(endpoint, client)
        await client.answered
        return client

    async def leave(self, client: Client) -> None:
        assert client.transport is not None
        client.transport.loseConnection()
        await client.gone

    async def eventually(self, condition: Callable[[], bool]) -> None:
        """Wait until the condition holds, for 10 s at most."""
        for _ in range(1000):
            if condition():
                return
            await deferLater(reactor, 0.01)
        self.fail("it never came to that")

    async def all_have(self, clients: list[Client], intervals: int) -> None:
        """Wait until each of the clients has had so many intervals."""
        await self.eventually(lambda: {client.intervals for client in clients} == {intervals})

    def publish(self, start: int) -> None:
        """Deliver an interval through the outbox, whose second attempt would be a second later."""
        summaries = {series: Summary(1, 1.0) for series in SERIES}
        self.outbox.put(Snapshot(start, start + 10, summaries))

    def stored(self) -> list[int]:
        """Return the count of each interval in the file, of one series."""
        found: list[int] = self.successResultOf(
            self.database.read(
                lambda reader: [
                    row[0] for _, _, row in reader.rows([1], START, START + 10 * INTERVALS, 0)
                ]
            )
        )
        return found

    @pytest.mark.attack(
        "watchers of the page's events that leave",
        before="the page had no live events after 64 of them",
    )
    async def test_who_comes_and_goes_leaves_nothing_behind(self) -> None:
        for _ in range(200):
            await self.leave(await self.connect())
        await self.eventually(lambda: not self.subscribers)
        client = await self.connect()
        self.assertIn(b"HTTP/1.1 200 OK", client.received)
        self.assertEqual(len(self.subscribers), 1)
        await self.leave(client)
        await self.eventually(lambda: not self.subscribers)

    @pytest.mark.attack("watchers that stop reading", before="the store kept an interval twice")
    async def test_who_stops_reading_costs_nobody_anything_but_its_own_place(self) -> None:
        self.patch(events, "MAX_WAITING", SMALL)
        others = [await self.connect() for _ in range(3)]
        with socket.socket() as stalled:
            stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
            stalled.connect(("127.0.0.1", self.port.getHost().port))
            stalled.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await self.eventually(lambda: len(self.subscribers) == 4)
            for number in range(INTERVALS):
                self.publish(START + 10 * number)
                await self.all_have(others, number + 1)
                self.clock.advance(1)
        self.assertEqual(len(self.subscribers), 3)
        self.assertEqual(self.stored(), [1] * INTERVALS)
        self.assertEqual(self.metrics.total("zibrato.backend.retried"), 0)
        for client in others:
            await self.leave(client)
