"""One exchange at a time with a Librato API: the account, the request, the answer in bounds."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IProtocol, IReactorTime
from twisted.internet.protocol import Protocol as BaseProtocol
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.http_headers import Headers

from zibrato import __version__
from zibrato.backends.librato.responses import Response, classify
from zibrato.backends.settings import check_names
from zibrato.interfaces import RetryLater

HOSTNAME = "metrics-api.librato.com"
APIPATH = "/v1/"
TIMEOUT = 30.0
MAX_BODY = 64 * 1024
_HOSTNAME = re.compile(
    r"(?:(https?)://)?((?:\[[0-9a-f:.]+\]|[^]\s/@?#:[]+)(?::(\d{1,5}))?)/?", re.I | re.A
)
_APIPATH = re.compile(r"[^\s?#]*")
_HEADERS: dict[bytes | str, bytes | str] = {
    "User-Agent": f"zibrato/{__version__}",
    "Content-Type": "application/json",
}
_MIN_SECRET = 6  # characters; a shorter key would be found in any text
T = TypeVar("T")


@dataclass(frozen=True)
class Account:
    """Where to post, and as whom; the key never shows in its repr."""

    url: str
    username: str
    apikey: str = field(repr=False)

    @classmethod
    def parse(cls, settings: Mapping[str, str]) -> Account:
        """Return the account of the settings username, apikey, hostname and apipath.

        The former two are required. The host name may have a scheme and a port. Raises
        ValueError with one line for people.
        """
        check_names(settings, "username", "apikey", "hostname", "apipath")
        username = settings.get("username", "").strip()
        apikey = settings.get("apikey", "").strip()
        if not username:
            raise ValueError("username: expected the account's user name; give --username USER")
        if not apikey:
            raise ValueError(
                "apikey: expected the account's API key; give $ZIBRATO_APIKEY, --apikey-file FILE "
                "or --apikey KEY"
            )
        url = _url(settings.get("hostname") or HOSTNAME, settings.get("apipath") or APIPATH)
        return cls(url, username, apikey)

    def scrubbed(self, text: str) -> str:
        """Return `text` without the key, which a server's error page may quote."""
        token = b64encode(f"{self.username}:{self.apikey}".encode()).decode()
        for secret in (self.apikey, token):
            if len(secret) >= _MIN_SECRET:
                text = text.replace(secret, "***")
        return text


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


def _url(hostname: str, apipath: str) -> str:
    """Return the URL that measurements are posted to."""
    host = _HOSTNAME.fullmatch(hostname.strip())
    if not host or not 0 < int(host[3] or 80) < 65536:
        raise ValueError(
            f"hostname: expected NAME, NAME:PORT or http[s]://NAME:PORT, got {hostname!r}; "
            f"a path goes into --apipath"
        )
    if not _APIPATH.fullmatch(apipath.strip()):
        raise ValueError(f"apipath: expected a path such as {APIPATH}, got {apipath!r}")
    path = apipath.strip().strip("/")
    base = f"{(host[1] or 'https').lower()}://{host[2]}"
    return f"{base}/{path}/metrics" if path else f"{base}/metrics"


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
