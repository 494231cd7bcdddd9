"""One exchange at a time with a Librato API: the request, and its answer in bounds."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Protocol, TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IProtocol, IReactorTime
from twisted.internet.protocol import Protocol as BaseProtocol
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.http_headers import Headers

from zibrato import __version__
from zibrato.backends.librato.account import Account
from zibrato.backends.librato.responses import Response, classify
from zibrato.interfaces import RetryLater

TIMEOUT = 30.0
MAX_BODY = 64 * 1024
_HEADERS: dict[bytes | str, bytes | str] = {
    "User-Agent": f"zibrato/{__version__}",
    "Content-Type": "application/json",
}
T = TypeVar("T")


class HttpResponse(Protocol):
    """What is used of the response of an HttpClient."""

    code: int
    headers: Headers

    def deliverBody(self, protocol: IProtocol, /) -> None:
        """Hand the body to a protocol as it comes."""


class HttpClient(Protocol):
    """What is used of treq's HTTPClient."""

    def post(
        self,
        url: str,
        /,
        *,
        data: bytes,
        headers: dict[bytes | str, bytes | str],
        auth: tuple[str, str],
        allow_redirects: bool,
        unbuffered: bool,
        reactor: Any,  # treq's own type of a reactor is private
    ) -> Awaitable[HttpResponse]:
        """Return the response once its headers are there."""


class LibratoApi:
    """Posts bodies as `account` with `http`.

    An exchange, from connecting to the end of the answer's body, gets `timeout` seconds.
    """

    def __init__(
        self, account: Account, http: HttpClient, clock: IReactorTime, timeout: float = TIMEOUT
    ) -> None:
        self.account = account
        self._http = http
        self._clock = clock
        self._timeout = timeout

    async def post(self, body: bytes) -> str | None:
        """Return None where the body was accepted, else why it is rejected for good.

        Raises RetryLater for what may go through later, and what `classify` raises.
        """
        account = self.account
        try:
            rejection = classify(await self._response(account, body), self._clock.seconds())
        except RetryLater as later:
            raise RetryLater(f"{account.url}: {later.reason}", later.after) from None
        return rejection and account.scrubbed(rejection)

    async def _response(self, account: Account, body: bytes) -> Response:
        """Return the answer; whatever goes wrong on the way there is a reason to try again."""
        exchange = Deferred.fromCoroutine(self._exchange(account, body))
        exchange.addTimeout(self._timeout, self._clock, _timed_out)
        try:
            return await exchange
        except (RetryLater, CancelledError):
            raise
        except Exception as error:
            raise RetryLater(_cause(error)) from None

    async def _exchange(self, account: Account, body: bytes) -> Response:
        response = await self._http.post(
            account.url,
            data=body,
            headers=_HEADERS,
            auth=(account.username, account.apikey),
            allow_redirects=False,  # the key goes to no other host
            unbuffered=True,
            reactor=self._clock,
        )
        reading = _Reading()
        response.deliverBody(reading)
        return Response(response.code, response.headers, await reading.finished)


class _Reading(BaseProtocol):
    """Reads a body to its end, keeping its beginning.

    `finished` never fails: once there is a status, a broken or late body changes nothing. What a
    server has accepted must not be sent again.
    """

    def __init__(self) -> None:
        self.finished: Deferred[bytes] = Deferred(self._give_up)
        self.kept = b""

    def dataReceived(self, data: bytes) -> None:
        """Keep what there is room for."""
        self.kept += data[: MAX_BODY - len(self.kept)]

    def connectionLost(self, _reason: Failure = connectionDone) -> None:
        """Hand over what was kept."""
        if not self.finished.called:
            self.finished.callback(self.kept)

    def _give_up(self, _finished: Deferred[bytes]) -> None:
        if self.transport is not None:
            self.transport.loseConnection()
        self.connectionLost()


def _timed_out(result: T | Failure, timeout: float) -> T | Failure:
    """Return what becomes of an exchange that was cancelled for taking too long."""
    if isinstance(result, Failure):
        return Failure(RetryLater(f"no answer within {timeout:g} s"))
    return result


def _cause(error: BaseException) -> str:
    """Return what is at the bottom of `error`: an HTTP client wraps failures in failures."""
    reasons = getattr(error, "reasons", None)
    while reasons:
        error = reasons[0].value
        reasons = getattr(error, "reasons", None)
    return f"{type(error).__name__}: {error}".rstrip(": ")
