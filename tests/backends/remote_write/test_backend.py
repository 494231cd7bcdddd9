"""A backend in front of a receiver in memory: what arrives, and the account of what doesn't."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cramjam import snappy
from treq.testing import StubTreq
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource
from zope.interface.verify import verifyObject

from tests.backends.account import Account
from tests.backends.remote_write.prompb import series_of
from tests.fake_reactor import FakeReactor
from zibrato.backends.http_target import HttpTarget
from zibrato.backends.remote_write.backend import MAX_ITEMS, RemoteWriteBackend, make
from zibrato.backends.totals import Totals
from zibrato.backends.totals_file import TotalsFile
from zibrato.interfaces import BackendContext, Delivery, IBackend, RetryLater
from zibrato.model import COUNTER, Identity, Series, Snapshot, Summary
from zibrato.threads import Inline

NOW = 1_700_000_000.0
KEY = "a-secret-token"


class Receiver(Resource):
    """Takes remote write; a request with a name in `poison` is rejected whole, as it says."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.statuses: list[int] = []
        self.poison: dict[str, bytes] = {}
        self.requests: list[dict[str, Any]] = []
        self.headers: dict[bytes, Any] = {}

    def render(self, request: Any) -> bytes:
        self.headers = request.getAllHeaders()
        series = series_of(bytes(snappy.decompress_raw(request.content.read())))
        status = self.statuses.pop(0) if self.statuses else 204
        poisoned = self.poison.keys() & series.keys()
        if status == 204 and poisoned:
            request.setResponseCode(400)
            return self.poison[min(poisoned)]
        request.setResponseCode(status)
        if status == 204:
            self.requests.append(series)
        return b"" if status == 204 else f"no {KEY}".encode()


def counters(count: int, start: float = NOW) -> Snapshot:
    series = [Series(COUNTER, f"n{number}", "here") for number in range(count)]
    return Snapshot(start, start + 10, dict.fromkeys(series, Summary(3, 7.5)))


class BackendTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = FakeReactor()
        self.receiver = Receiver()
        self.path = Path(self.mktemp())
        self.backend = self.made()
        self.account = Account()

    def made(self) -> RemoteWriteBackend:
        http: Any = StubTreq(self.receiver)  # its methods are made at run time
        target = HttpTarget.parse({"url": "http://there/api/v1/write", "headers": f"Key={KEY}"})
        totals = Totals(TotalsFile(self.path), Inline())
        return RemoteWriteBackend(target, BackendContext(self.clock, (50,)), http, totals=totals)

    def ship(self, snapshot: Snapshot, sequence: int = 1) -> Delivery:
        return Delivery([snapshot], self.account.note, [Identity("run", sequence)])

    def attempt(self, delivery: Delivery) -> Deferred[None]:
        result = self.backend.deliver(delivery)
        for _ in range(100):
            self.clock.advance(0)
        return result

    def sums(self, name: str) -> list[float]:
        """Return the newest value of a name in each request that has it."""
        return [
            request[name].samples[-1].value for request in self.receiver.requests if name in request
        ]

    def test_the_interface(self) -> None:
        verifyObject(IBackend, self.backend)
        self.successResultOf(self.backend.stop())

    def test_requests_are_bounded_and_say_what_they_are(self) -> None:
        delivery = self.ship(counters(MAX_ITEMS + 1))
        self.successResultOf(self.attempt(delivery))
        self.assertEqual([len(one) for one in self.receiver.requests], [MAX_ITEMS, 1])
        self.assertEqual(self.receiver.headers[b"content-encoding"], b"snappy")
        self.assertEqual(self.receiver.headers[b"x-prometheus-remote-write-version"], b"0.1.0")
        self.assertEqual(self.receiver.headers[b"key"], KEY.encode())
        self.assertEqual(self.account, {None: 3 * (MAX_ITEMS + 1)})
        self.assertGreater(delivery.requests_size, 1000)

    def test_what_is_tried_again_is_not_sent_or_counted_twice(self) -> None:
        self.receiver.statuses = [204, 503]
        delivery = self.ship(counters(MAX_ITEMS + 1))
        failure = self.failureResultOf(self.attempt(delivery), RetryLater)
        self.assertIn("the server answered 503 no ***", failure.value.reason)
        self.successResultOf(self.attempt(delivery))
        self.assertEqual([len(one) for one in self.receiver.requests], [MAX_ITEMS, 1])
        self.assertEqual(self.sums(f"n{MAX_ITEMS}_total"), [7.5])

    def test_what_is_sent_again_after_a_crash_is_the_same(self) -> None:
        self.successResultOf(self.attempt(self.ship(counters(1))))
        self.receiver.statuses = [204, 503]
        second = self.ship(counters(MAX_ITEMS + 1, NOW + 10), 2)
        self.failureResultOf(self.attempt(second), RetryLater)
        self.backend = self.made()
        self.successResultOf(self.attempt(self.ship(counters(MAX_ITEMS + 1, NOW + 10), 2)))
        self.assertEqual(self.sums("n0_total"), [7.5, 15.0, 15.0])
        self.backend = self.made()
        self.successResultOf(self.attempt(self.ship(counters(1, NOW + 10), 2)))
        self.assertEqual(self.sums("n0_total"), [7.5, 15.0, 15.0])

    def test_one_that_is_wrong_loses_no_other_and_is_muted(self) -> None:
        self.receiver.poison = {"n7_total": b"invalid"}
        self.successResultOf(self.attempt(self.ship(counters(50))))
        self.assertEqual(self.account, {None: 3 * 49, "rejected": 3})
        self.successResultOf(self.attempt(self.ship(counters(50, NOW + 10), 2)))
        self.assertEqual(self.account, {None: 6 * 49, "rejected": 3, "muted": 3})

    def test_one_that_is_late_is_not_and_is_in_the_next_total(self) -> None:
        self.receiver.poison = {"n7_total": b"out of order sample"}
        self.successResultOf(self.attempt(self.ship(counters(50))))
        self.assertEqual(self.account, {None: 3 * 49, "late": 3})
        self.receiver.poison = {}
        self.successResultOf(self.attempt(self.ship(counters(50, NOW + 10), 2)))
        self.assertEqual(self.sums("n7_total"), [15.0])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"histograms": "big"}, "histograms: expected classic or native, got 'big'"),
        ({"urls": "x"}, "did you mean url"),
    ],
)
def test_bad_settings_are_named(settings: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(settings, BackendContext(FakeReactor(), ()))


def test_native_histograms_are_asked_for() -> None:
    made = make({"histograms": "native"}, BackendContext(FakeReactor(), ()))
    assert made._native
