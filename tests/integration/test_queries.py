"""Queries that take long, over real connections: they end at their deadline or with who asked."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Any

import pytest
from klein import Klein
from twisted.internet import reactor as installed
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase
from twisted.web.iweb import IRequest

from zibrato.store.api.responses import with_error_responses
from zibrato.store.db.database import Database
from zibrato.store.db.reader import Reader
from zibrato.store.db.tiers import RETENTION, parse_retention
from zibrato.store.web.site import BoundedSite
from zibrato.threads import Threads

reactor: Any = installed  # a module that stands for the reactor, says its type
LONG = """
    WITH RECURSIVE n (x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM n WHERE x < 1000000000)
    SELECT sum(x) FROM n
"""
"""Takes minutes."""


class Client(Protocol):
    """Asks for /, and keeps what comes."""

    def __init__(self) -> None:
        self.received = b""
        self.gone: Deferred[None] = Deferred()

    def connectionMade(self) -> None:
        """Ask."""
        assert self.transport is not None
        self.transport.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")

    def dataReceived(self, data: bytes) -> None:
        """Keep it."""
        self.received += data

    def connectionLost(self, reason: Failure | None = None) -> None:
        """Tell of it."""
        self.gone.callback(None)


class Api:
    """Answers / with a query that takes minutes; says when that has begun."""

    app = with_error_responses(Klein())

    def __init__(self, database: Database, deadline: float) -> None:
        self._database = database
        self._deadline = deadline
        self.begun = Event()

    @app.route("/")
    async def index(self, _request: IRequest) -> bytes:
        """Return nothing, for minutes."""
        return await self._database.read(self._work, self._deadline)

    def _work(self, reader: Reader) -> bytes:
        self.begun.set()
        return bytes(reader.connection.execute(LONG).fetchone())


class QueryTests(TestCase):
    """A site before a file that has one reader."""

    timeout = 60

    def serve(self, deadline: float) -> Api:
        directory = TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        writing, reading = (Threads(reactor, name, 1) for name in ("writer", "reader"))
        tiers = parse_retention(RETENTION)
        path = Path(directory.name, "store")
        self.database = Database(reactor, path, tiers, 1 << 30, writing=writing, reading=reading)
        self.addCleanup(lambda: Deferred.fromCoroutine(self.database.stop()))
        api = Api(self.database, deadline)
        self.port = reactor.listenTCP(
            0, BoundedSite(api.app.resource(), reactor), interface="127.0.0.1"
        )
        self.addCleanup(self.port.stopListening)
        return api

    async def connect(self) -> Client:
        client = Client()
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", self.port.getHost().port)
        await connectProtocol(endpoint, client)
        return client

    async def leave(self, client: Client) -> None:
        assert client.transport is not None
        client.transport.loseConnection()
        await client.gone

    @pytest.mark.attack(
        "large queries whose clients leave", before="twenty kept everybody waiting for 90 seconds"
    )
    async def test_who_leaves_frees_the_reader(self) -> None:
        api = self.serve(1e9)
        client = await self.connect()
        await deferToThread(api.begun.wait)
        waiting = [await self.connect() for _ in range(20)]
        for other in [client, *waiting]:
            await self.leave(other)
        self.assertEqual(await self.database.read(lambda _: "free"), "free")

    @pytest.mark.attack(
        "a query without an end", before="twenty kept everybody waiting for 90 seconds"
    )
    async def test_a_query_past_its_deadline_is_503(self) -> None:
        self.serve(0.1)
        client = await self.connect()
        while b"ask for less" not in client.received:
            await deferLater(reactor, 0.01)
        self.assertTrue(client.received.startswith(b"HTTP/1.1 503 "))
        self.assertEqual(await self.database.read(lambda _: "free"), "free")
        await self.leave(client)
