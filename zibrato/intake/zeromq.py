"""The ZeroMQ intake: a txZMQ PULL connection on any number of endpoints."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

import zmq
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.logger import Logger
from zope.interface import implementer

from zibrato.endpoint import Endpoint
from zibrato.file_lock import FileLock
from zibrato.intake.accepted import hang_up
from zibrato.interfaces import IIntake, Reactor
from zibrato.wire import MAX_FRAME

if TYPE_CHECKING:
    from zibrato.intake.curve import CurveServer
    from zibrato.tx.connections import PullConnection

QUIET = 0.1
"""Seconds without a frame after which the sockets are taken to be empty."""
PAUSE = 0.01
"""Seconds that ZeroMQ gets to bring more before the next look at what came."""
DRAIN_LIMIT = 2.0
"""Seconds after which a drain ends whatever still comes: a stop must not wait for a flood."""
_log = Logger()


def ipc_path(endpoint: Endpoint) -> str | None:
    """Return the file that a bound ipc endpoint has, if any."""
    path = endpoint.address.removeprefix("ipc://")
    is_file = path != endpoint.address and not path.startswith("@")
    return path if is_file and not endpoint.connect else None


def make(
    reactor: Reactor,
    endpoints: Sequence[Endpoint],
    receive: Callable[[bytes], None],
    *,
    ipc_mode: int,
    curve: CurveServer | None = None,
) -> Sequence[ZeroMQIntake]:
    """Return the intakes of `endpoints`: one of those that ask for keys, one of all others.

    With `curve`, those ask that other hosts may reach. Raises ValueError, one line for people,
    where an endpoint is taken. The sockets themselves are opened at the start of the service:
    daemonising would leave them without their threads.
    """
    with ExitStack() as claims:
        for endpoint in endpoints:
            _claim(endpoint, claims)
    asking = [endpoint for endpoint in endpoints if curve is not None and endpoint.remote]
    others = [endpoint for endpoint in endpoints if endpoint not in asking]
    return [
        ZeroMQIntake(reactor, some, receive, ipc_mode=ipc_mode, curve=keys)
        for some, keys in ((others, None), (asking, curve))
        if some
    ]


def check_is_free(endpoint: Endpoint) -> None:
    """Raise BlockingIOError where another daemon has `endpoint`, OSError where it can't be had."""
    _trial(endpoint).close()


def _claim(endpoint: Endpoint, claims: ExitStack) -> None:
    """Have `endpoint` until `claims` end; raises ValueError, one line for people."""
    try:
        trial = _trial(endpoint)
    except OSError as error:
        claims.close()
        raise ValueError(f"--socket: {_reason(endpoint, error)}") from None
    claims.callback(trial.close)


def _reason(endpoint: Endpoint, error: OSError) -> str:
    """Return why an endpoint can't be had, now that this daemon has no other."""
    if _is_free(endpoint):
        return (
            f"{endpoint.address} is what another --socket here has under another name; "
            "leave one out"
        )
    if isinstance(error, BlockingIOError):
        return f"another daemon has {endpoint.address}; stop it, or give another path"
    return (
        f"can't have {endpoint.address}: {error.strerror}; "
        "is another program there, or the directory missing?"
    )


def _is_free(endpoint: Endpoint) -> bool:
    try:
        check_is_free(endpoint)
    except OSError:
        return False
    return True


def _trial(endpoint: Endpoint) -> ExitStack:
    """Return what has `endpoint` until it is closed; raises OSError where it can't be had."""
    with ExitStack() as stack:
        path = ipc_path(endpoint)
        if path:
            if os.path.exists(path) and not stat.S_ISSOCK(os.stat(path).st_mode):
                raise FileExistsError(errno.EEXIST, "There is a file")  # ZeroMQ would replace it
            stack.callback(_release, path, FileLock(path))
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        stack.callback(context.term)
        socket = stack.enter_context(context.socket(zmq.PULL))
        socket.set(zmq.LINGER, 0)
        _attach(endpoint, socket)
        return stack.pop_all()


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
        receive: Callable[[bytes], None],
        *,
        ipc_mode: int = 0o660,
        curve: CurveServer | None = None,
    ) -> None:
        self._reactor = reactor
        self._endpoints = endpoints
        self._receive = receive
        self._ipc_mode = ipc_mode
        self._curve = curve
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
        for endpoint in self._endpoints:
            try:
                self._open(connection, endpoint)
            except OSError as error:
                self._close()
                raise OSError(error.errno, f"--socket: {_reason(endpoint, error)}") from None

    def drain(self) -> Deferred[None]:
        """Unbind, hand over what has arrived until nothing comes any more, then fire."""
        return Deferred.fromCoroutine(self._drain())

    def reload(self) -> None:
        """Read anew who may send, where keys are asked for."""
        if self._curve is not None:
            self._curve.reload()

    def stopService(self) -> None:
        """Close the sockets."""
        Service.stopService(self)
        self._close()

    def _open(self, connection: PullConnection, endpoint: Endpoint) -> None:
        socket = connection.socket
        path = ipc_path(endpoint)
        if path:
            self._locks[path] = FileLock(path)  # ZeroMQ alone would let a second daemon steal it
        with _umask(0o777 & ~self._ipc_mode):
            _attach(endpoint, socket)
        address = endpoint.address
        if not endpoint.connect:
            address = socket.get(zmq.LAST_ENDPOINT).rstrip(b"\0").decode()
            self._bound.append(address)
        _log.info(
            "{verb} {address}",
            verb="receiving from" if endpoint.connect else "listening on",
            address=address,
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
        await self._part(connection)
        for address in self._bound:
            with suppress(zmq.ZMQError):
                connection.socket.unbind(address)
        await self._read_until_quiet(connection)

    async def _part(self, connection: PullConnection) -> None:
        """Read until all peers of what is bound are gone, or nothing comes any more."""
        now = self._reactor.monotonic()
        deadline, quiet_since, connected = now + DRAIN_LIMIT, now, None
        while now < deadline and now < quiet_since + QUIET and connected != 0:
            frames = connection.frames
            connection.read_all()
            # Who sends faster than is read here is parted with in the end all the same.
            is_late = now > deadline - DRAIN_LIMIT / 2
            connected = hang_up(self._bound, MAX_FRAME if is_late else 0)
            await deferLater(self._reactor, PAUSE)
            now = self._reactor.monotonic()
            if frames != connection.frames:
                quiet_since = now

    async def _read_until_quiet(self, connection: PullConnection) -> None:
        deadline = self._reactor.monotonic() + DRAIN_LIMIT
        frames = -1
        while frames != connection.frames and self._reactor.monotonic() < deadline:
            frames = connection.frames
            connection.read_all()
            await deferLater(self._reactor, QUIET)

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None and self._curve is not None:
            self._curve.close(connection)
        elif connection is not None:
            connection.shutdown()
        while self._locks:
            _release(*self._locks.popitem())


def _attach(endpoint: Endpoint, socket: zmq.Socket[bytes]) -> None:
    """Bind or connect `socket`; raises OSError."""
    try:
        endpoint.attach(socket)
    except zmq.ZMQError as error:
        raise OSError(error.errno, error.strerror) from None


def _release(path: str, lock: FileLock) -> None:
    """Remove the socket's file, which ZeroMQ leaves behind, and let another daemon have it."""
    with suppress(OSError):
        os.unlink(path)
    lock.close()


@contextmanager
def _umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def _connection(reactor: Reactor, receive: Callable[[bytes], None]) -> PullConnection:
    """Return an open connection; txZMQ is imported here since it imports the global reactor."""
    from zibrato.tx.connections import Factory, PullConnection  # noqa: PLC0415 - imports the reactor

    return PullConnection(Factory(reactor, zmq.Context.instance()), receive)
