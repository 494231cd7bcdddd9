"""A backend in front of a strict API in memory, and what to hand it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from treq.testing import StubTreq
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource

from tests.fake_reactor import FakeReactor
from tests.integration.librato_rules import ApiError, Measurement, measurements
from tests.integration.librato_tagged_rules import partial_answer, tagged_measurements
from zibrato.backends.librato.account import Account
from zibrato.backends.librato.backend import LibratoBackend
from zibrato.interfaces import BackendContext, Delivery, RetryLater
from zibrato.model import COUNTER, Series, Snapshot, Summary

NOW = 1_700_000_000
KEY = "a-secret-key"
SETTINGS = {"username": "user", "apikey": KEY}


class StrictApi(Resource):
    """Takes what Librato takes, all or nothing; `reject` rejects measurements, `status` all.

    With `in_part` a tagged request loses what is rejected, and no more.
    """

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.reject: Callable[[Measurement], bool] = lambda _measurement: False
        self.in_part = False
        self.statuses: list[int] = []
        self.requests: list[list[Measurement]] = []
        self.posts = 0

    def render(self, request: Any) -> bytes:
        self.posts += 1
        status = self.statuses.pop(0) if self.statuses else 200
        if status != 200:
            request.setResponseCode(status)
            return b""
        try:
            body = request.content.read()
            if request.path.endswith(b"/measurements"):
                posted = tagged_measurements(body, NOW)
            else:
                posted = measurements(body, NOW, {})
            errors = ["is poison" for one in posted if self.reject(one)]
            if errors and not self.in_part:
                raise ApiError(400, {"params": {"name": ["is poison"]}})
        except ApiError as error:
            request.setResponseCode(error.status)
            return json.dumps({"errors": error.errors}).encode()
        self.requests.append([one for one in posted if not self.reject(one)])
        return partial_answer(len(posted), errors) if errors else b""

    @property
    def names(self) -> list[str]:
        """The names that arrived, in order."""
        return [measurement["name"] for request in self.requests for measurement in request]


def counters(count: int, start: float = NOW - 10) -> Snapshot:
    """Return a snapshot of so many counters, n0, n1 and so on, of three increments each."""
    series = [Series(COUNTER, f"n{number}", "here") for number in range(count)]
    return Snapshot(start, start + 10, dict.fromkeys(series, Summary(3, 7.5)))


def poison(*names: str) -> Callable[[Measurement], bool]:
    return lambda measurement: measurement["name"] in names


class BackendCase(SynchronousTestCase):
    """A backend in front of a StrictApi, which it knows by these `settings`."""

    settings: Mapping[str, str] = SETTINGS

    def setUp(self) -> None:
        self.clock = FakeReactor()
        self.clock.advance(NOW)
        self.api = StrictApi()
        http: Any = StubTreq(self.api)  # its methods are made at run time
        context = BackendContext(self.clock, (50, 95))
        self.backend = LibratoBackend(Account.parse(self.settings), context, http)
        self.noted: list[tuple[int, str | None]] = []

    def ship(self, *snapshots: Snapshot) -> Delivery:
        return Delivery(snapshots, lambda count, reason: self.noted.append((count, reason)))

    def deliver(self, *snapshots: Snapshot) -> Delivery:
        delivery = self.ship(*snapshots)
        self.finish(self.backend.deliver(delivery))
        self.assertEqual(delivery.pending, 0)
        return delivery

    def finish(self, delivery: Deferred[None]) -> None:
        for _ in range(100):
            self.clock.advance(0)
        self.successResultOf(delivery)

    def retried(self, delivery: Delivery) -> RetryLater:
        error = self.failureResultOf(self.backend.deliver(delivery), RetryLater).value
        assert isinstance(error, RetryLater)
        return error

    def account(self) -> dict[str | None, int]:
        """Return the measurements noted by reason, delivered ones by None."""
        totals: dict[str | None, int] = {}
        for count, reason in self.noted:
            if count:
                totals[reason] = totals.get(reason, 0) + count
        return totals

    def logged(self, act: Callable[[], object]) -> list[str]:
        with capturedLogs() as events:
            act()
        return [str(formatEvent(event)) for event in events]
