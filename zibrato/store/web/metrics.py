"""The path /metrics, whose content comes from a backend."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.iweb import IRequest
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from zibrato.store.web.parts import write_parts

_log = Logger()


class MetricsResource(Resource):
    """Answers requests for /metrics with what `answer` returns; no path is below."""

    isLeaf = True

    def __init__(self, answer: Callable[[IRequest], Deferred[Iterator[bytes]]]) -> None:
        Resource.__init__(self)
        self._answer = answer

    def render(self, request: Request) -> bytes | int:
        """Answer a request, or reject it."""
        if request.path.rstrip(b"/") != b"/metrics":
            return _rejected(request, 404, b"only /metrics is served here")
        if request.method not in {b"GET", b"HEAD"}:
            request.setHeader(b"Allow", b"GET, HEAD")
            return _rejected(request, 405, b"request metrics with GET")
        answered = self._answer(request)
        request.notifyFinish().addErrback(lambda _: answered.cancel())
        answered.addCallback(lambda parts: _finish(parts, request))
        answered.addErrback(lambda failure: _fail(failure, request))
        return NOT_DONE_YET


def _rejected(request: Request, status: int, line: bytes) -> bytes:
    request.setResponseCode(status)
    request.setHeader(b"Content-Type", b"text/plain; charset=utf-8")
    return line


def _finish(parts: Iterator[bytes], request: Request) -> None:
    if request.method == b"HEAD":
        request.finish()
    else:
        write_parts(request, parts)


def _fail(failure: Failure, request: Request) -> None:
    if request.channel is None or failure.check(ConnectionDone):  # the client has left
        return
    _log.failure("a scrape failed", failure=failure)
    request.setResponseCode(500)
    request.finish()
