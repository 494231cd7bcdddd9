"""A Django project in a file that counts and times its requests.

gunicorn --chdir examples/frameworks django_app:application
uvicorn --app-dir examples/frameworks django_app:asynchronous
"""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path


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
    MIDDLEWARE=["zibrato.integrations.django.measured"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="only for an example",
)
application = get_wsgi_application()
asynchronous = get_asgi_application()
