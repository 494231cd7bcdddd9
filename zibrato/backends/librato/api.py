"""One exchange at a time with a Librato API: the account, the request, the answer in bounds."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from zibrato import __version__
from zibrato.backends.librato.responses import Reply, judged
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
_HEADERS = {"User-Agent": f"zibrato/{__version__}", "Content-Type": "application/json"}
_MIN_SECRET = 6


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


class LibratoApi:
    """Posts bodies as `account` with `http`, which has the method `post` of treq's HTTPClient.

    An exchange, from connecting to the end of the answer's body, gets `timeout` seconds.
    """

    def __init__(self, account: Account, http: Any, clock: Any, timeout: float = TIMEOUT) -> None:
        self.account = account
        self._http = http
        self._clock = clock
        self._timeout = timeout

    async def post(self, body: bytes) -> str | None:
        """Return None where the body was accepted, else why it is refused for good.

        Raises RetryLater for what may go through later, and what `judged` raises.
        """
        account = self.account
        try:
            refusal = judged(await self._reply(account, body), self._clock.seconds())
        except RetryLater as postponed:
            raise RetryLater(f"{account.url}: {postponed.reason}", postponed.after) from None
        return refusal and account.scrubbed(refusal)

    async def _reply(self, account: Account, body: bytes) -> Reply:
        """Return the answer; whatever goes wrong on the way there is a reason to try again."""
        exchange = Deferred.fromCoroutine(self._exchange(account, body))
        exchange.addTimeout(self._timeout, self._clock, _timed_out)
        try:
            return await exchange
        except (RetryLater, CancelledError):
            raise
        except Exception as error:
            raise RetryLater(_cause(error)) from None

    async def _exchange(self, account: Account, body: bytes) -> Reply:
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
        return Reply(response.code, response.headers, await reading.finished)


class _Reading(Protocol):
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


def _timed_out(result: Any, timeout: float) -> Any:
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
