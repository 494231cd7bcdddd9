"""Bounds of HTTP responses, whatever a server sends: a head's length, an inflated body's length.

Twisted reads heads of any length, logs each interim response, and inflates a body at once.
"""

from __future__ import annotations

import zlib

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IProtocol
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import ILogObserver, Logger
from twisted.python.failure import Failure
from twisted.web._newclient import HEADER, STATUS, HTTP11ClientProtocol, Request, ResponseFailed
from twisted.web.client import ContentDecoderAgent, GzipDecoder, HTTPConnectionPool
from twisted.web.iweb import IAgent, IResponse
from zope.interface import implementer

from zibrato.interfaces import Reactor

__all__ = ["MAX_BODY", "MAX_HEAD", "bounded", "connections"]

MAX_HEAD = 64 * 1024
"""Bytes of status lines and headers that are read of one response, approximately."""
MAX_BODY = 64 * 1024
"""Bytes of a body that are kept."""
_GZIP = 31  # zlib's code for a gzip header and the largest window


def connections(reactor: Reactor) -> HTTPConnectionPool:
    """Return a pool of persistent connections that give up on a server whose heads don't end."""
    pool = HTTPConnectionPool(reactor)
    pool._factory = _Connections
    return pool


def bounded(agent: IAgent) -> IAgent:
    """Return an agent that inflates no more of a body than is kept of it."""
    bounding: IAgent = ContentDecoderAgent(agent, [(b"gzip", _Inflated)])
    return bounding


class EndlessHeadError(Exception):
    """A server doesn't come to an end with its headers, or with interim responses."""

    def __str__(self) -> str:
        return f"the head of the answer is over {MAX_HEAD} bytes"


class _Connections(HTTPConnectionPool._factory):  # type: ignore[misc, valid-type]  # a base class in a variable
    """Makes connections; the pool has no public way to choose their class."""

    noisy = False

    def buildProtocol(self, _address: IAddress | None) -> HTTP11ClientProtocol:
        """Return a connection with bounds."""
        return _Connection(self._quiescentCallback)  # type: ignore[no-untyped-call]  # Twisted has no types here


class _Connection(HTTP11ClientProtocol):
    _head = 0

    def request(self, request: Request) -> Deferred[IResponse]:
        """Return the response, when it is received."""
        self._head = 0
        response = super().request(request)
        if self._parser is not None:
            # Twisted's parser logs a line for each interim response (1xx), so a server could fill
            # the disk.
            self._parser._log = _SILENT
        return response

    def dataReceived(self, data: bytes) -> None:
        """Parse what is received, unless that makes the head too long."""
        super().dataReceived(data)  # type: ignore[no-untyped-call]  # Twisted has no types here
        if self._parser is not None and self._parser.state in (STATUS, HEADER):
            self._head += len(data)
            if self._head > MAX_HEAD:
                too_long = ResponseFailed([Failure(EndlessHeadError())])
                self._giveUp(Failure(too_long))  # type: ignore[no-untyped-call]  # Twisted has no types here


@implementer(ILogObserver)
class _Nobody:
    def __call__(self, event: object) -> None:
        """Ignore the event."""


_SILENT = Logger(observer=_Nobody())


class _Inflated(GzipDecoder):
    """A response whose body is inflated."""

    original: IResponse

    def deliverBody(self, protocol: IProtocol) -> None:
        """Deliver the inflated body to a protocol as it is received."""
        self.original.deliverBody(_Inflating(protocol))


class _Inflating(Protocol):
    """Passes a body on inflated, as far as it is intact, and no more of it than is kept."""

    def __init__(self, reader: IProtocol) -> None:
        self._reader = reader
        self._inflating = zlib.decompressobj(_GZIP)
        self._room = MAX_BODY

    def connectionMade(self) -> None:
        """Begin to read; the reader may end the connection."""
        self._reader.makeConnection(self.transport)  # type: ignore[arg-type]  # it is connected

    def dataReceived(self, data: bytes) -> None:
        """Inflate as much as there is room for."""
        if not self._room:  # for zlib, 0 means no bound
            return
        try:
            inflated = self._inflating.decompress(data, self._room)
        except zlib.error:
            # Keep what was inflated: there is a status, and nothing that follows it in the body
            # changes that.
            self._room = 0
            return
        self._room -= len(inflated)
        self._reader.dataReceived(inflated)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Report the loss to the reader."""
        self._reader.connectionLost(reason)
