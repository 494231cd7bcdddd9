"""The path /health: 200 while the daemon does its work, 503 if something is critical."""

from __future__ import annotations

from collections.abc import Callable

from twisted.web.resource import Resource
from twisted.web.server import Request

from zibrato.health import CRITICAL, OK, Health
from zibrato.store.api.responses import error_response, json_response

PATH = b"/health"


class HealthResource(Resource):
    """Answers with the result of `report`; without `details`, only with its status.

    A client without credentials learns whether a daemon is well, but nothing of its data or its
    backends.
    """

    isLeaf = True

    def __init__(self, report: Callable[[], Health | None], *, details: bool) -> None:
        Resource.__init__(self)
        self._report = report
        self._details = details

    def render(self, request: Request) -> bytes:
        """Answer a request."""
        if request.method not in {b"GET", b"HEAD"}:
            request.setHeader(b"Allow", b"GET, HEAD")
            return error_response(request, 405, {"request": ["request health with GET"]})
        health = self._report()
        status = OK if health is None else health.status  # a store without a daemon is well
        shown = health if self._details and health is not None else {"status": status}
        request.setHeader(b"Cache-Control", b"no-store")
        return json_response(request, shown, 503 if status == CRITICAL else 200)
