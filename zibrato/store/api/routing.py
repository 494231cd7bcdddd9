"""Route requests to the API: paths with any names, and headers of all responses."""

from __future__ import annotations

from klein import Klein
from twisted.internet.interfaces import IReactorTime
from twisted.web.iweb import IRequest
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET
from werkzeug.routing import BaseConverter

RATE_LIMIT = 1_000_000
"""The remaining requests that responses report: there is no limit, but clients read the headers."""
RATE_LIMIT_HEADERS = (b"X-Librato-RateLimit-Agg", b"X-Librato-RateLimit-Std")
_RESET = 60


class Segment(BaseConverter):
    """One segment of a path, as `quoted` encodes it; it may be any text."""

    def to_python(self, value: str) -> str:
        """Return the original text."""
        return value.replace("%2F", "/").replace("%25", "%")


class RowId(BaseConverter):
    """A number that can be the id of a row in SQLite; nothing has a longer one."""

    regex = "[0-9]{1,18}"

    def to_python(self, value: str) -> int:
        """Return the number."""
        return int(value)


def quoted(segment: bytes) -> bytes:
    """Encode the slashes in a path segment.

    Klein joins segments after Twisted has decoded them, so `GET%20%2Fusers` would become two
    segments.
    """
    return segment.replace(b"%", b"%25").replace(b"/", b"%2F")


class Routed(Resource):
    """The routes of an app; names may have slashes, and responses have rate limit headers."""

    isLeaf = True

    def __init__(self, app: Klein, clock: IReactorTime) -> None:
        Resource.__init__(self)
        self._routes = app.resource()
        self._clock = clock

    def render(self, request: IRequest) -> bytes | int:
        """Answer a request."""
        reset = int(self._clock.seconds()) + _RESET
        limit = f"limit={RATE_LIMIT},remaining={RATE_LIMIT},reset={reset}".encode()
        for name in RATE_LIMIT_HEADERS:
            request.setHeader(name, limit)
        request.postpath = [quoted(segment) for segment in request.postpath]
        answer = self._routes.render(request)
        return answer if isinstance(answer, bytes) else NOT_DONE_YET
