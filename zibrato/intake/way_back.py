"""The way back from a ZeroMQ intake to its clients: a socket that publishes acknowledgements."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

import zmq
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from zibrato.endpoint import Endpoint
from zibrato.files.file_lock import FileLock
from zibrato.intake.accepted import cut_off, turn_away
from zibrato.intake.claims import attach, lock, release, socket_mode

if TYPE_CHECKING:
    from zibrato.tx.publishing import PublishConnection

    MakeConnection = Callable[[Callable[[bytes], None]], PublishConnection]

LINGER = 500
REST = 2.0
"""Seconds without a way back after somebody has subscribed to too much."""
_log = Logger()


class Acknowledging(Protocol):
    """What a way back needs of the daemon; to be called in the reactor's thread."""

    def listen(self, publish: Callable[[str, bytes], None]) -> Callable[[], None]:
        """Call `publish` with each client and acknowledgement; return a function to end that."""

    def tell(self, client: str) -> bytes:
        """Return the acknowledgement for a client that subscribes, even if it is unknown."""

    def commit_now(self) -> None:
        """Commit all accepted batches at once, since no more will come."""


class WayBack:
    """Publishes the acknowledgements of `acknowledging`, with the client's id as the topic.

    It publishes at `endpoint`, or by default at the endpoints derived from those of the intake.
    """

    def __init__(self, acknowledging: Acknowledging, endpoint: Endpoint | None = None) -> None:
        self._acknowledging = acknowledging
        self._endpoint = endpoint
        self._make: MakeConnection
        self._mode = 0
        self._connection: PublishConnection | None = None
        self._resting: IDelayedCall | None = None
        self._silence: Callable[[], None] = lambda: None
        self._locks: dict[str, FileLock] = {}
        self._attached: list[Endpoint] = []
        self._has_warned = False

    def open(self, make: MakeConnection, sockets: Sequence[Endpoint], mode: int) -> None:
        """Open; `sockets` are the intake's bound endpoints, `mode` the permissions of paths.

        Raises OSError only with `endpoint`.
        """
        self._make, self._mode = make, mode
        connection = self._connection = self._made()
        self._silence = self._acknowledging.listen(self._publish)
        if self._endpoint is not None:
            try:
                self._attach(self._endpoint, connection)
            except OSError as error:
                text = f"--acknowledgements: {error.strerror}; give another endpoint, or none"
                raise OSError(error.errno, text) from None
        else:
            for socket in sockets:
                self._attach_derived(socket, connection)

    def finish(self) -> None:
        """Have everything that came acknowledged soon, since no more batches will come."""
        self._acknowledging.commit_now()

    def close(self) -> None:
        """Close the socket; ZeroMQ has `LINGER` milliseconds to send the last acknowledgements."""
        silence, self._silence = self._silence, lambda: None
        silence()
        resting, self._resting = self._resting, None
        if resting is not None and resting.active():
            resting.cancel()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.socket.set(zmq.LINGER, LINGER)
            connection.shutdown()
        while self._locks:
            release(*self._locks.popitem())

    def _made(self) -> PublishConnection:
        connection = self._make(self._subscribed)
        reactor = connection.factory.reactor

        def crowded() -> None:
            self._turn_away()
            reactor.callFromThread(self._rest, connection)

        connection.crowded = crowded
        return connection

    def _attach_derived(self, socket: Endpoint, connection: PublishConnection) -> None:
        """Bind or connect to the endpoint derived from that of a socket; log a warning if it fails.

        The daemon starts anyway, because most clients don't ask for acknowledgements.
        """
        endpoint = socket.way_back()
        try:
            if endpoint is None:
                raise OSError(errno.EADDRNOTAVAIL, "there is no next port")
            self._attach(endpoint, connection)
        except OSError as error:
            _log.warn(
                "no acknowledgements to clients of {socket}: {error}; give --acknowledgements an "
                "endpoint, or none",
                socket=socket.address,
                error=error.strerror,
            )

    def _attach(self, endpoint: Endpoint, connection: PublishConnection) -> None:
        """Bind or connect; raises OSError with a `strerror` that names the endpoint."""
        try:
            if endpoint.path:
                self._locks[endpoint.path] = lock(endpoint.path)
            with socket_mode(self._mode):
                attach(endpoint, connection.socket)
        except OSError as error:
            is_taken = isinstance(error, BlockingIOError)
            why = "a daemon has it already" if is_taken else error.strerror
            raise OSError(error.errno, f"can't use {endpoint.address}: {why}") from None
        if not endpoint.connect:
            endpoint = Endpoint(connection.socket.get(zmq.LAST_ENDPOINT).rstrip(b"\0").decode())
        self._attached.append(endpoint)
        _log.info("acknowledging at {address}", address=endpoint.address)

    def _turn_away(self) -> None:
        """End all connections, and let nobody connect; for any thread."""
        bound = [endpoint for endpoint in self._attached if not endpoint.connect]
        for endpoint in bound:
            if endpoint.path:
                with suppress(OSError):
                    os.unlink(endpoint.path)  # the lock still excludes other daemons
        addresses = [endpoint.address for endpoint in bound]
        turn_away(addresses)
        cut_off(addresses)

    def _rest(self, crowded: PublishConnection) -> None:
        """Close the socket for a while: somebody has subscribed to more than any client would.

        Nothing else frees ZeroMQ's memory. Clients keep what isn't acknowledged meanwhile.
        """
        if crowded is not self._connection:
            return
        reactor = crowded.factory.reactor
        self._connection = None
        crowded.shutdown()
        self._resting = reactor.callLater(REST, self._resume)
        if not self._has_warned:
            self._has_warned = True  # once, since whoever does this may go on
            _log.warn(
                "somebody subscribes to too many acknowledgements at {addresses}: there are none "
                "for {rest:g} s, each time",
                addresses=", ".join(endpoint.address for endpoint in self._attached),
                rest=REST,
            )

    def _resume(self) -> None:
        """Open the socket again; if that isn't possible yet, try later."""
        connection = self._made()
        reactor = connection.factory.reactor
        try:
            with socket_mode(self._mode):
                for endpoint in self._attached:
                    attach(endpoint, connection.socket)
        except OSError:
            connection.shutdown()
            self._resting = reactor.callLater(REST, self._resume)
        else:
            self._connection = connection

    def _subscribed(self, topic: bytes) -> None:
        try:
            client = topic.decode()
        except UnicodeDecodeError:
            return
        if client:
            self._publish(client, self._acknowledging.tell(client))

    def _publish(self, client: str, frame: bytes) -> None:
        if self._connection is not None:
            self._connection.publish(client.encode(), frame)
