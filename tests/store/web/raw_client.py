"""Requests as bytes, through a site in bounds, without a network."""

from __future__ import annotations

from collections.abc import Iterable
from http.client import HTTPResponse, IncompleteRead
from io import BytesIO
from typing import Any, NamedTuple

from twisted.internet.error import ConnectionDone
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from zibrato.store.web.site import BoundedSite


class Response(NamedTuple):
    """What a server answered."""

    status: int
    type: str
    body: bytes


class _Socket:
    """As much of a socket as http.client reads from."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, *_: Any) -> BytesIO:
        return BytesIO(self._data)


def sent(site: BoundedSite, method: str, path: bytes, body: bytes, **headers: str) -> Response:
    """Return the response to a request on a connection of its own, which is closed then."""
    lines = [b"%s %s HTTP/1.1" % (method.encode(), path), b"Host: localhost", b"Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}".encode() for name, value in headers.items()]
    lines += [b"Content-Length: %d" % len(body), b"", body]
    protocol, transport = site.buildProtocol(None), StringTransport()
    protocol.makeConnection(transport)
    protocol.dataReceived(b"\r\n".join(lines))
    protocol.connectionLost(Failure(ConnectionDone()))
    response = HTTPResponse(_Socket(transport.value()), method=method)  # type: ignore[arg-type]  # it reads alone
    response.begin()
    kind = response.getheader("content-type", "")
    try:
        return Response(response.status, kind, response.read())
    except IncompleteRead as error:  # of live events, which have no end
        return Response(response.status, kind, error.partial)


class FullTransport(StringTransport):
    """Tells its producer to pause at each write, until the client has read what there is."""

    def write(self, data: bytes) -> None:
        """Keep it, and take no more."""
        StringTransport.write(self, data)
        if self.producer is not None and len(self.value()) > 1 << 16:
            self.producer.pauseProducing()

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Keep it likewise."""
        self.write(b"".join(data))

    def read(self) -> None:
        """Have the client read all that there is."""
        self.clear()
        if self.producer is not None:
            self.producer.resumeProducing()
