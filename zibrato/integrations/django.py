"""Counts and times the requests of a Django project, with a WSGI or an ASGI server.

MIDDLEWARE = ["zibrato.integrations.django.measured", ...]
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING, Any

from zibrato import Zibrato
from zibrato.client.instruments import Instruments
from zibrato.integrations.requests import GONE, OTHER, Requests

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    # Any: a handler returns a response or an awaitable of one; Django distinguishes the two.
    Handler = Callable[[HttpRequest], Any]

__all__ = ["measured", "named_route"]


def named_route(request: HttpRequest) -> str:
    """Return the route that Django has matched, such as /items/<int:number>, and never a path."""
    match = getattr(request, "resolver_match", None)
    return f"/{match.route}" if match else OTHER


def measured(get_response: Handler) -> Handler:
    """Return a middleware that records requests; make it the first of `MIDDLEWARE`.

    The setting `ZIBRATO` is the client; the default is `Zibrato()`. A request ends when its
    response is closed, so a streamed response is timed to its end.
    """
    from asgiref.sync import iscoroutinefunction  # noqa: PLC0415 - comes with Django
    from django.conf import settings  # noqa: PLC0415 - Django may be missing
    from django.core.signals import got_request_exception  # noqa: PLC0415 - Django may be missing

    z: Instruments | None = getattr(settings, "ZIBRATO", None)
    recorder = _Recorder(Requests(Zibrato() if z is None else z), get_response)
    # Only the newest of the process counts: however often Django is loaded, exceptions count once.
    got_request_exception.disconnect(dispatch_uid=__name__)
    got_request_exception.connect(recorder.count_exception, weak=False, dispatch_uid=__name__)
    return recorder.handle_async if iscoroutinefunction(get_response) else recorder.handle


# With these attributes, Django passes either kind of handler unchanged.
measured.sync_capable = True  # type: ignore[attr-defined]  # a function's attribute
measured.async_capable = True  # type: ignore[attr-defined]  # a function's attribute


class _Recorder:
    """Measures the requests of one handler."""

    def __init__(self, requests: Requests, get_response: Handler) -> None:
        self._requests = requests
        self._get_response = get_response

    def handle(self, request: HttpRequest) -> HttpResponse:
        """Handle a request."""
        begun = perf_counter()
        try:
            response = self._get_response(request)
        except BaseException as error:
            self._fail(request, error, begun)
            raise
        return self._record_at_close(response, request, begun)

    async def handle_async(self, request: HttpRequest) -> HttpResponse:
        """Handle a request."""
        begun = perf_counter()
        try:
            response = await self._get_response(request)
        except BaseException as error:
            self._fail(request, error, begun)
            raise
        return self._record_at_close(response, request, begun)

    def count_exception(self, *, request: HttpRequest | None = None, **_: object) -> None:
        """Count an exception that no view has handled; Django calls this when it handles it."""
        kind = sys.exc_info()[0] or Exception
        self._requests.count_exception(_name(request), kind)

    def _fail(self, request: HttpRequest, error: BaseException, begun: float) -> None:
        """Record a request without a response: it was cancelled, since errors become responses."""
        status = 500 if isinstance(error, Exception) else GONE
        self._record(request, status, begun)

    def _record_at_close(
        self, response: HttpResponse, request: HttpRequest, begun: float
    ) -> HttpResponse:
        """Record when the response is closed, which every server does, also after a disconnect."""
        close = response.close

        def close_and_record() -> None:
            # Record only once, and break the circle of references.
            response.__dict__.pop("close", None)
            try:
                close()
            finally:
                self._record(request, response.status_code, begun)

        response.close = close_and_record
        return response

    def _record(self, request: HttpRequest, status: int, begun: float) -> None:
        seconds = perf_counter() - begun
        self._requests.record(_name(request), getattr(request, "method", None), status, seconds)


def _name(request: HttpRequest | None) -> str:
    try:
        return OTHER if request is None else named_route(request)
    except Exception:
        return OTHER
