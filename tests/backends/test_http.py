"""One exchange: what is sent, what is read, and when it is over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from treq.testing import StubTreq
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectionRefusedError as Refusal
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.client import ResponseDone, ResponseFailed, ResponseNeverReceived
from twisted.web.http_headers import Headers

from tests.backends.recorder import Recorder
from zibrato.backends.http import Poster
from zibrato.backends.http_bounds import MAX_BODY
from zibrato.backends.http_responses import Response
from zibrato.interfaces import RetryLater

URL = "https://server.example/v1/metrics"


class FakeHttp:
    """An HTTP client whose answers are made of pieces."""

    def __init__(self) -> None:
        self.response = FakeResponse()
        self.answer: Callable[[], Deferred[Any]] = lambda: succeed(self.response)

    def post(self, url: str, **options: Any) -> Deferred[Any]:
        return self.answer()


class FakeResponse:
    """A response with a body to come."""

    def __init__(self, code: int = 200) -> None:
        self.code = code
        self.headers = Headers()
        self.disconnected = False
        self.reader: Any = None

    def deliverBody(self, reader: Any) -> None:
        self.reader = reader
        reader.makeConnection(self)

    def loseConnection(self) -> None:
        self.disconnected = True

    def end(self, reason: Exception) -> None:
        self.reader.connectionLost(Failure(reason))


class ExchangeTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()

    def post(self, http: Any) -> Deferred[Response]:
        return Deferred.fromCoroutine(Poster(http, self.clock).post(URL, b"{}", {}))

    def postponed(self, outcome: Deferred[Response]) -> str:
        failure = self.failureResultOf(outcome, RetryLater)
        return str(failure.value)

    def test_redirects_are_not_followed(self) -> None:
        recorder = Recorder(302)
        response = self.successResultOf(self.post(StubTreq(recorder)))
        self.assertEqual(response.status, 302)
        self.assertEqual(len(recorder.requests), 1)

    def test_what_goes_wrong_on_the_way_is_a_reason(self) -> None:
        http = FakeHttp()
        lost = ResponseNeverReceived([Failure(ResponseFailed([Failure(OSError("broken"))]))])
        for error, reason in (
            (Refusal("no"), "ConnectionRefusedError: Connection was refused by other side: no."),
            (lost, "OSError: broken"),
            (ResponseNeverReceived([]), "ResponseNeverReceived"),
        ):
            http.answer = lambda error=error: fail(error)  # type: ignore[misc]  # a default has no type
            self.assertIn(reason, self.postponed(self.post(http)))

    def test_connecting_takes_no_longer_than_the_timeout(self) -> None:
        http = FakeHttp()
        http.answer = Deferred
        outcome = self.post(http)
        self.clock.advance(29.9)
        self.assertNoResult(outcome)
        self.clock.advance(0.1)
        self.assertEqual(self.postponed(outcome), "no answer within 30 s")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_client_that_fails_in_its_own_way_when_cancelled_is_late_all_the_same(self) -> None:
        http = FakeHttp()
        aborted = ResponseNeverReceived([Failure(OSError("aborted"))])
        http.answer = lambda: Deferred(lambda deferred: deferred.errback(aborted))
        outcome = self.post(http)
        self.clock.advance(30)
        self.assertEqual(self.postponed(outcome), "no answer within 30 s")

    def test_the_body_is_read_to_its_end(self) -> None:
        http = FakeHttp()
        http.response.code = 400
        outcome = self.post(http)
        http.response.reader.dataReceived(b"bad ")
        self.assertNoResult(outcome)
        http.response.reader.dataReceived(b"name")
        http.response.end(ResponseDone())
        response = self.successResultOf(outcome)
        self.assertEqual((response.status, response.body), (400, b"bad name"))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_long_body_is_not_kept(self) -> None:
        http = FakeHttp()
        outcome = self.post(http)
        for _ in range(100):
            http.response.reader.dataReceived(b"x" * 10_000)
        self.assertEqual(len(http.response.reader.kept), MAX_BODY)
        http.response.end(ResponseDone())
        self.assertEqual(self.successResultOf(outcome).status, 200)

    def test_what_was_accepted_is_so_even_if_the_body_breaks_or_never_ends(self) -> None:
        for act in (
            lambda response: response.end(ResponseFailed([])),
            lambda response: self.clock.advance(30),
        ):
            http = FakeHttp()
            outcome = self.post(http)
            act(http.response)
            self.assertEqual(self.successResultOf(outcome).status, 200)
        self.assertTrue(http.response.disconnected)
        http.response.end(ResponseDone())

    def test_a_cancelled_exchange_ends_the_request(self) -> None:
        http = FakeHttp()
        cancelled: list[Any] = []
        http.answer = lambda: Deferred(cancelled.append)
        outcome = self.post(http)
        outcome.cancel()
        self.assertEqual(len(cancelled), 1)
        self.failureResultOf(outcome)
        self.assertEqual(self.clock.getDelayedCalls(), [])
