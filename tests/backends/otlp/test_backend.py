"""A backend in front of a receiver in memory: what arrives, and the account of what doesn't."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from treq.testing import StubTreq
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource
from zope.interface.verify import verifyObject

from tests.backends.account import Account
from tests.fake_reactor import FakeReactor
from zibrato.backends.http_target import HttpTarget
from zibrato.backends.otlp.backend import MAX_POINTS, OtlpBackend, make
from zibrato.interfaces import BackendContext, Delivery, IBackend, RetryLater
from zibrato.model import COUNTER, Series, Snapshot, Summary

NOW = 1_700_000_000.0
KEY = "a-secret-token"


class Receiver(Resource):
    """Takes OTLP; a request with a name in `poison` is rejected whole."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.statuses: list[int] = []
        self.poison: set[str] = set()
        self.partial = 0
        self.requests: list[list[str]] = []
        self.headers: dict[bytes, Any] = {}

    def render(self, request: Any) -> bytes:
        request.setHeader(b"Content-Type", b"application/x-protobuf")
        self.headers = request.getAllHeaders()
        body = gzip.decompress(request.content.read())
        message = ExportMetricsServiceRequest.FromString(body)
        names = [
            metric.name
            for resource in message.resource_metrics
            for metric in resource.scope_metrics[0].metrics
        ]
        status = self.statuses.pop(0) if self.statuses else 200
        if status == 200 and self.poison & set(names):
            status = 400
        request.setResponseCode(status)
        answer = ExportMetricsServiceResponse()
        if status == 200:
            self.requests.append(names)
            answer.partial_success.rejected_data_points = self.partial
            answer.partial_success.error_message = f"no {KEY}"
        return answer.SerializeToString() if self.partial else b""


def counters(count: int) -> Snapshot:
    series = [Series(COUNTER, f"n{number}", "here") for number in range(count)]
    return Snapshot(NOW, NOW + 10, dict.fromkeys(series, Summary(3, 7.5)))


class BackendTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = FakeReactor()
        self.receiver = Receiver()
        http: Any = StubTreq(self.receiver)  # its methods are made at run time
        target = HttpTarget.parse({"url": "http://there/v1/metrics", "headers": f"Key={KEY}"})
        self.backend = OtlpBackend(target, BackendContext(self.clock, (50,)), http)
        self.account = Account()

    def ship(self, snapshot: Snapshot) -> Delivery:
        return Delivery([snapshot], self.account.note)

    def attempt(self, delivery: Delivery) -> Deferred[None]:
        result = self.backend.deliver(delivery)
        for _ in range(100):
            self.clock.advance(0)
        return result

    def test_the_interface(self) -> None:
        verifyObject(IBackend, self.backend)
        self.successResultOf(self.backend.stop())

    def test_requests_are_bounded_and_compressed(self) -> None:
        self.successResultOf(self.attempt(self.ship(counters(MAX_POINTS + 1))))
        self.assertEqual([len(names) for names in self.receiver.requests], [MAX_POINTS, 1])
        self.assertEqual(self.receiver.headers[b"content-type"], b"application/x-protobuf")
        self.assertEqual(self.receiver.headers[b"key"], KEY.encode())
        self.assertEqual(self.account, {None: 3 * (MAX_POINTS + 1)})

    def test_what_is_tried_again_is_not_sent_twice(self) -> None:
        self.receiver.statuses = [200, 503]
        delivery = self.ship(counters(MAX_POINTS + 1))
        self.failureResultOf(self.attempt(delivery), RetryLater)
        self.successResultOf(self.attempt(delivery))
        self.assertEqual([len(names) for names in self.receiver.requests], [MAX_POINTS, 1])

    def test_one_that_is_rejected_loses_no_other(self) -> None:
        self.receiver.poison = {"n7"}
        self.successResultOf(self.attempt(self.ship(counters(50))))
        self.assertEqual(self.account, {None: 3 * 49, "rejected": 3})
        self.successResultOf(self.attempt(self.ship(counters(50))))
        self.assertEqual(self.account, {None: 6 * 49, "rejected": 3, "muted": 3})

    def test_a_partial_success_is_a_loss_that_is_told(self) -> None:
        self.receiver.partial = 2
        with capturedLogs() as events:
            self.successResultOf(self.attempt(self.ship(counters(50))))
        self.assertEqual(self.account, {None: 3 * 48, "rejected": 6})
        (line,) = [str(formatEvent(event)) for event in events if "rejects" in str(event)]
        self.assertIn("2 data points: no ***", line)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"temporality": "sum"}, "temporality: expected delta or cumulative, got 'sum'"),
        ({"resource": "team"}, "resource: expected NAME=VALUE"),
        ({"totals": "x"}, "totals: expected only with temporality=cumulative"),
        ({"urls": "x"}, "did you mean url"),
    ],
)
def test_bad_settings_are_named(settings: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(settings, BackendContext(FakeReactor(), ()))
