"""The ZeroMQ intake: a txZMQ PULL connection on any number of endpoints."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import zmq
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from zope.interface import implementer

from zibrato.endpoint import Endpoint
from zibrato.files.file_lock import FileLock
from zibrato.intake.claims import attach, claim, lock, reason, release, socket_mode
from zibrato.intake.way_back import Acknowledging, WayBack
from zibrato.intake.zeromq_drain import drain
from zibrato.interfaces import IIntake, Reactor

if TYPE_CHECKING:
    from zibrato.intake.curve import CurveServer
    from zibrato.tx.connections import PullConnection
    from zibrato.tx.publishing import PublishConnection

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
        self._way_back.open(
            lambda subscribed: make(connection, subscribed),
            [*connected, *map(Endpoint, self._bound)],
            self._ipc_mode,
        )

    async def _drain(self) -> None:
        connection = self._connection
        if connection is None:
            return
        for path in self._locks:
            with suppress(OSError):
                os.unlink(path)  # no new clients can connect; the lock still excludes other daemons
        await drain(self._reactor, connection, self._bound)
        if self._way_back is not None:
            self._way_back.finish()

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
    from zibrato.tx.publishing import PublishConnection  # noqa: PLC0415 - imports the reactor

    return PublishConnection(connection.factory, subscribed)
