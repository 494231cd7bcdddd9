"""What posting backends share; tests/backends/otlp and remote_write hold what comes of it."""

from __future__ import annotations

from typing import Any

from treq.testing import StubTreq
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.pages import notFound

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
        def later(response: Response, _now: float) -> None:
            raise RetryLater(f"{response.status} for {KEY}", 7.0)

        await self._post(b"body", {}, later)


class PostingBackendTests(SynchronousTestCase):
    def test_a_reason_to_try_again_names_the_url_and_no_secret(self) -> None:
        http: Any = StubTreq(notFound())  # its methods are made at run time
        target = HttpTarget.parse({"url": "http://there/", "headers": f"Key={KEY}"})
        backend = Backend(target, BackendContext(FakeReactor(), ()), http)
        outcome: Deferred[None] = backend.deliver(Delivery([], lambda *_: None))
        error = self.failureResultOf(outcome, RetryLater).value
        self.assertEqual((str(error), error.after), ("http://there/: 404 for ***", 7.0))
