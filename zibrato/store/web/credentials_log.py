"""Log requests with wrong credentials: the first at once, then totals."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from twisted.internet.interfaces import IAddress
from twisted.logger import Logger

LOG_EVERY = 60.0
"""Seconds."""


class CredentialsLog:
    """Logs requests with wrong credentials, at most once a minute however many there are.

    It logs neither the user name nor the password: wrong ones may be a typing error away from the
    right ones, or those of another service. `clock` returns seconds.
    """

    _log = Logger()

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._log_after = float("-inf")
        self._count = 0

    def wrong(self, address: IAddress | None) -> None:
        """Note a request with wrong credentials from `address`."""
        self._count += 1
        now = self._clock()
        if now < self._log_after:
            return
        self._log_after = now + LOG_EVERY
        self._log.warn(
            "rejected {count} requests with a wrong user name or password, the last from "
            "{address}; a daemon that sends here needs the user and password of --web-credentials",
            count=self._count,
            address=getattr(address, "host", None) or "a Unix socket",
        )
        self._count = 0
