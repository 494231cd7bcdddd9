"""Who may ask."""

from __future__ import annotations

import socket
from pathlib import Path

from twisted.logger import capturedLogs, formatEvent

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

    def test_a_page_of_another_origin_gets_nothing_but_the_page_itself(self) -> None:
        link = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate"}
        for path in ("/data/health", "/events", "/v1/metrics", "/static/index.html", "/"):
            for method in ("GET", "HEAD"):
                self.assertEqual(self.ask(method, path, sec_fetch_site="same-site")[0], 403, path)
            self.assertEqual(self.ask("GET", path, origin="http://evil.example")[0], 403, path)
        self.assertEqual(self.ask("GET", "/data/health", **link)[0], 403)
        self.assertEqual(self.ask("GET", "/", **link)[0], 200)
        self.assertEqual(self.ask("GET", "/?from=chat", **link)[0], 200)
        self.assertEqual(self.ask("POST", "/", **link)[0], 403)

    def test_multipart_is_no_type_of_a_body(self) -> None:
        for kind in ("multipart/form-data; boundary=x", "Multipart/Mixed"):
            self.assertEqual(self.ask("POST", "/v1/metrics", {}, content_type=kind)[0], 415)

    def test_a_path_that_is_no_text_is_rejected(self) -> None:
        for path in ("/%ff", "/v1/metrics/%C3", "/static/%80"):
            self.assertEqual(self.ask("GET", path)[0], 400, path)

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

    def test_wrong_ones_are_logged_without_what_they_are(self) -> None:
        with capturedLogs() as events:
            self.ask("GET", "/")  # a browser asks without any first
            self.ask("GET", "/", authorization="Basic dXNlcjpvdGhlcndvcmQ=")
        (line,) = [formatEvent(event) for event in events]
        self.assertIn("rejected 1 requests with a wrong user name or password", line)
        self.assertNotIn("otherword", line)
        self.assertNotIn("user:", line)

    def test_others_are_asked_for_after_a_reload(self) -> None:
        file = Path(self.mktemp())
        file.write_text("user:new")
        self.access_control.reload(Credentials(file))
        old, new = "Basic dXNlcjpwYXNzOndvcmQ=", "Basic dXNlcjpuZXc="
        self.assertEqual(self.ask("GET", "/data/health", authorization=old)[0], 401)
        self.assertEqual(self.ask("GET", "/data/health", authorization=new)[0], 200)

    def test_a_file_without_them_is_rejected(self) -> None:
        for text in ("", "user", "user:", ":password", "a:b\nc:d"):
            file = Path(self.mktemp())
            file.write_text(text)
            self.assertRaises(ValueError, Credentials, file)
        self.assertRaises(ValueError, Credentials, Path("/nix/da"))


def test_a_host_that_others_reach_has_more_names() -> None:
    assert known_names(loopback=True) == {"localhost", "ip6-localhost"}
    assert socket.gethostname().lower() in known_names(loopback=False)
