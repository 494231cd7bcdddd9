"""The web resource of the OTLP intake's own endpoint, which has only one path."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

PATH = b"/v1/metrics"
BROWSERS = (b"origin", b"sec-fetch-site")
"""Headers that only browsers send, with every request that may have a body of OTLP's types."""


class ExportResource(Resource):
    """Has `answer` answer what is posted to /v1/metrics, but rejects requests from web pages.

    Otherwise any web page could post here from a visitor's browser, since there is no password.
    """

    isLeaf = True

    def __init__(self, answer: Callable[[Request], Deferred[bytes]]) -> None:
        Resource.__init__(self)
        self._answer = answer

    def render(self, request: Request) -> bytes | int:
        """Have a request answered, or reject it."""
        if request.path.rstrip(b"/") != PATH:
            return _rejected(request, 404, b"only /v1/metrics is served here")
        if request.method != b"POST":
            request.setHeader(b"Allow", b"POST")
            return _rejected(request, 405, b"send metrics with POST")
        if any(request.getHeader(name) is not None for name in BROWSERS):
            return _rejected(request, 403, b"the request comes from a web page")
        answered = self._answer(request)
        request.notifyFinish().addErrback(lambda _: answered.cancel())
        answered.addCallbacks(_finish, _ignore, (request,))
        return NOT_DONE_YET


def _rejected(request: Request, status: int, line: bytes) -> bytes:
    request.setResponseCode(status)
    request.setHeader(b"Content-Type", b"text/plain; charset=utf-8")
    return line


def _finish(body: bytes, request: Request) -> None:
    request.write(body)
    request.finish()


def _ignore(_gone: Failure) -> None:
    """Do nothing, because the client has disconnected."""
