"""Django middleware that counts and times requests by route and status class.

    gunicorn --chdir examples/recipes django_app:application
    uvicorn --app-dir examples/recipes django_app:asynchronous

The recipe is `measured`, first in MIDDLEWARE, and the hook of the signal; the rest is a project
in a file.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.signals import got_request_exception
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path
from django.utils.decorators import sync_and_async_middleware

from zibrato import Zibrato

z = Zibrato()


@sync_and_async_middleware  # type: ignore[untyped-decorator]  # Django's
def measured(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Measure a request until its response is closed, so that streaming counts too."""

    def handle(request: HttpRequest) -> HttpResponse:
        begun = perf_counter()
        return record_at_close(get_response(request), request, begun)

    async def handle_asynchronously(request: HttpRequest) -> HttpResponse:
        begun = perf_counter()
        try:
            response = await get_response(request)
        except asyncio.CancelledError:  # the client went away before there was a response
            record(request, 499, begun)
            raise
        return record_at_close(response, request, begun)

    return handle_asynchronously if iscoroutinefunction(get_response) else handle


def record_at_close(response: HttpResponse, request: HttpRequest, begun: float) -> HttpResponse:
    """Return the response; every server closes it, also where the client went away."""
    close = response.close

    def close_and_record() -> None:
        close()
        record(request, response.status_code, begun)

    response.close = close_and_record
    return response


def record(request: HttpRequest, status: int, begun: float) -> None:
    """Count and time a request that began at that time of `perf_counter`."""
    tags = {"route": named_route(request), "status": f"{status // 100}xx"}
    z.count("http.requests", tags=tags)
    z.timing("http.request_time", perf_counter() - begun, tags=tags)


def named_route(request: HttpRequest) -> str:
    """Return the route that Django found, such as items/<int:number>: never a path.

    Every path would be a series of its own, as many as there are items in the shop.
    """
    return f"/{request.resolver_match.route}" if request.resolver_match else "other"


def count_exception(*, request: HttpRequest, **_: Any) -> None:
    """Count an exception that no view has handled."""
    z.count("http.exceptions", level="error", tags={"route": named_route(request)})


got_request_exception.connect(count_exception)


def item(_: HttpRequest, number: int) -> HttpResponse:
    """Show an item."""
    return HttpResponse(f"item {number}\n")


def report(_: HttpRequest) -> StreamingHttpResponse:
    """Stream a report as it is made."""

    def lines() -> Iterator[str]:
        for number in range(1000):
            yield f"line {number}\n" * 100

    return StreamingHttpResponse(lines())


async def broken(_: HttpRequest) -> HttpResponse:
    """Fail."""
    raise LookupError("this page is broken")


urlpatterns = [
    path("items/<int:number>", item),
    path("report", report),
    path("broken", broken),
]
settings.configure(
    ALLOWED_HOSTS=["127.0.0.1", "testserver"],
    MIDDLEWARE=[f"{__name__}.measured"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="only for an example",
)
application = get_wsgi_application()
asynchronous = get_asgi_application()
