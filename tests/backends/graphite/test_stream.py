"""Bytes to real peers: one that reads, one that stalls, ones that leave too early."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from typing import cast

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from zibrato.backends.graphite.stream import stream
from zibrato.backends.server_address import ServerAddress
from zibrato.interfaces import Reactor, RetryLater
from zibrato.tx.monotonic import MonotonicReactor

CHUNK = b"x" * 65536


class Peer:
    """Takes one connection in a thread, with `room` for what is unread, and acts on it."""

    def __init__(self, act: Callable[[socket.socket], object], room: int) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        if room:
            self._listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        self.address = ServerAddress(*self._listening.getsockname())
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(act,), daemon=True)
        self._thread.start()

    def _serve(self, act: Callable[[socket.socket], object]) -> None:
        connection, _ = self._listening.accept()
        with connection:
            act(connection)

    def stop(self) -> None:
        """End it."""
        self.ended.set()
        self._listening.close()
        self._thread.join(10)


class StreamTests(TestCase):
    timeout = 30

    def serve(self, act: Callable[[socket.socket], object], room: int = 0) -> Peer:
        peer = Peer(act, room)
        self.addCleanup(peer.stop)
        return peer

    def send(
        self, address: ServerAddress, chunks: Iterator[bytes], timeout: float = 20.0
    ) -> Deferred[None]:
        clock = MonotonicReactor(cast(Reactor, reactor))
        return Deferred.fromCoroutine(stream(address, chunks, clock, timeout))

    async def refusal(
        self, address: ServerAddress, chunks: Iterator[bytes], timeout: float = 20.0
    ) -> str:
        try:
            await self.send(address, chunks, timeout)
        except RetryLater as later:
            return later.reason
        raise self.failureException("it was taken for delivered")

    async def test_all_is_read_before_it_is_delivered(self) -> None:
        read: list[bytes] = []

        def read_all(connection: socket.socket) -> None:
            while data := connection.recv(1 << 20):
                read.append(data)

        await self.send(self.serve(read_all).address, iter([CHUNK] * 100))
        self.assertEqual(sum(map(len, read)), 100 * len(CHUNK))

    async def test_a_chunk_is_made_when_there_is_room_for_it(self) -> None:
        made = 0

        def chunks() -> Iterator[bytes]:
            nonlocal made
            for made in range(1, 1001):  # noqa: B007 - how far it came is the point
                yield CHUNK

        peer = self.serve(lambda _connection: peer.ended.wait(20))
        reason = await self.refusal(peer.address, chunks(), 0.3)
        self.assertIn("the server accepted no data for 0.3 s", reason)
        self.assertLess(made, 500)

    async def test_who_never_closes_has_not_read_all(self) -> None:
        def read_only(connection: socket.socket) -> None:
            while connection.recv(1 << 20):
                pass
            peer.ended.wait(20)

        peer = self.serve(read_only)
        self.assertIn("accepted no data", await self.refusal(peer.address, iter([CHUNK]), 0.3))

    async def test_who_closes_early_has_not_read_all(self) -> None:
        def read_some(connection: socket.socket) -> None:
            connection.recv(1000)
            connection.shutdown(socket.SHUT_WR)
            peer.ended.wait(20)

        peer = self.serve(read_some)
        reason = await self.refusal(peer.address, iter([CHUNK] * 1000))
        self.assertIn("closed the connection before it had read everything", reason)

    async def test_who_dies_with_something_unread_has_not_read_it(self) -> None:
        def read_some(connection: socket.socket) -> None:
            connection.recv(1)

        reason = await self.refusal(self.serve(read_some).address, iter([b"x" * 10_000]))
        self.assertRegex(reason, "(?i)reset|non-clean|lost|broken pipe|closed the connection")

    async def test_who_closes_with_something_on_its_way_has_not_read_it(self) -> None:
        given = threading.Event()

        def wait_turns(number: int) -> None:
            if number:
                cast(Reactor, reactor).callLater(0, wait_turns, number - 1)
            else:
                given.set()

        def chunks() -> Iterator[bytes]:
            yield CHUNK[:30_000]
            wait_turns(5)  # in which all is given to the kernel, and our end after it

        def close_unread(connection: socket.socket) -> None:
            given.wait(20)
            connection.shutdown(socket.SHUT_WR)
            peer.ended.wait(20)

        peer = self.serve(close_unread, room=1024)
        reason = await self.refusal(peer.address, chunks())
        self.assertIn("closed the connection while data was on its way", reason)

    async def test_who_resets_has_not_read_all(self) -> None:
        def reset(connection: socket.socket) -> None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        self.assertIn("127.0.0.1", await self.refusal(self.serve(reset).address, iter([CHUNK])))

    async def test_nobody_there(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            address = ServerAddress(*listening.getsockname())
        self.assertIn("refused", await self.refusal(address, iter([CHUNK])))
