"""Who may ask."""

from __future__ import annotations

import socket
from base64 import b64encode
from pathlib import Path

import pytest
from treq.testing import StubTreq
from twisted.logger import capturedLogs, formatEvent

from tests.store.web.cases import BASE, WebTestCase
from zibrato.store.web.access_control import AccessControl, Credentials, known_names
from zibrato.store.web.attempts import AT_ONCE
from zibrato.store.web.service import tree


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

    def test_any_host_is_known_where_there_are_no_names(self) -> None:
        self.http = StubTreq(AccessControl(tree(self.store), None, None))
        self.assertEqual(self.ask("GET", "/data/series", Host="evil.example")[0], 200)

    def test_a_page_of_another_origin_can_change_nothing(self) -> None:
        content = {"gauges": [{"name": "m", "value": 1}]}
        for headers in ({"origin": "http://evil.example"}, {"origin": "null"},
                        {"sec_fetch_site": "cross-site"},
                        {"sec_fetch_site": "same-site"}):  # fmt: skip
            self.assertEqual(self.ask("POST", "/v1/metrics", content, **headers)[0], 403)
        for headers in ({"origin": BASE, "sec_fetch_site": "same-origin"},
                        {"sec_fetch_site": "none"}, {}):  # fmt: skip
            self.assertEqual(self.ask("POST", "/v1/metrics", content, **headers)[0], 200)

    @pytest.mark.attack("GETs of pages of other sites", before="they were answered")
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

    @pytest.mark.attack(
        "GETs of pages of other sites, over plain HTTP", before="they were answered"
    )
    def test_a_referer_tells_where_no_other_header_does(self) -> None:
        """As over plain HTTP to an address that is not this host's own."""
        lan = "192.168.0.9:5580"
        evil = {"host": lan, "referer": "http://evil.example/page?http://192.168.0.9:5580/"}
        for path in ("/data/health", "/v1/metrics", "/events", "/static/main.js"):
            self.assertEqual(self.ask("GET", path, **evil)[0], 403, path)
        self.assertEqual(self.ask("POST", "/v1/metrics", {}, **evil)[0], 403)
        self.assertEqual(self.ask("GET", "/", **evil)[0], 200)  # a link to the page
        self.assertEqual(self.ask("POST", "/", **evil)[0], 403)
        for referer in (f"http://{lan}/", f"http://{lan.upper()}/?a=/"):
            same = {"host": lan, "referer": referer}
            self.assertEqual(self.ask("GET", "/data/health", **same)[0], 200)
        same = {**evil, "sec_fetch_site": "same-origin"}
        self.assertEqual(self.ask("GET", "/data/health", **same)[0], 200)

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

    def guess(self, number: int) -> int:
        """Return the status of the answer to wrong credentials."""
        token = b64encode(b"user:%d" % number).decode()
        return self.ask("GET", "/data/health", authorization=f"Basic {token}")[0]

    def test_who_guesses_has_to_wait(self) -> None:
        statuses = [self.guess(number) for number in range(AT_ONCE + 2)]
        self.assertEqual(statuses, [401] * AT_ONCE + [429] * 2)
        self.assertEqual(self.headers.getRawHeaders("retry-after"), ["1"])
        right = "Basic dXNlcjpwYXNzOndvcmQ="
        self.assertEqual(self.ask("GET", "/data/health", authorization=right)[0], 429)
        self.assertEqual(self.ask("GET", "/")[0], 401)
        self.assertEqual(self.guess(0), 401)  # wrong before, and no new guess
        self.clock.advance(1)
        self.assertEqual(self.ask("GET", "/data/health", authorization=right)[0], 200)
        self.assertEqual([self.guess(99), self.guess(100)], [401, 429])
        self.assertEqual(self.headers.getRawHeaders("retry-after"), ["2"])

    def test_nobody_waits_after_a_reload(self) -> None:
        for number in range(AT_ONCE + 1):
            self.guess(number)
        file = Path(self.mktemp())
        file.write_text("user:3")
        self.access_control.reload(Credentials(file))
        self.assertEqual([self.guess(3), self.guess(4)], [200, 401])

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
