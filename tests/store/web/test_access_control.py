"""Who may ask."""

from __future__ import annotations

import socket
from pathlib import Path

from tests.store.web.cases import BASE, WebTestCase
from zibrato.store.web.access_control import Credentials, known_names


class AccessControlTests(WebTestCase):
    def test_the_host_header_must_name_this_host(self) -> None:
        good = (
            "localhost",
            "LOCALHOST:5580",
            "127.0.0.1",
            "127.0.0.1:80",
            "[::1]:5580",
            "10.0.0.1",
        )
        for host in good:
            self.assertEqual(self.ask("GET", "/data/health", host=host)[0], 200, host)
        for host in (
            "evil.example",
            "localhost.evil.example:5580",
            "127.0.0.1.evil.example",
            "a b",
        ):
            self.assertEqual(self.ask("GET", "/data/health", host=host)[0], 403, host)

    def test_a_page_of_another_origin_can_change_nothing(self) -> None:
        content = {"gauges": [{"name": "m", "value": 1}]}
        for headers in ({"origin": "http://evil.example"}, {"origin": "null"},
                        {"sec_fetch_site": "cross-site"},
                        {"sec_fetch_site": "same-site"}):  # fmt: skip
            self.assertEqual(self.ask("POST", "/v1/metrics", content, **headers)[0], 403)
        for headers in ({"origin": BASE, "sec_fetch_site": "same-origin"},
                        {"sec_fetch_site": "none"}, {}):  # fmt: skip
            self.assertEqual(self.ask("POST", "/v1/metrics", content, **headers)[0], 200)

    def test_a_page_of_another_origin_may_ask_for_what_it_can_not_read(self) -> None:
        self.assertEqual(self.ask("GET", "/data/health", sec_fetch_site="same-site")[0], 200)

    def test_the_headers_leave_scripts_no_way(self) -> None:
        self.get("/data/health")
        (policy,) = self.headers.getRawHeaders("content-security-policy")
        self.assertIn("default-src 'none'; script-src 'self';", policy)
        self.assertNotIn("unsafe", policy)
        self.assertEqual(self.headers.getRawHeaders("x-content-type-options"), ["nosniff"])
        self.assertIsNone(self.headers.getRawHeaders("access-control-allow-origin"))


class CredentialsTests(WebTestCase):
    def setUp(self) -> None:
        file = Path(self.mktemp())
        file.write_text("user:pass:word\n")
        self.credentials = Credentials(file)
        super().setUp()

    def test_nothing_is_had_without_them(self) -> None:
        self.assertEqual(self.ask("GET", "/"), (401, b"Authorization Required"))
        for wrong in ("Basic eDp5", "Basic !", "Bearer x"):
            self.assertEqual(self.ask("GET", "/", authorization=wrong)[0], 401)
        right = "Basic dXNlcjpwYXNzOndvcmQ="
        self.assertEqual(self.ask("GET", "/data/health", authorization=right)[0], 200)
        self.assertNotIn("word", repr(self.credentials))

    def test_a_file_without_them_is_rejected(self) -> None:
        for text in ("", "user", "user:", ":password", "a:b\nc:d"):
            file = Path(self.mktemp())
            file.write_text(text)
            self.assertRaises(ValueError, Credentials, file)
        self.assertRaises(ValueError, Credentials, Path("/nix/da"))


def test_a_host_that_others_reach_has_more_names() -> None:
    assert known_names(loopback=True) == {"localhost", "ip6-localhost"}
    assert socket.gethostname().lower() in known_names(loopback=False)
