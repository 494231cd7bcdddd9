"""Holds HTTP servers to bounds, whatever they answer: the length of a head, and of a body inflated.

Twisted reads heads without end, says of each interim one that it came, and inflates a body in one.
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
"""Bytes of status lines and headers that are read of one answer, about."""
MAX_BODY = 64 * 1024
"""Bytes of a body that are kept."""
_GZIP = 31  # zlib's code for a gzip header and the largest window


def connections(reactor: Reactor) -> HTTPConnectionPool:
    """Return a pool of connections that stay open, and give up a server whose heads don't end."""
    pool = HTTPConnectionPool(reactor)
    pool._factory = _Connections
    return pool


def bounded(agent: IAgent) -> IAgent:
    """Return an agent that inflates no more of a body than is kept of it."""
    bounding: IAgent = ContentDecoderAgent(agent, [(b"gzip", _Inflated)])
    return bounding


class EndlessHeadError(Exception):
    """A server has not come to an end with its headers, or with interim answers."""

    def __str__(self) -> str:
        return f"the head of the answer is over {MAX_HEAD} bytes"


class _Connections(HTTPConnectionPool._factory):  # type: ignore[misc, valid-type]  # a variable
    """Makes connections; the pool has no public way to say of what kind."""

    noisy = False

    def buildProtocol(self, _address: IAddress | None) -> HTTP11ClientProtocol:
        """Return a connection, in bounds."""
        return _Connection(self._quiescentCallback)  # type: ignore[no-untyped-call]  # it has no types


class _Connection(HTTP11ClientProtocol):
    _head = 0

    def request(self, request: Request) -> Deferred[IResponse]:
        """Return the response to come."""
        self._head = 0
        response = super().request(request)
        if self._parser is not None:
            # It writes a line for each interim answer (1xx): a server could fill the disk with
            # them.
            self._parser._log = _SILENT
        return response

    def dataReceived(self, data: bytes) -> None:
        """Take what comes, unless the head is too long with it."""
        super().dataReceived(data)  # type: ignore[no-untyped-call]  # it has no types
        if self._parser is not None and self._parser.state in (STATUS, HEADER):
            self._head += len(data)
            if self._head > MAX_HEAD:
                too_long = ResponseFailed([Failure(EndlessHeadError())])
                self._giveUp(Failure(too_long))  # type: ignore[no-untyped-call]  # it has no types


@implementer(ILogObserver)
class _Nobody:
    def __call__(self, event: object) -> None:
        """Let it go."""


_SILENT = Logger(observer=_Nobody())


class _Inflated(GzipDecoder):
    """A response whose body comes inflated."""

    original: IResponse

    def deliverBody(self, protocol: IProtocol) -> None:
        """Hand the body to a protocol as it comes."""
        self.original.deliverBody(_Inflating(protocol))


class _Inflating(Protocol):
    """Hands a body on inflated, as far as it is good, and no more of it than is kept."""

    def __init__(self, reader: IProtocol) -> None:
        self._reader = reader
        self._inflating = zlib.decompressobj(_GZIP)
        self._room = MAX_BODY

    def connectionMade(self) -> None:
        """Let the reader begin, who may end the connection."""
        self._reader.makeConnection(self.transport)  # type: ignore[arg-type]  # it is connected

    def dataReceived(self, data: bytes) -> None:
        """Inflate what there is room for."""
        if not self._room:  # for zlib, 0 is no bound
            return
        try:
            inflated = self._inflating.decompress(data, self._room)
        except zlib.error:
            # What was inflated stands: it has come with a status, and what follows that changes
            # nothing.
            self._room = 0
            return
        self._room -= len(inflated)
        self._reader.dataReceived(inflated)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell the reader."""
        self._reader.connectionLost(reason)
