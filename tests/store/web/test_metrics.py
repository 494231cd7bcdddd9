"""The path /metrics: who answers there, and that it is for those who may see the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectionDone
from twisted.internet.testing import StringTransport
from twisted.logger import capturedLogs
from twisted.python.failure import Failure
from twisted.web.iweb import IRequest

from tests.fake_reactor import FakeReactor
from tests.store.cases import StoreTestCase
from tests.store.web.raw_client import sent
from zibrato.interfaces import DaemonInfo
from zibrato.store.options import WEB
from zibrato.store.web.service import WebService
from zibrato.store.web.site import BoundedSite


class MetricsTests(StoreTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.result: Callable[[], Deferred[Iterator[bytes]]] = lambda: succeed(
            iter([b"calls", b" 1\n"])
        )

    def site(self, credentials: Path | None = None) -> BoundedSite:
        self.store.daemon = DaemonInfo(
            10.0, "here", 0.0, addresses=list, self_metrics=list, metrics=self.answer
        )
        site = WebService(FakeReactor(), self.store, WEB, credentials).site
        assert isinstance(site, BoundedSite)
        return site

    def answer(self, request: IRequest) -> Deferred[Iterator[bytes]]:
        request.setHeader(b"Content-Length", b"8")
        return self.result()

    def test_a_backend_answers(self) -> None:
        self.assertEqual(sent(self.site(), "GET", b"/metrics", b"")[::2], (200, b"calls 1\n"))
        self.assertEqual(sent(self.site(), "HEAD", b"/metrics", b"")[::2], (200, b""))
        self.assertEqual(sent(self.site(), "GET", b"/metrics/x", b"").status, 404)
        self.assertEqual(sent(self.site(), "POST", b"/metrics", b"").status, 405)

    def test_it_needs_the_credentials_of_the_page(self) -> None:
        path = Path(self.mktemp())
        path.write_text("user:secret\n")
        path.chmod(0o600)
        self.assertEqual(sent(self.site(path), "GET", b"/metrics", b"").status, 401)

    def test_a_page_of_another_site_gets_nothing(self) -> None:
        headers = {"Sec_Fetch_Site": "cross-site"}
        self.assertEqual(sent(self.site(), "GET", b"/metrics", b"", **headers).status, 403)

    def test_what_fails_is_logged(self) -> None:
        self.result = lambda: fail(ZeroDivisionError())
        with capturedLogs() as logs:
            self.assertEqual(sent(self.site(), "GET", b"/metrics", b"").status, 500)
        self.assertIn("scrape failed", str(logs[0]["log_format"]))
        self.flushLoggedErrors(ZeroDivisionError)

    @pytest.mark.attack("slow scrapers", before="eight kept all others out, for up to a minute")
    def test_those_who_wait_keep_nobody_out(self) -> None:
        site = self.site()
        shown, self.result = self.result, Deferred
        waiting = []
        for _ in range(100):
            channel = site.buildProtocol(None)
            channel.makeConnection(StringTransport())
            channel.dataReceived(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
            waiting.append(channel)
        self.result = shown
        self.assertEqual(sent(site, "GET", b"/metrics", b"").status, 200)
        for channel in waiting:
            channel.connectionLost(Failure(ConnectionDone()))

    def test_one_who_is_gone_is_answered_nothing(self) -> None:
        cancelled: list[object] = []
        self.result = lambda: Deferred(cancelled.append)
        try:
            sent(self.site(), "GET", b"/metrics", b"")
        except Exception as nothing:  # there is no response to read
            self.assertIn("BadStatusLine", repr(type(nothing).__mro__))
        self.assertEqual(len(cancelled), 1)
