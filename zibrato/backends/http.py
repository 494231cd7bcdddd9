"""Exchanges with an HTTP server, one at a time: a request, and its bounded response."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, NamedTuple, Protocol, TypeVar

from treq.client import HTTPClient
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IProtocol, IReactorTime
from twisted.internet.protocol import Protocol as BaseProtocol
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web._newclient import ParseError
from twisted.web.client import Agent
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent

from zibrato import __version__
from zibrato.backends.http_bounds import MAX_BODY, bounded, connections
from zibrato.backends.http_proxy import ProxiedAgent, Proxy
from zibrato.backends.http_responses import Response, one_line
from zibrato.interfaces import Reactor, RetryLater

__all__ = [
    "Client",
    "HttpClient",
    "HttpResponse",
    "Poster",
    "RequestHeaders",
    "client",
]

TIMEOUT = 30.0
CONNECT_TIMEOUT = 10.0
"""Both in seconds: for a whole exchange, and for its connection."""
RequestHeaders = dict[bytes | str, bytes | str]
_HEADERS: RequestHeaders = {"User-Agent": f"zibrato/{__version__}"}
_STATUSES = range(200, 600)
T = TypeVar("T")


class HttpResponse(Protocol):
    """The part of an HttpClient's response that is used here."""

    code: int
    headers: Headers

    def deliverBody(self, protocol: IProtocol, /) -> None:
        """Deliver the body to a protocol as it is received."""


class HttpClient(Protocol):
    """The part of treq's HTTPClient that is used here."""

    def post(
        self,
        url: str,
        /,
        *,
        data: bytes,
        headers: RequestHeaders,
        auth: tuple[str, str] | None,
        allow_redirects: bool,
        unbuffered: bool,
        reactor: Any,  # treq's own type of a reactor is private
    ) -> Awaitable[HttpResponse]:
        """Return the response when its headers have been received."""


class Client(NamedTuple):
    """An HTTP client with its own connections, and a function that closes them."""

    http: HttpClient
    close: Callable[[], Deferred[None]]


def client(reactor: Reactor, proxy: Proxy | None = None) -> Client:
    """Return a client that verifies certificates and keeps connections open."""
    pool = connections(reactor)
    agent: IAgent = Agent(reactor, connectTimeout=CONNECT_TIMEOUT, pool=pool)
    if proxy is not None:
        agent = ProxiedAgent(reactor, proxy, CONNECT_TIMEOUT, pool)
    # Without this policy, the number of cookies would have no bound.
    no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=()))
    # Newer versions of treq ask for their own subclass, which older ones don't have.
    http = HTTPClient(bounded(agent), no_cookies)  # type: ignore[arg-type]
    return Client(http, pool.closeCachedConnections)


class Poster:
    """Posts bodies with `http`.

    An exchange, from connecting to the end of the response's body, may take `TIMEOUT` seconds.
    """

    def __init__(self, http: HttpClient, clock: IReactorTime) -> None:
        self._http = http
        self._clock = clock

    async def post(
        self,
        url: str,
        body: bytes,
        headers: RequestHeaders,
        auth: tuple[str, str] | None = None,
    ) -> Response:
        """Return the response; any failure before it raises RetryLater."""
        exchange = Deferred.fromCoroutine(self._exchange(url, body, headers, auth))
        # treq's own timeout ends with the headers, so a body that trickles would hold the delivery
        # for ever.
        exchange.addTimeout(TIMEOUT, self._clock, _timed_out)
        try:
            return await exchange
        except (RetryLater, CancelledError):
            raise
        except Exception as error:
            raise RetryLater(_cause(error)) from None

    async def _exchange(
        self, url: str, body: bytes, headers: RequestHeaders, auth: tuple[str, str] | None
    ) -> Response:
        response = await self._http.post(
            url,
            data=body,
            headers=_HEADERS | headers,
            auth=auth,
            allow_redirects=False,  # credentials go to no other host
            unbuffered=True,  # otherwise treq keeps a second copy of the body
            reactor=self._clock,  # otherwise treq imports the global reactor
        )
        reading = _Reading()
        response.deliverBody(reading)
        body = await reading.finished
        if response.code not in _STATUSES:
            raise RetryLater("the answer's status is not an HTTP status")
        return Response(response.code, response.headers, body)


class _Reading(BaseProtocol):
    """Reads a body to its end, and keeps at most a bounded part of it.

    `finished` never fails: once there is a status, a broken or late body changes nothing. What a
    server has accepted must not be sent again.
    """

    def __init__(self) -> None:
        self.finished: Deferred[bytes] = Deferred(self._give_up)
        self.kept = b""

    def dataReceived(self, data: bytes) -> None:
        """Keep data while there is room; without room, don't wait for the rest."""
        self.kept += data[: MAX_BODY - len(self.kept)]
        if len(self.kept) == MAX_BODY and not self.finished.called:
            self._give_up(self.finished)

    def connectionLost(self, _reason: Failure = connectionDone) -> None:
        """Finish with what was kept."""
        if not self.finished.called:
            self.finished.callback(self.kept)

    def _give_up(self, _finished: Deferred[bytes]) -> None:
        if self.transport is not None:
            self.transport.loseConnection()
        self.connectionLost()


def _timed_out(result: T | Failure, timeout: float) -> T | Failure:
    """Turn the cancellation of an exchange that took too long into a timeout."""
    if isinstance(result, Failure):
        return Failure(RetryLater(f"no answer within {timeout:g} s"))
    return result


def _cause(error: BaseException) -> str:
    """Return the root cause of `error`: an HTTP client wraps failures in failures."""
    reasons = getattr(error, "reasons", None)
    while reasons:
        error = reasons[0].value
        reasons = getattr(error, "reasons", None)
    name = type(error).__name__
    # Parsers of responses quote them in errors: perhaps a secret, and another text at each attempt.
    if type(error) in {ParseError, ValueError, KeyError}:
        return f"{name}: the answer is not HTTP"
    return one_line(f"{name}: {error}").rstrip(": ")
