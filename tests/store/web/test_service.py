"""The web server: where it listens, and what it has where."""

from __future__ import annotations

import socket

import pytest
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress

from tests.fake_reactor import FakeReactor
from tests.store.cases import StoreTestCase
from tests.store.web.cases import WebTestCase
from zibrato.store.options import WEB
from zibrato.store.web.service import WebService, check_can_listen, is_local, url_of


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
        local = (WEB, "tcp:0:interface=127.9.9.9", "tcp6:1:interface=\\:\\:1", "unix:/a/b")
        for description in local:
            self.assertTrue(is_local(description), description)
        for description in (
            "tcp:5580", "tcp:port=5580:interface=0.0.0.0", "tcp6:1:interface=\\:\\:", "ssl:1",
            "systemd:domain=INET:index=0", "tcp:1:interface=name",
        ):  # fmt: skip
            self.assertFalse(is_local(description), description)
        with self.assertRaisesRegex(ValueError, "give --web-credentials FILE"):
            WebService(FakeReactor(), self.store, "tcp:5580", None)

    def test_an_endpoint_that_can_not_be_is_named(self) -> None:
        for description in ("nonsense:1", "tcp:x:interface=127.0.0.1"):
            with self.assertRaises(ValueError):
                WebService(FakeReactor(), self.store, description, None)


def test_a_port_that_is_taken_is_found_beforehand() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            check_can_listen(f"tcp:{port}:interface=127.0.0.1")
        with pytest.raises(OSError, match="in use"):
            check_can_listen(f"tcp:port={port}:interface=127.0.0.1")
    check_can_listen("tcp:0:interface=127.0.0.1")
    check_can_listen("unix:/nix/da")  # no port: whether it can be had shows when it is opened


def test_an_address_is_one_that_a_browser_can_open() -> None:
    assert url_of(IPv4Address("TCP", "0.0.0.0", 80)) == "http://127.0.0.1:80/"
    assert url_of(IPv4Address("TCP", "10.0.0.1", 80)) == "http://10.0.0.1:80/"
    assert url_of(IPv6Address("TCP", "::1", 80)) == "http://[::1]:80/"
    assert "/run/web" in url_of(UNIXAddress("/run/web"))
