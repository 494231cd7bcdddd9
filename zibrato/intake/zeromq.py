"""The ZeroMQ intake: a txZMQ PULL connection on any number of endpoints."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import zmq
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.logger import Logger
from zope.interface import implementer

from zibrato.endpoint import Endpoint
from zibrato.files.file_lock import FileLock
from zibrato.intake.accepted import hang_up, turn_away
from zibrato.intake.claims import attach, claim, lock, reason, release, socket_mode
from zibrato.intake.way_back import Acknowledging, WayBack
from zibrato.interfaces import IIntake, Reactor

if TYPE_CHECKING:
    from zibrato.intake.curve import CurveServer
    from zibrato.tx.connections import PublishConnection, PullConnection

QUIET = 0.1
"""Seconds without a frame after which the sockets are taken to be empty."""
PAUSE = 0.01
"""Seconds that ZeroMQ gets to bring more before the next look at what came."""
DRAIN_LIMIT = 2.0
"""Seconds after which a drain ends whatever still comes: a stop must not wait for a flood."""
MAX_UNREAD = 4 * 1024 * 1024
"""Bytes of a peer that wait where it is parted with at last; of more it may be in the middle."""
_log = Logger()


def make(
    reactor: Reactor,
    endpoints: Sequence[Endpoint],
    receive: Callable[[Sequence[bytes]], None],
    *,
    ipc_mode: int,
    curve: CurveServer | None = None,
    acknowledging: Acknowledging | None = None,
    acknowledgements: Endpoint | None = None,
) -> Sequence[ZeroMQIntake]:
    """Return the intakes of `endpoints`: one of those that ask for keys, one of all others.

    The way back to clients is at `acknowledgements`, else where `endpoints` imply it; without
    `acknowledging` there is none. With `curve`, those ask that other hosts may reach. Raises
    ValueError, one line for people, where an endpoint is taken. The sockets themselves are opened
    at the start of the service: daemonising would leave them without their threads.
    """
    _check(endpoints)
    asking = [endpoint for endpoint in endpoints if curve is not None and endpoint.remote]
    others = [endpoint for endpoint in endpoints if endpoint not in asking]
    own = acknowledgements is not None and curve is not None and acknowledgements.remote
    intakes = []
    for some, keys in ((others, None), (asking, curve)):
        place = acknowledgements if own is (keys is not None) else None
        back = None if acknowledging is None else WayBack(acknowledging, place)
        if some:
            intakes.append(
                ZeroMQIntake(reactor, some, receive, ipc_mode=ipc_mode, curve=keys, way_back=back)
            )
    return intakes


def make_each(
    reactor: Reactor,
    endpoints: Sequence[Endpoint],
    receive: Callable[[Sequence[bytes]], None],
    *,
    ipc_mode: int,
    curve: Callable[[], CurveServer | None] = lambda: None,
    acknowledging: Acknowledging | None = None,
) -> Mapping[Hashable, ZeroMQIntake]:
    """Return an intake of its own for each of `endpoints`, with keys of its own; as `make` does."""
    _check(endpoints)
    intakes: dict[Hashable, ZeroMQIntake] = {}
    for endpoint in endpoints:
        keys = curve()
        back = None if acknowledging is None else WayBack(acknowledging)
        intakes[endpoint] = ZeroMQIntake(
            reactor, [endpoint], receive, ipc_mode=ipc_mode,
            curve=keys if endpoint.remote else None, way_back=back,
        )  # fmt: skip
    return intakes


def _check(endpoints: Sequence[Endpoint]) -> None:
    """Raise ValueError, one line for people, where an endpoint can't be had."""
    with ExitStack() as claims:
        for endpoint in endpoints:
            claim(endpoint, claims)


@implementer(IIntake)
class ZeroMQIntake(Service):
    """Receives frames and hands each to `receive`.

    `ipc_mode` are the permissions of the ipc sockets. Sockets are made in the process's shared
    ZeroMQ context, so that `inproc://` reaches clients of the same process; with `curve` in one of
    their own, for clients with keys.
    """

    def __init__(
        self,
        reactor: Reactor,
        endpoints: Sequence[Endpoint],
        receive: Callable[[Sequence[bytes]], None],
        *,
        ipc_mode: int = 0o660,
        curve: CurveServer | None = None,
        way_back: WayBack | None = None,
    ) -> None:
        self._reactor = reactor
        self.endpoints = endpoints
        self._receive = receive
        self._ipc_mode = ipc_mode
        self._curve = curve
        self._way_back = way_back
        self._locks: dict[str, FileLock] = {}
        self._connection: PullConnection | None = None
        self._bound: list[str] = []

    @property
    def addresses(self) -> Sequence[str]:
        """The endpoints as bound: a wildcard port is replaced by the real one."""
        return tuple(self._bound)

    def startService(self) -> None:
        """Bind and connect; raises OSError where an endpoint can't be had."""
        Service.startService(self)
        opener = _connection if self._curve is None else self._curve.open
        self._connection = connection = opener(self._reactor, self._receive)
        if self._curve is not None:
            self._curve.tell()
        for endpoint in self.endpoints:
            try:
                self._open(connection, endpoint)
            except OSError as error:
                self._close()
                raise OSError(error.errno, f"--socket: {reason(endpoint, error)}") from None
        try:
            self._open_way_back(connection)
        except OSError:
            self._close()
            raise

    def drain(self) -> Deferred[None]:
        """Hand over what has arrived until nothing comes any more, unbind, then fire."""
        return Deferred.fromCoroutine(self._drain())

    def reload(self) -> None:
        """Read anew who may send, where keys are asked for."""
        if self._curve is not None:
            self._curve.reload()

    def problem(self) -> str | None:
        """Return why nothing can arrive: a path is gone, or what waits isn't read."""
        for path in self._locks:
            if not os.path.lexists(path):
                return f"the socket {path} is gone: no new client can connect"
        if self._connection is not None and self._connection.is_stuck():
            return f"nothing is read from {', '.join(self._bound) or 'the sockets'}"
        return None

    def stopService(self) -> None:
        """Close the sockets."""
        Service.stopService(self)
        self._close()

    def _open(self, connection: PullConnection, endpoint: Endpoint) -> None:
        socket = connection.socket
        if endpoint.path:
            self._locks[endpoint.path] = lock(endpoint.path)
        with socket_mode(self._ipc_mode):
            attach(endpoint, socket)
        address = endpoint.address
        if not endpoint.connect:
            address = socket.get(zmq.LAST_ENDPOINT).rstrip(b"\0").decode()
            self._bound.append(address)
        _log.info(
            "{verb} {address}",
            verb="receiving from" if endpoint.connect else "listening on",
            address=address,
        )

    def _open_way_back(self, connection: PullConnection) -> None:
        """Open the way back, if there is one; raises OSError."""
        if self._way_back is None:
            return
        make = _way_back if self._curve is None else self._curve.open_way_back
        connected = [endpoint for endpoint in self.endpoints if endpoint.connect]
        with socket_mode(self._ipc_mode):
            self._way_back.open(
                lambda subscribed: make(connection, subscribed),
                [*connected, *map(Endpoint, self._bound)],
            )

    async def _drain(self) -> None:
        """Part with the peers one by one, read all that they sent, then unbind.

        Unbinding cuts the connections, with what the kernel holds of them. What a client has
        queued it sends to the next daemon.
        """
        connection = self._connection
        if connection is None:
            return
        for path in self._locks:
            with suppress(OSError):
                os.unlink(path)  # nobody new comes in; the lock keeps another daemon out
        turn_away(self._bound)
        await self._part(connection)
        for address in self._bound:
            with suppress(zmq.ZMQError):
                connection.socket.unbind(address)
        await self._read_until_quiet(connection)
        if self._way_back is not None:
            self._way_back.finish()

    async def _part(self, connection: PullConnection) -> None:
        """Part with the peers of what is bound, and read until nothing comes any more."""
        quiet_since = now = self._reactor.monotonic()
        deadline = now + DRAIN_LIMIT
        first: frozenset[int] | None = None
        while now < deadline:
            frames = connection.frames
            is_empty = connection.read_all()
            # Who sends faster than is read here is parted with in the end all the same.
            is_late = now > deadline - DRAIN_LIMIT / 2
            peers = hang_up(self._bound, MAX_UNREAD if is_late else 0)
            first = peers.connections if first is None else first
            # Unbinding, which is next, would cut off who came again: not all can be turned away.
            is_parted = is_empty and not peers.unread and not peers.connections
            if now >= quiet_since + QUIET and is_parted:
                return
            await deferLater(self._reactor, PAUSE)
            now = self._reactor.monotonic()
            # On a busy machine ZeroMQ's own threads may not get to read for long: here, or where a
            # peer has yet to see that the connection ends, and may write meanwhile.
            if peers.unread or first & peers.connections or frames != connection.frames:
                quiet_since = now

    async def _read_until_quiet(self, connection: PullConnection) -> None:
        deadline = self._reactor.monotonic() + DRAIN_LIMIT
        frames, is_over = -1, False
        while not (is_over and frames == connection.frames):
            if self._reactor.monotonic() >= deadline:
                return
            # ZeroMQ ends a connection once it has handed over what came of it.
            connected = hang_up(self._bound, MAX_UNREAD).connections
            frames = connection.frames
            is_over = connection.read_all() and not connected
            await deferLater(self._reactor, QUIET)

    def _close(self) -> None:
        if self._way_back is not None:
            self._way_back.close()
        connection, self._connection = self._connection, None
        if connection is not None and self._curve is not None:
            self._curve.close(connection)
        elif connection is not None:
            connection.shutdown()
        while self._locks:
            release(*self._locks.popitem())


def _connection(reactor: Reactor, receive: Callable[[Sequence[bytes]], None]) -> PullConnection:
    """Return an open connection; txZMQ is imported here since it imports the global reactor."""
    from zibrato.tx.connections import Factory, PullConnection  # noqa: PLC0415 - imports the reactor

    return PullConnection(Factory(reactor, zmq.Context.instance()), receive)


def _way_back(connection: PullConnection, subscribed: Callable[[bytes], None]) -> PublishConnection:
    """Return an open connection beside another."""
    from zibrato.tx.connections import PublishConnection  # noqa: PLC0415 - imports the reactor

    return PublishConnection(connection.factory, subscribed)
