"""The way back from a ZeroMQ intake to its clients: a socket that publishes acknowledgements."""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

import zmq
from twisted.logger import Logger

from zibrato.endpoint import Endpoint
from zibrato.files.file_lock import FileLock
from zibrato.intake.claims import attach, lock, release

if TYPE_CHECKING:
    from zibrato.tx.connections import PublishConnection

    MakeConnection = Callable[[Callable[[bytes], None]], PublishConnection]

LINGER = 500
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
        self._connection: PublishConnection | None = None
        self._silence: Callable[[], None] = lambda: None
        self._locks: dict[str, FileLock] = {}

    def open(self, make: MakeConnection, sockets: Sequence[Endpoint]) -> None:
        """Open; `sockets` are the intake's bound endpoints. Raises OSError only with `endpoint`."""
        self._connection = make(self._subscribed)
        self._silence = self._acknowledging.listen(self._publish)
        if self._endpoint is not None:
            try:
                self._attach(self._endpoint)
            except OSError as error:
                text = f"--acknowledgements: {error.strerror}; give another endpoint, or none"
                raise OSError(error.errno, text) from None
        else:
            for socket in sockets:
                self._attach_derived(socket)

    def finish(self) -> None:
        """Have everything that came acknowledged soon, since no more batches will come."""
        if self._connection is not None:
            self._acknowledging.commit_now()

    def close(self) -> None:
        """Close the socket; ZeroMQ has `LINGER` milliseconds to send the last acknowledgements."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._silence()
            connection.socket.set(zmq.LINGER, LINGER)
            connection.shutdown()
        while self._locks:
            release(*self._locks.popitem())

    def _attach_derived(self, socket: Endpoint) -> None:
        """Bind or connect to the endpoint derived from that of a socket; log a warning if it fails.

        The daemon starts anyway, because most clients don't ask for acknowledgements.
        """
        endpoint = socket.way_back()
        try:
            if endpoint is None:
                raise OSError(errno.EADDRNOTAVAIL, "there is no next port")
            self._attach(endpoint)
        except OSError as error:
            _log.warn(
                "no acknowledgements to clients of {socket}: {error}; give --acknowledgements an "
                "endpoint, or none",
                socket=socket.address,
                error=error.strerror,
            )

    def _attach(self, endpoint: Endpoint) -> None:
        """Bind or connect; raises OSError with a `strerror` that names the endpoint."""
        try:
            if endpoint.path:
                self._locks[endpoint.path] = lock(endpoint.path)
            if self._connection is not None:
                attach(endpoint, self._connection.socket)
        except OSError as error:
            is_taken = isinstance(error, BlockingIOError)
            why = "a daemon has it already" if is_taken else error.strerror
            raise OSError(error.errno, f"can't use {endpoint.address}: {why}") from None
        _log.info("acknowledging at {address}", address=endpoint.address)

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
