"""/health: 200 or 503, and how much of it is told to whom."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any

from treq.testing import StubTreq
from twisted.internet.testing import StringTransport
from twisted.logger import capturedLogs

from tests.health_reports import backend, healthy
from tests.store.web.cases import WebTestCase
from zibrato.health import CRITICAL, WARNING, Health, Problem
from zibrato.interfaces import DaemonInfo
from zibrato.store.web.access_control import AccessControl, Credentials, known_names
from zibrato.store.web.health import PATH, HealthResource
from zibrato.store.web.service import tree
from zibrato.store.web.site import BoundedSite


class HealthTests(WebTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.report = healthy()
        self.store.daemon = DaemonInfo(
            10.0, "here", 0.0, addresses=list, self_metrics=list, health=lambda: self.report
        )

    def broken(self) -> Health:
        problem = Problem(CRITICAL, "librato can't deliver")
        return healthy(status=CRITICAL, problems=[problem], backends=[backend(error="refused")])

    def test_it_is_200_until_something_is_critical(self) -> None:
        self.assertEqual(self.ask("GET", "/health")[0], 200)
        self.report = healthy(status=WARNING)
        self.assertEqual(self.ask("GET", "/health")[0], 200)
        self.report = self.broken()
        status, content = self.ask("GET", "/health")
        self.assertEqual(status, 503)
        problem = {"severity": "critical", "text": "librato can't deliver"}
        self.assertEqual(content["problems"], [problem])
        self.assertEqual(content["backends"][0]["error"], "refused")
        self.assertEqual(self.headers.getRawHeaders("cache-control"), ["no-store"])
        self.assertEqual(self.ask("HEAD", "/health")[0], 503)

    def test_a_probe_needs_no_body_and_no_host(self) -> None:
        with capturedLogs() as events:
            self.assertEqual(self.ask("HEAD", "/health"), (200, b""))
        self.assertEqual(list(events), [])
        length = self.headers.getRawHeaders("content-length")
        transport = StringTransport()
        channel = BoundedSite(self.access_control, self.clock).buildProtocol(None)
        channel.makeConnection(transport)
        channel.dataReceived(b"GET /health HTTP/1.0\r\n\r\n")
        head, _, body = transport.value().partition(b"\r\n\r\n")
        self.assertTrue(head.startswith(b"HTTP/1.0 200 "), head)
        self.assertEqual(length, [str(len(body))])

    def test_it_can_only_be_read(self) -> None:
        self.assertEqual(self.ask("POST", "/health", {})[0], 405)

    def test_a_store_without_a_daemon_is_well(self) -> None:
        self.store.daemon = None
        self.assertEqual(self.ask("GET", "/health"), (200, {"status": "ok"}))

    def test_without_the_credentials_it_tells_the_status_alone(self) -> None:
        path = Path(self.mktemp())
        path.write_text("user:secret")
        path.chmod(0o600)
        self.report = self.broken()
        public: Any = {PATH: HealthResource(lambda: self.report, details=False)}
        access = AccessControl(
            tree(self.store), known_names(loopback=True), Credentials(path), public=public
        )
        self.http = StubTreq(access)
        self.assertEqual(self.ask("GET", "/health"), (503, {"status": "critical"}))
        self.assertEqual(self.ask("GET", "/data/health")[0], 401)
        right, wrong = (f"Basic {b64encode(pair).decode()}" for pair in (b"user:secret", b"user:x"))
        self.assertEqual(self.ask("GET", "/health", Authorization=wrong)[0], 401)
        status, content = self.ask("GET", "/health", Authorization=right)
        self.assertEqual((status, content["backends"][0]["error"]), (503, "refused"))
        self.assertEqual(self.ask("GET", "/health", Host="evil.example")[0], 403)
