"""Counts and times the requests of a Django project, with a WSGI or an ASGI server.

MIDDLEWARE = ["zibrato.integrations.django.measured", ...]
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Iterator
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
        exchange = _Exchange(self._requests, request)
        try:
            response = self._get_response(request)
        except BaseException as error:
            exchange.end_without_response(error)
            raise
        return exchange.watch(response)

    async def handle_async(self, request: HttpRequest) -> HttpResponse:
        """Handle a request."""
        exchange = _Exchange(self._requests, request)
        try:
            response = await self._get_response(request)
        except BaseException as error:
            exchange.end_without_response(error)
            raise
        return exchange.watch(response)

    def count_exception(self, *, request: HttpRequest | None = None, **_: object) -> None:
        """Count an exception that no view has handled; Django calls this when it handles it."""
        kind = sys.exc_info()[0] or Exception
        self._requests.count_exception(_name(request), kind)


class _Exchange:
    """One request and its response, recorded once."""

    def __init__(self, requests: Requests, request: HttpRequest) -> None:
        self._begun = perf_counter()
        self._requests = requests
        self._request = request
        self._streaming = False
        self._ended = False

    def end_without_response(self, error: BaseException) -> None:
        """Record the request: it was cancelled, since Django turns errors into responses."""
        self._end(500 if isinstance(error, Exception) else GONE)

    def watch(self, response: HttpResponse) -> HttpResponse:
        """Record when the response is closed, which servers do, also after a disconnect.

        Under ASGI, Django doesn't close a streamed response whose content has raised.
        """
        close = response.close

        def close_and_record() -> None:
            response.__dict__.pop("close", None)  # break the circle of references
            try:
                close()
            finally:
                self._end(GONE if self._streaming else response.status_code)

        response.close = close_and_record
        # Servers send a file by `sendfile` if the response has it unchanged.
        if response.streaming and getattr(response, "file_to_stream", None) is None:
            is_async = getattr(response, "is_async", False)  # Django before 4.2 lacks it
            watched = self._async_content if is_async else self._content
            response.streaming_content = watched(response.streaming_content)
        return response

    def _content(self, parts: Iterator[bytes]) -> Iterator[bytes]:
        try:
            yield from parts
        except Exception as error:
            self._fail(error)
            raise

    async def _async_content(self, parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        self._streaming = True
        try:
            async for part in parts:
                yield part
            self._streaming = False
        except Exception as error:
            self._fail(error)
            raise
        except BaseException:  # cancelled, or nobody takes the rest: the client disconnected
            self._end(GONE)
            raise

    def _fail(self, error: Exception) -> None:
        """Count an exception, of which Django sends no signal, and record the request."""
        self._requests.count_exception(_name(self._request), type(error))
        self._end(500)

    def _end(self, status: int) -> None:
        if self._ended:
            return
        self._ended = True
        seconds = perf_counter() - self._begun
        method = getattr(self._request, "method", None)
        self._requests.record(_name(self._request), method, status, seconds)


def _name(request: HttpRequest | None) -> str:
    try:
        return OTHER if request is None else named_route(request)
    except Exception:
        return OTHER
