"""Posts to a Librato API with an account, and tells what became of each body."""

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime

from zibrato.backends.http import HttpClient, Poster, RequestHeaders
from zibrato.backends.librato.account import Account
from zibrato.backends.librato.responses import classify
from zibrato.backends.posting import Verdict
from zibrato.interfaces import RetryLater

_HEADERS: RequestHeaders = {"Content-Type": "application/json"}


class LibratoApi:
    """Posts bodies with `http` as `account`."""

    def __init__(self, account: Account, http: HttpClient, clock: IReactorTime) -> None:
        self.account = account
        self._poster = Poster(http, clock)
        self._clock = clock

    async def post(self, body: bytes) -> Verdict:
        """Post a body; return whether it was accepted, completely or in part.

        Raises RetryLater for failures that may pass, and everything that `classify` raises.
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
