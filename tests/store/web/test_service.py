"""The web server: what it has where, and what it is not made for."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort
from twisted.logger import LogLevel, capturedLogs, formatEvent

from tests.fake_reactor import FakeReactor
from tests.store.cases import StoreTestCase
from tests.store.web.cases import WebTestCase
from zibrato.store.options import WEB
from zibrato.store.web.service import WebService


class TreeTests(WebTestCase):
    """All that is served, in one tree."""

    def test_each_part_is_where_clients_look_for_it(self) -> None:
        for path in ("/", "/v1/metrics", "/v1/metrics/", "/v1/annotations", "/data/series",
                     "/static/index.html", "/favicon.ico"):  # fmt: skip
            self.assertEqual(self.ask("GET", path)[0], 200, path)
        for path in ("/v1", "/v1/", "/v1/nix", "/v2/metrics", "/data", "/data/nix", "/nix"):
            self.assertEqual(self.ask("GET", path)[0], 404, path)

    def test_a_get_changes_nothing(self) -> None:
        for path in ("/v1/metrics", "/v1/annotations/a", "/v1/metrics/m"):
            self.ask("GET", path, {"gauges": [{"name": "m", "value": 1}], "title": "t"})
        self.assertEqual(self.get("/v1/metrics")["query"]["total"], 0)
        self.assertIn(self.ask("PATCH", "/v1/metrics")[0], {404, 405})


class EndpointTests(StoreTestCase):
    """Where the server listens."""

    def test_only_loopback_needs_no_credentials(self) -> None:
        with self.assertRaisesRegex(ValueError, "^--web: .* give --web-credentials FILE"):
            WebService(FakeReactor(), self.store, "tcp:5580", None)

    def test_credentials_that_can_not_be_are_named(self) -> None:
        with self.assertRaisesRegex(ValueError, "^--web-credentials: can't read /nix/da"):
            WebService(FakeReactor(), self.store, WEB, Path("/nix/da"))

    def test_an_endpoint_that_can_not_be_is_named(self) -> None:
        for description in ("nonsense:1", "tcp:x:interface=127.0.0.1"):
            with self.assertRaises(ValueError):
                WebService(FakeReactor(), self.store, description, None)

    def test_an_endpoint_that_fails_at_once_fails_the_start(self) -> None:
        service = WebService(FakeReactor(), self.store, WEB, None)
        self.patch(service, "_endpoint", Endpoint(fail(CannotListenError("a", 1, "in use"))))
        with self.assertRaisesRegex(OSError, f"^--web: can't listen at {WEB}: .*in use; give an"):
            service.startService()

    def test_what_it_shows_is_loaded_once_the_reactor_runs(self) -> None:
        reactor = FakeReactor()
        service = WebService(reactor, self.store, WEB, None)
        self.patch(service, "_endpoint", Endpoint(succeed(cast(IListeningPort, Port()))))
        loads: list[str] = []

        async def ready() -> None:
            loads.append("begun")

        self.patch(self.store, "ready", ready)
        service.startService()
        self.assertEqual(loads, [])
        reactor.run_calls()
        self.assertEqual(loads, ["begun"])

    def test_one_that_fails_later_is_logged(self) -> None:
        service = WebService(FakeReactor(), self.store, WEB, None)
        listening: Deferred[IListeningPort] = Deferred()
        self.patch(service, "_endpoint", Endpoint(listening))
        service.startService()
        with capturedLogs() as logs:
            listening.errback(OSError("in use"))
        self.assertEqual([event["log_level"] for event in logs], [LogLevel.error])
        self.assertIn("in use", str(formatEvent(logs[0])))


class Port:
    """Is at an address."""

    def getHost(self) -> IPv4Address:
        return IPv4Address("TCP", "127.0.0.1", 5580)


class Endpoint:
    """Listens with what it is told to."""

    def __init__(self, listening: Deferred[IListeningPort]) -> None:
        self._listening = listening

    def listen(self, _site: object) -> Deferred[IListeningPort]:
        return self._listening
