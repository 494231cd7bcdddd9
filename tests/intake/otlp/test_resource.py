"""The intake's own path, and who may not post there."""

from __future__ import annotations

from typing import Any

import pytest
from treq.testing import StubTreq
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ConnectionLost
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.server import Request

from zibrato.intake.otlp.resource import ExportResource


class ResourceTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.answered = 0
        self.http: Any = StubTreq(ExportResource(self.answer))

    def answer(self, _request: Request) -> Deferred[bytes]:
        self.answered += 1
        return succeed(b"answer")

    def ask(self, method: str = "POST", path: str = "/v1/metrics", **headers: str) -> int:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        asked = self.http.request(method, f"http://localhost{path}", headers=named)
        self.response = self.successResultOf(asked)
        return int(self.response.code)

    def test_metrics_are_posted(self) -> None:
        for path in ("/v1/metrics", "/v1/metrics/", "/v1/metrics?a=b"):
            self.assertEqual(self.ask(path=path), 200)
        self.assertEqual(self.successResultOf(self.response.content()), b"answer")

    def test_there_is_nothing_else(self) -> None:
        for path in ("/", "/v1", "/v1/traces", "/v1/metrics/a"):
            self.assertEqual(self.ask(path=path), 404)
        self.assertEqual(self.ask("GET"), 405)
        self.assertEqual(self.response.headers.getRawHeaders("allow"), ["POST"])
        self.assertEqual(self.answered, 0)

    @pytest.mark.attack("posts to OTLP from a web page", before="there was no OTLP")
    def test_a_web_page_can_t_post(self) -> None:
        self.assertEqual(self.ask(Origin="http://localhost"), 403)
        self.assertEqual(self.ask(Sec_Fetch_Site="same-origin"), 403)
        self.assertEqual(self.answered, 0)

    def test_a_client_that_is_gone_gets_nothing(self) -> None:
        waiting: Deferred[bytes] = Deferred()
        gone: Deferred[None] = Deferred()
        request: Any = type("Gone", (), {"path": b"/v1/metrics", "method": b"POST"})()
        request.getHeader = lambda _name: None
        request.notifyFinish = lambda: gone
        ExportResource(lambda _: waiting).render(request)
        gone.errback(Failure(ConnectionLost()))
        self.assertTrue(waiting.called)
