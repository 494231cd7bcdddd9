"""A Librato API as an account sees it: bodies go there, and what becomes of each is told."""

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime

from zibrato.backends.http import TIMEOUT, HttpClient, Poster, RequestHeaders
from zibrato.backends.librato.account import Account
from zibrato.backends.librato.responses import classify
from zibrato.backends.posting import Verdict
from zibrato.interfaces import RetryLater

_HEADERS: RequestHeaders = {"Content-Type": "application/json"}


class LibratoApi:
    """Posts bodies as `account` with `http`; an exchange gets `timeout` seconds."""

    def __init__(
        self, account: Account, http: HttpClient, clock: IReactorTime, timeout: float = TIMEOUT
    ) -> None:
        self.account = account
        self._poster = Poster(http, clock, timeout)
        self._clock = clock

    async def post(self, body: bytes) -> Verdict:
        """Return whether the body was accepted, and whether all of it.

        Raises RetryLater for what may go through later, and what `classify` raises.
        """
        account = self.account
        auth = account.username, account.apikey
        try:
            response = await self._poster.post(account.url, body, _HEADERS, auth)
            rejection, count, message = classify(response, self._clock.seconds())
        except RetryLater as later:
            raise RetryLater(f"{account.url}: {later.reason}", later.after) from None
        scrub = account.scrubbed
        return Verdict(rejection and scrub(rejection), count, scrub(message))
