"""Requests over HTTP: read in a thread, taken in by slices, answered in their own encoding."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from typing import Any, TypeVar, cast

import pytest
from treq.testing import StubTreq
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.trial.unittest import SynchronousTestCase

from tests.fake_reactor import FakeReactor
from tests.intake.otlp.messages import CUMULATIVE, NOW, Object, content, counter, message, point
from zibrato.inflation import MAX_INFLATED
from zibrato.intake.otlp import encoding
from zibrato.intake.otlp import exports as module
from zibrato.intake.otlp.encoding import JSON, MISSING, PROTOBUF
from zibrato.intake.otlp.exports import Exports
from zibrato.intake.otlp.resource import ExportResource
from zibrato.model import SummaryRow

T = TypeVar("T")
GOOD = message(counter(point(asInt="5"))).SerializeToString()


class Receiver:
    """Takes rows in."""

    def __init__(self) -> None:
        self.slices: list[int] = []
        self.sums: list[float] = []
        self.rejected: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()

    def receive_summaries(self, rows: Sequence[SummaryRow]) -> Counter[str]:
        self.slices.append(len(rows))
        self.sums += [row.summary.sum for row in rows]
        return self.lost

    def reject(self, count: int, reason: str) -> None:
        self.rejected[reason] += count


class UnitsTold:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[Mapping[str, str]] = []

    def tell(self, units: Mapping[str, str]) -> None:
        self.told.append(units)


class ExportTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.reactor = FakeReactor()
        self.reactor.advance(NOW - 100)
        self.receiver = Receiver()
        self.units = UnitsTold()
        self.threads: list[Deferred[None]] = []
        self.busy = False
        self.exports = Exports(self.reactor, self.receiver, self.units, self.run_work)
        self.reactor.advance(100)
        self.http: Any = StubTreq(ExportResource(self.exports.answer))

    def run_work(self, work: Callable[[], T]) -> Deferred[T]:
        """Do work, later where the threads are busy."""
        if not self.busy:
            return maybeDeferred(work)
        turn: Deferred[None] = Deferred()
        self.threads.append(turn)
        return turn.addCallback(lambda _: work())

    def begin(self, body: bytes, kind: bytes = PROTOBUF, **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.request(
            "POST", "http://localhost/v1/metrics", data=body,
            headers={"Content-Type": kind.decode(), **named},
        )  # fmt: skip

    def post(self, body: bytes, kind: bytes = PROTOBUF, **headers: str) -> tuple[int, bytes]:
        response = self.successResultOf(self.begin(body, kind, **headers))
        self.headers = response.headers
        return response.code, self.successResultOf(response.content())

    def content_type(self) -> str:
        return str(self.headers.getRawHeaders("content-type")[0])

    def test_a_good_request_is_taken_in_and_answered_in_its_encoding(self) -> None:
        self.assertEqual(self.post(GOOD), (200, b""))
        self.assertEqual(self.content_type(), "application/x-protobuf")
        body = json.dumps(content(counter(point(asInt=7)))).encode()
        self.assertEqual(self.post(body, b"application/json; charset=utf-8"), (200, b"{}"))
        self.assertEqual(self.content_type(), "application/json")
        self.assertEqual(self.receiver.sums, [5.0, 7.0])

    def test_units_are_told(self) -> None:
        body = json.dumps(content({**counter(point(asInt=7)), "unit": "By"})).encode()
        self.assertEqual(self.post(body, JSON)[0], 200)
        self.assertEqual(self.units.told, [{"c": "B"}])

    def test_a_request_may_be_compressed(self) -> None:
        self.assertEqual(self.post(gzip.compress(GOOD), Content_Encoding="gzip"), (200, b""))
        self.assertEqual(self.receiver.sums, [5.0])

    @pytest.mark.attack("bodies that inflate to gigabytes", before="there was no OTLP")
    def test_what_inflates_past_the_bound_is_rejected(self) -> None:
        bomb = gzip.compress(b"\0" * (MAX_INFLATED + 1))
        status, body = self.post(bomb, JSON, Content_Encoding="gzip")
        self.assertEqual(status, 413)
        self.assertEqual(json.loads(body)["message"], "the body is larger than 4194304 bytes")
        self.assertEqual(self.receiver.rejected, {"size": 1})

    def test_what_can_t_be_read_is_rejected_whole(self) -> None:
        for body, coding in ((b"\xff", "identity"), (GOOD, "gzip")):
            status, answer = self.post(body, Content_Encoding=coding)
            self.assertEqual((status, answer[:2]), (400, b"\x08\x03"))
        self.assertEqual(self.receiver.rejected, {"malformed": 2})
        self.assertEqual(self.receiver.slices, [])

    def test_what_is_neither_encoding_is_rejected(self) -> None:
        for kind, coding in ((b"text/plain", "identity"), (JSON, "br"), (b"", "gzip")):
            self.assertEqual(self.post(GOOD, kind, Content_Encoding=coding)[0], 415)
        self.assertEqual(self.receiver.slices, [])

    def test_what_is_lost_is_told(self) -> None:
        self.receiver.lost = Counter(max_series=1)
        points: Sequence[Object] = (point(asDouble="NaN"), point(asInt=1))
        status, body = self.post(json.dumps(content(counter(*points))).encode(), JSON)
        self.assertEqual(status, 200)
        partial = {"rejectedDataPoints": "2"}
        partial["errorMessage"] = "data points rejected: 1 for max_series, 1 for value"
        self.assertEqual(json.loads(body), {"partialSuccess": partial})
        self.assertEqual(self.receiver.rejected, {"value": 1})

    def test_many_rows_leave_the_reactor_time_for_others(self) -> None:
        self.patch(module, "ROWS", 2)
        body = message(counter(*[point(asInt=1)] * 5)).SerializeToString()
        asked = self.begin(body)
        self.assertNoResult(asked)
        self.assertEqual(self.receiver.slices, [2])
        self.reactor.pump([0, 0])
        self.http.flush()
        self.assertEqual(self.successResultOf(asked).code, 200)
        self.assertEqual(self.receiver.slices, [2, 2, 1])

    def test_totals_of_one_request_are_known_to_the_next(self) -> None:
        for value in (5, 8):
            time = NOW + value
            made = counter(point(NOW - 50, time, asInt=value), temporality=CUMULATIVE)
            self.assertEqual(self.post(message(made).SerializeToString()), (200, b""))
        self.assertEqual(self.receiver.sums, [5.0, 3.0])

    def test_what_is_begun_is_finished_though_the_client_is_gone(self) -> None:
        self.busy = True
        request: Any = _Request(GOOD)
        answered = self.exports.answer(request)
        answered.cancel()
        self.failureResultOf(answered)
        self.threads.pop().callback(None)
        self.assertEqual(self.receiver.sums, [5.0])

    def test_who_has_gone_before_its_turn_is_not_begun(self) -> None:
        self.busy = True
        requests: list[Any] = [_Request(GOOD) for _ in range(3)]
        first, gone, third = map(self.exports.answer, requests)
        gone.cancel()
        self.failureResultOf(gone)
        for _ in range(2):
            self.threads.pop().callback(None)
        self.successResultOf(first)
        self.successResultOf(third)
        self.assertEqual(self.threads, [])
        self.assertEqual(self.receiver.sums, [5.0, 5.0])

    @pytest.mark.attack("requests that take seconds each", before="others waited for all of them")
    def test_a_small_request_is_not_behind_many_large_ones(self) -> None:
        self.busy = True
        large = message(counter(*[point(asInt=1)] * 100)).SerializeToString()
        for _ in range(4):
            self.exports.answer(cast(Any, _Request(gzip.compress(large), b"gzip")))
        small = self.exports.answer(cast(Any, _Request(GOOD)))
        gone = [self.exports.answer(cast(Any, _Request(GOOD))) for _ in range(500)]
        for one in gone:
            one.cancel()
            self.failureResultOf(one)
        self.threads.pop().callback(None)
        self.threads.pop().callback(None)
        self.successResultOf(small)
        self.assertEqual(self.receiver.sums[100:], [5.0])

    def test_a_stop_waits_for_what_has_come_and_takes_no_more(self) -> None:
        self.busy = True
        first = self.begin(GOOD)
        stopped = Deferred.fromCoroutine(self.exports.stop())
        self.assertNoResult(stopped)
        self.threads.pop().callback(None)
        self.http.flush()
        self.successResultOf(stopped)
        self.assertEqual(self.successResultOf(first).code, 200)
        self.busy = False
        self.assertEqual(self.post(GOOD)[0], 503)
        self.assertEqual(self.headers.getRawHeaders("retry-after"), ["1"])
        self.assertEqual(self.receiver.sums, [5.0])

    def test_without_the_package_one_line_says_what_to_install(self) -> None:
        self.patch(encoding, "is_installed", lambda: False)
        self.assertEqual(self.post(GOOD), (501, MISSING.encode()))

    def test_a_bug_costs_one_request(self) -> None:
        patch = self.patch(module, "convert", None)
        self.assertEqual(self.post(GOOD)[0], 500)
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)
        self.assertEqual(self.receiver.rejected, {"fault": 1})
        patch.restore()
        self.assertEqual(self.post(GOOD), (200, b""))


class _Request:
    """A request that nobody waits for."""

    def __init__(self, body: bytes, coding: bytes = b"") -> None:
        self.content = BytesIO(body)
        self.headers = {b"content-type": PROTOBUF, b"content-encoding": coding}

    def getHeader(self, name: bytes) -> bytes | None:
        return self.headers.get(name)

    def setHeader(self, name: bytes, value: bytes) -> None:
        pass

    def setResponseCode(self, status: int) -> None:
        pass
