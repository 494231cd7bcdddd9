"""What tests of all that is served stand on: requests without a network."""

from __future__ import annotations

import json
from typing import Any

from treq.testing import StubTreq

from tests.store.cases import StoreTestCase
from zibrato.store.web.access_control import AccessControl, Credentials, known_names
from zibrato.store.web.service import tree

JSON = {"Content-Type": "application/json"}
BASE = "http://127.0.0.1:5580"


class WebTestCase(StoreTestCase):
    """Requests to all that is served."""

    credentials: Credentials | None = None

    def setUp(self) -> None:
        super().setUp()
        names = known_names(loopback=True)
        self.access_control = AccessControl(
            tree(self.store), names, self.credentials, self.clock.monotonic
        )
        self.http: Any = StubTreq(self.access_control)
        self.addCleanup(self.stop)

    def ask(self, method: str, path: str, content: Any = None, **headers: str) -> tuple[int, Any]:
        """Return status and body of an answer; the body decoded where it is JSON."""
        data = None if content is None else json.dumps(content).encode()
        given = {**JSON, **{name.replace("_", "-"): value for name, value in headers.items()}}
        response = self.successResultOf(
            self.http.request(method, BASE + path, data=data, headers=given)
        )
        self.headers = response.headers
        body = self.successResultOf(response.content())
        kind = (response.headers.getRawHeaders("content-type") or [""])[0]
        is_json = body and kind == "application/json"  # an answer to HEAD has no body
        return response.code, json.loads(body) if is_json else body

    def get(self, path: str) -> Any:
        """Return what a good request gets."""
        status, content = self.ask("GET", path)
        self.assertEqual(status, 200, content)
        return content

    def post(self, **gauge: Any) -> None:
        """Post one gauge."""
        status, content = self.ask("POST", "/v1/metrics", {"gauges": [gauge]})
        self.assertEqual(status, 200, content)
