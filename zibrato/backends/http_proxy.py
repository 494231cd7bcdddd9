"""Reach an HTTP server through an HTTP proxy: by a tunnel (CONNECT) for https, or else directly."""

from __future__ import annotations

import re
from base64 import b64encode
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.error import ConnectError
from twisted.internet.interfaces import (
    IProtocol,
    IProtocolFactory,
    IReactorTime,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.tcp import Connection
from twisted.python.failure import Failure
from twisted.web.client import URI, Agent, BrowserLikePolicyForHTTPS, HTTPConnectionPool, ProxyAgent
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IAgentEndpointFactory, IBodyProducer, IResponse
from zope.interface import implementer

__all__ = ["ProxiedAgent", "Proxy"]

_PROXY = re.compile(
    r"http://(?:([^:@/\s]+:[^@/\s]*)@)?(\[[0-9a-f:.]+\]|[^]\s/@?#:[]+)(?::(\d{1,5}))?/?",
    re.I | re.A,
)
# For the proxy's own response: the bounds of the HTTP client only apply inside the tunnel.
_MAX_HEAD = 16 * 1024
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")


class Proxy(NamedTuple):
    """A proxy's address, and the header with its credentials."""

    host: str
    port: int
    authorization: bytes | None

    @classmethod
    def parse(cls, text: str) -> Proxy:
        """Parse a proxy's URL; raises ValueError with one line that shows no password."""
        match = _PROXY.fullmatch(text.strip())
        if not match or not 0 < int(match[3] or 3128) < 65536:
            raise ValueError("proxy: expected http://HOST:PORT or http://USER:PASSWORD@HOST:PORT")
        # As in any URL, a password may have escaped characters that would end it, such as @.
        credentials = match[1] and b"Basic " + b64encode(unquote_to_bytes(match[1]))
        return cls(match[2].strip("[]"), int(match[3] or 3128), credentials or None)


@implementer(IAgent)
class ProxiedAgent:
    """Sends requests through a proxy, which for https learns nothing but the host's name."""

    def __init__(
        self, reactor: IReactorTime, proxy: Proxy, timeout: float, pool: HTTPConnectionPool
    ) -> None:
        endpoint = HostnameEndpoint(reactor, proxy.host, proxy.port, timeout)
        tunnels = _Tunnels(endpoint, proxy.authorization)
        self._authorization = proxy.authorization
        self._secure = Agent.usingEndpointFactory(reactor, tunnels, pool)
        self._plain = ProxyAgent(endpoint, reactor, pool)

    def request(
        self,
        method: bytes,
        uri: bytes,
        headers: Headers | None = None,
        bodyProducer: IBodyProducer | None = None,
    ) -> Deferred[IResponse]:
        """Return the response to a request."""
        if uri.lower().startswith(b"https:"):
            secure: Deferred[IResponse] = self._secure.request(method, uri, headers, bodyProducer)
            return secure
        headers = Headers() if headers is None else headers.copy()
        if self._authorization is not None:
            headers.setRawHeaders(b"Proxy-Authorization", [self._authorization])
        plain: Deferred[IResponse] = self._plain.request(method, uri, headers, bodyProducer)
        return plain


@implementer(IAgentEndpointFactory)
class _Tunnels:
    def __init__(self, proxy: IStreamClientEndpoint, authorization: bytes | None) -> None:
        self._proxy = proxy
        self._authorization = authorization
        self._policy = BrowserLikePolicyForHTTPS()

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        """Return the endpoint of a server, whose certificate is verified inside the tunnel."""
        host = b"[%b]" % uri.host if b":" in uri.host else uri.host
        head = b"CONNECT %b:%d HTTP/1.1\r\nHost: %b:%d\r\n" % (host, uri.port, host, uri.port)
        if self._authorization is not None:
            head += b"Proxy-Authorization: %b\r\n" % self._authorization
        options = self._policy.creatorForNetloc(uri.host, uri.port)
        return wrapClientTLS(options, _TunnelEndpoint(self._proxy, head + b"\r\n"))


@implementer(IStreamClientEndpoint)
class _TunnelEndpoint:
    """Connects to a proxy, and asks it for a tunnel with `head`; then others use the connection."""

    def __init__(self, proxy: IStreamClientEndpoint, head: bytes) -> None:
        self._proxy = proxy
        self._head = head

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Return the connected protocol; fails if the proxy can't or won't connect."""
        tunnel = _Tunnel(self._head, protocolFactory)
        factory = Factory.forProtocol(lambda: tunnel)
        factory.noisy = False  # otherwise every connection logs two lines
        connecting = self._proxy.connect(factory)
        return connecting.addCallback(lambda _: tunnel.established)


class _Tunnel(Protocol):
    """Asks for a tunnel; once it is open, all received data goes to the protocol behind it."""

    transport: Connection

    def __init__(self, head: bytes, factory: IProtocolFactory) -> None:
        self.established: Deferred[IProtocol] = Deferred(lambda _: self._abort())
        self._head = head
        self._factory = factory
        self._answer = b""
        self._inner: IProtocol | None = None

    def connectionMade(self) -> None:
        """Ask for the tunnel."""
        self.transport.write(self._head)

    def dataReceived(self, data: bytes) -> None:
        """Pass received data on, after the proxy's response."""
        if self._inner is not None:
            self._inner.dataReceived(data)
            return
        self._answer += data
        head, end, rest = self._answer.partition(b"\r\n\r\n")
        if end:
            self._answered(head, rest)
        elif len(self._answer) > _MAX_HEAD:
            self._fail("the proxy's answer is not HTTP")

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Report the loss to whoever waits for the tunnel or uses it."""
        if self._inner is not None:
            self._inner.connectionLost(reason)
        else:
            self._fail("the proxy closed the connection")

    def _answered(self, head: bytes, rest: bytes) -> None:
        status = _STATUS.match(head)
        if status is None or not 200 <= int(status[1]) < 300:
            says = f"has status {int(status[1])}" if status else "is not HTTP"
            self._fail(f"the proxy's answer to CONNECT {says}")
            return
        inner = self._factory.buildProtocol(self.transport.getPeer())
        if inner is None:
            self._abort()
            return
        self._inner = inner
        inner.makeConnection(self.transport)
        if not self.established.called:
            self.established.callback(inner)
        if rest:
            inner.dataReceived(rest)

    def _fail(self, why: str) -> None:
        if not self.established.called:
            self.established.errback(ConnectError(why))
        self._abort()

    def _abort(self) -> None:
        if self.transport is not None:
            self.transport.abortConnection()
