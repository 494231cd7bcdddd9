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
from zibrato.intake.accepted import NOBODY, hang_up, turn_away
from zibrato.intake.claims import attach, claim, lock, reason, release, socket_mode
from zibrato.intake.way_back import Acknowledging, WayBack
from zibrato.interfaces import IIntake, Reactor

if TYPE_CHECKING:
    from zibrato.intake.curve import CurveServer
    from zibrato.tx.connections import PublishConnection, PullConnection

QUIET = 0.1
"""Seconds without a frame after which the sockets are assumed to be empty."""
PAUSE = 0.01
"""Seconds that ZeroMQ's threads get to read more before the sockets are read again."""
DRAIN_LIMIT = 2.0
"""Seconds after which a drain ends even if more arrives: a stop must not wait for a flood."""
MAX_UNREAD = 4 * 1024 * 1024
"""The most unread bytes of a peer that is disconnected late in a drain; with more, it may be in the
middle of a write."""
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
    """Return the intakes: one for the endpoints that require keys, and one for all others.

    With `curve`, the endpoints that other hosts can reach require keys. The way back to clients is
    at `acknowledgements`, or by default at endpoints derived from `endpoints`; without
    `acknowledging` there is none. Raises ValueError, with one line for people, if an endpoint is
    unavailable. The services open their sockets when they start: sockets that are opened before
    the process daemonises would lose their threads.
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
    """Do what `make` does, but return a separate intake, with separate keys, for each endpoint."""
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
    """Raise ValueError, with one line for people, if an endpoint is unavailable."""
    with ExitStack() as claims:
        for endpoint in endpoints:
            claim(endpoint, claims)


@implementer(IIntake)
class ZeroMQIntake(Service):
    """Receives frames and hands them to `receive`.

    `ipc_mode` is the permissions of ipc sockets. Sockets are in the process's shared ZeroMQ
    context, so that clients in the same process can use `inproc://`. With `curve`, which requires
    keys of clients, they are in a separate context.
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
        """The bound endpoints, with a wildcard port replaced by the real port."""
        return tuple(self._bound)

    def startService(self) -> None:
        """Bind and connect; raises OSError if an endpoint is unavailable."""
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
        """Hand over what arrives until nothing more does, unbind, then fire."""
        return Deferred.fromCoroutine(self._drain())

    def reload(self) -> None:
        """Read the clients' keys again, if keys are required."""
        if self._curve is not None:
            self._curve.reload()

    def problem(self) -> str | None:
        """Return why nothing can arrive: a socket's path is gone, or waiting frames aren't read."""
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
        """End the connections gracefully, read everything that peers sent, then unbind.

        Unbinding first would cut the connections and lose what the kernel holds of them. What a
        client has still queued, it sends to the next daemon.
        """
        connection = self._connection
        if connection is None:
            return
        for path in self._locks:
            with suppress(OSError):
                os.unlink(path)  # no new clients can connect; the lock still excludes other daemons
        turn_away(self._bound)
        await self._part(connection)
        for address in self._bound:
            with suppress(zmq.ZMQError):
                connection.socket.unbind(address)
        await self._read_until_quiet(connection)
        if self._way_back is not None:
            self._way_back.finish()

    async def _part(self, connection: PullConnection) -> None:
        """End the connections to bound endpoints, and read until nothing more arrives."""
        quiet_since = now = self._reactor.monotonic()
        deadline = now + DRAIN_LIMIT
        first: frozenset[int] | None = None
        while now < deadline:
            frames = connection.frames
            is_empty = connection.read_all()
            # A peer may write until it sees that the connection ends. ZeroMQ loses what it has no
            # room for by then, so the connection ends only when its queue was read. Late in the
            # drain, peers that send faster than the daemon reads are disconnected, too.
            is_late = now > deadline - DRAIN_LIMIT / 2
            max_unread = MAX_UNREAD if is_late else 0 if is_empty else NOBODY
            peers = hang_up(self._bound, max_unread)
            first = peers.connections if first is None else first
            # Wait for peers that have reconnected, which can't be prevented for all transports:
            # unbinding, which is next, would cut their connections.
            is_parted = is_empty and not peers.unread and not peers.connections
            if now >= quiet_since + QUIET and is_parted:
                return
            await deferLater(self._reactor, PAUSE)
            now = self._reactor.monotonic()
            # On a busy machine ZeroMQ's threads may not run for a while: neither those here, which
            # read, nor those of a peer, which may write until it sees that the connection ends.
            if peers.unread or first & peers.connections or frames != connection.frames:
                quiet_since = now

    async def _read_until_quiet(self, connection: PullConnection) -> None:
        deadline = self._reactor.monotonic() + DRAIN_LIMIT
        frames, is_over = -1, False
        while not (is_over and frames == connection.frames):
            if self._reactor.monotonic() >= deadline:
                return
            # ZeroMQ ends a connection after it has handed over everything that came by it.
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
    """Return an open connection; imports txZMQ only here, because it imports the global reactor."""
    from zibrato.tx.connections import Factory, PullConnection  # noqa: PLC0415 - imports the reactor

    return PullConnection(Factory(reactor, zmq.Context.instance()), receive)


def _way_back(connection: PullConnection, subscribed: Callable[[bytes], None]) -> PublishConnection:
    """Return an open connection in the context of `connection`."""
    from zibrato.tx.connections import PublishConnection  # noqa: PLC0415 - imports the reactor

    return PublishConnection(connection.factory, subscribed)
