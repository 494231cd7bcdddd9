"""CURVE sockets, and the authentication of their clients by public keys.

ZeroMQ asks about each client by ZAP (RFC 27): once for each connection, over a separate socket,
while the handshake waits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import zmq
from twisted.logger import Logger
from zmq.utils import z85

from zibrato.curve import CLIENTS, server_keys
from zibrato.interfaces import Reactor

if TYPE_CHECKING:
    from zibrato.tx.connections import EventConnection, PullConnection, ReplyConnection
    from zibrato.tx.publishing import PublishConnection

DOMAIN = b"zibrato"
QUESTIONS = "inproc://zeromq.zap.01"
Rejected = Callable[[str, str], None]
"""Is called for a refused client with a reason of one word and a text for the log."""
_log = Logger()


class CurveServer:
    """Opens sockets that let in only clients whose public keys are in a directory.

    It has its own ZeroMQ context, since a context can have only one ZAP handler. In the process's
    shared context, the handler belongs to the application.
    """

    def __init__(self, directory: Path, rejected: Rejected) -> None:
        """Read the keys; raises ValueError, with a half-sentence for people."""
        self._directory = directory
        self._rejected = rejected
        self._keys = server_keys(directory)
        self._questions: ReplyConnection | None = None
        self._events: EventConnection | None = None

    def open(self, reactor: Reactor, receive: Callable[[Sequence[bytes]], None]) -> PullConnection:
        """Return a connection, still unbound, that requires keys.

        The ZAP handler is opened first, because without one ZeroMQ would let in any client that
        knows the daemon's public key.
        """
        # txZMQ imports the global reactor.
        from zibrato.tx.connections import (  # noqa: PLC0415 - imports the reactor
            AuthenticatedPullConnection,
            EventConnection,
            Factory,
            ReplyConnection,
        )

        factory = Factory(reactor, zmq.Context())
        self._questions = ReplyConnection(factory, self.answer)
        self._questions.socket.bind(QUESTIONS)
        connection = AuthenticatedPullConnection(factory, receive, self.is_accepted)
        self._secure(connection.socket)
        event = zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
        self._events = EventConnection(factory, connection.socket, event, self.failed)
        return connection

    def open_way_back(
        self, connection: PullConnection, subscribed: Callable[[bytes], None]
    ) -> PublishConnection:
        """Return a connection that publishes to clients, and requires keys, too."""
        from zibrato.tx.publishing import PublishConnection  # noqa: PLC0415 - imports the reactor

        way_back = PublishConnection(connection.factory, subscribed)
        self._secure(way_back.socket)
        return way_back

    def close(self, connection: PullConnection) -> None:
        """Close everything that `open` opened."""
        if self._questions is None or self._events is None:
            return
        context = connection.factory.context
        for part in (self._events, connection, self._questions):
            part.shutdown()
        self._questions = self._events = None
        context.term()

    def reload(self) -> None:
        """Read the clients' keys again; on an error they stay as they are."""
        try:
            clients = server_keys(self._directory).clients
        except ValueError as error:
            _log.error("--curve-keys: {error}; the keys stay as they were", error=error)
            return
        self._keys = self._keys._replace(clients=clients)
        self.tell()

    def tell(self) -> None:
        """Log which clients are let in."""
        names = sorted(self._keys.clients.values())
        _log.info(
            "let in over CURVE: {names}", names=", ".join(names) or f"nobody; {CLIENTS}/ is empty"
        )

    def is_accepted(self, key: str) -> bool:
        """Return whether the client with this key may send; if not, count it.

        The key may have been removed after the connection was made.
        """
        if key.encode() in self._keys.clients:
            return True
        self._rejected("unauthorised", f"key {key} was removed, but its connection is still open")
        return False

    def answer(self, request: Sequence[bytes]) -> Sequence[bytes]:
        """Return the ZAP reply to a request.

        A refusal has the status of a temporary error. After any other, ZeroMQ's clients never try
        again, even if their key is added later.
        """
        version, number, _domain, address, _identity, _mechanism, *credentials = request
        key = z85.encode(credentials[0]) if [*map(len, credentials)] == [32] else b""
        if key in self._keys.clients:
            return [version, number, b"200", b"", key, b""]
        self._rejected(
            "unauthorised",
            f"{address.decode(errors='replace')} has a key that is not in {CLIENTS}/: "
            f"{key.decode()}",
        )
        return [version, number, b"300", b"", b"", b""]

    def failed(self, error: int) -> None:
        """Count a handshake that failed before ZAP was asked."""
        if error == zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH:
            self._rejected("handshake", "it has no keys")
        else:
            self._rejected(
                "handshake", "it has a wrong key of this daemon, or doesn't speak ZeroMQ"
            )

    def _secure(self, socket: zmq.Socket[bytes]) -> None:
        socket.set(zmq.CURVE_SERVER, 1)
        socket.set(zmq.CURVE_SECRETKEY, self._keys.pair.secret)
        socket.set(zmq.ZAP_DOMAIN, DOMAIN)
        socket.set(zmq.ZAP_ENFORCE_DOMAIN, 1)
