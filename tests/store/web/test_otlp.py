"""OTLP on the path that it shares with Librato: told apart, and held to the same rules."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from twisted.internet.defer import Deferred, succeed
from twisted.web.iweb import IRequest

from tests.store.web.cases import BASE, WebTestCase
from zibrato.interfaces import DaemonInfo
from zibrato.store.web.access_control import Credentials

PROTOBUF = "application/x-protobuf"
OTLP: dict[str, list[object]] = {"resourceMetrics": []}
TAKES_NONE = "there is no daemon that takes OTLP"


class OtlpTests(WebTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.bodies: list[bytes] = []
        self.store.daemon = DaemonInfo(
            10.0, "here", 0.0, addresses=list, self_metrics=list, otlp=self.answer
        )

    def answer(self, request: IRequest) -> Deferred[bytes]:
        self.bodies.append(request.content.read())
        return succeed(b"{}")

    def post(self, body: bytes, kind: str, **headers: str) -> int:  # type: ignore[override]  # of bytes
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        response = self.successResultOf(
            self.http.request(
                "POST", f"{BASE}/v1/metrics", data=body, headers={"Content-Type": kind, **named}
            )
        )
        return int(response.code)

    def test_what_is_otlp_s_goes_to_the_daemon_and_the_rest_into_the_store(self) -> None:
        self.assertEqual(self.post(b"any", PROTOBUF), 200)
        self.assertEqual(self.ask("POST", "/v1/metrics", OTLP), (200, b"{}"))
        self.assertEqual(self.bodies, [b"any", b'{"resourceMetrics": []}'])
        gauges = {"gauges": [{"name": "resourceMetrics", "value": 1}]}
        self.assertEqual(self.ask("POST", "/v1/metrics", gauges)[0], 200)
        self.assertEqual(len(self.bodies), 2)
        self.assertEqual(self.get("/v1/metrics")["query"]["total"], 1)

    def test_compressed_json_is_told_apart_too(self) -> None:
        body = gzip.compress(b'{"resourceMetrics": []}')
        self.assertEqual(self.post(body, "application/json", Content_Encoding="gzip"), 200)
        self.assertEqual(self.bodies, [body])

    def test_a_store_without_a_daemon_takes_none(self) -> None:
        self.store.daemon = None
        status, content = self.ask("POST", "/v1/metrics", OTLP)
        self.assertEqual((status, content["errors"]["request"]), (415, [TAKES_NONE]))

    @pytest.mark.attack("OTLP from a web page, or without a password", before="there was no OTLP")
    def test_the_page_s_access_control_holds_for_it(self) -> None:
        self.assertEqual(self.post(b"any", PROTOBUF, Origin="http://evil.example"), 403)
        self.assertEqual(self.post(b"any", PROTOBUF, Host="evil.example"), 403)
        path = Path(self.mktemp())
        path.write_text("user:secret")
        self.access_control.reload(Credentials(path))
        self.assertEqual(self.post(b"any", PROTOBUF), 401)
        self.assertEqual(self.bodies, [])
        authorization = "Basic dXNlcjpzZWNyZXQ="
        self.assertEqual(self.post(b"any", PROTOBUF, Authorization=authorization), 200)
