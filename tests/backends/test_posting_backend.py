"""What posting backends share; tests/backends/otlp and remote_write hold what comes of it."""

from __future__ import annotations

from typing import Any

from treq.testing import StubTreq
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from tests.backends.recorder import Recorder
from tests.fake_reactor import FakeReactor
from zibrato.backends.http_responses import Response
from zibrato.backends.http_target import HttpTarget
from zibrato.backends.posting import Item
from zibrato.backends.posting_backend import PostingBackend
from zibrato.interfaces import BackendContext, Delivery, RetryLater

KEY = "a-secret-token"


class Backend(PostingBackend[Item]):
    name = "some"
    url = "http://there/"

    async def _deliver(self, delivery: Delivery) -> None:
        def classify(response: Response, _now: float) -> None:
            if response.status != 200:
                raise RetryLater(f"{response.status} for {KEY}", 7.0)

        await self._post(b"body", {}, classify)


def backend_of(server: Recorder, name: str = "") -> Backend:
    http: Any = StubTreq(server)  # its methods are made at run time
    target = HttpTarget.parse({"url": "http://there/", "headers": f"Key={KEY}"})
    return Backend(target, BackendContext(FakeReactor(), (), name), http)


def delivered(backend: Backend) -> Deferred[None]:
    return backend.deliver(Delivery([], lambda *_: None))


class PostingBackendTests(SynchronousTestCase):
    def test_a_reason_to_try_again_names_the_url_and_no_secret(self) -> None:
        outcome = delivered(backend_of(Recorder(404)))
        error = self.failureResultOf(outcome, RetryLater).value
        self.assertEqual((str(error), error.after), ("http://there/: 404 for ***", 7.0))

    def test_a_reload_takes_over_where_and_how(self) -> None:
        server = Recorder()
        backend = backend_of(server)
        backend.reload({"url": "http://elsewhere/", "headers": "Key=another"})
        with capturedLogs() as events:
            backend.reload({"url": "nonsense"})
        self.assertIn("some keeps its url", str(formatEvent(events[0])))
        self.successResultOf(delivered(backend))
        ((request, _),) = server.requests
        self.assertEqual(request.getHeader("host"), "elsewhere")
        self.assertEqual(request.getHeader("key"), "another")

    def test_stopping_closes_the_connections(self) -> None:
        closed: Deferred[None] = Deferred()
        http: Any = None  # nothing is sent
        target = HttpTarget.parse({"url": "http://there/"})
        stopped = Backend(target, BackendContext(FakeReactor(), ()), http, lambda: closed).stop()
        self.assertNoResult(stopped)
        closed.callback(None)
        self.successResultOf(stopped)

    def test_the_log_calls_it_as_the_daemon_does(self) -> None:
        with capturedLogs() as events:
            backend = backend_of(Recorder(), "mine")
            backend.reload({"url": "nonsense"})
            backend._rejections.rejected_all(["a"], "400", 1)
        keeps, rejects = (str(formatEvent(event)) for event in events)
        self.assertTrue(keeps.startswith("mine keeps its url"), keeps)
        self.assertTrue(rejects.startswith("mine rejects a whole"), rejects)
