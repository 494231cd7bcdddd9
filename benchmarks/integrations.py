"""What an integration of zibrato.integrations costs for each request or task.

    python benchmarks/integrations.py [--rounds N]

Each application is called in this process, without a server, a socket or a browser. So all of its
time is the framework's, which makes the share of the measuring look large. Its handler does
nothing. The bare and the measured application take turns in random order. A figure is the median of
the processor time that the calling thread used. A real daemon receives what is recorded. Celery's
signals belong to the process, so Celery runs bare first, and measured after that. To install the
frameworks:

    pip install -r benchmarks/requirements.txt
"""

from __future__ import annotations

import argparse
import gc
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from wsgiref.util import setup_testing_defaults

from benchmarks import processes
from benchmarks.measure import Row, Snippet, measure
from benchmarks.report import machine, table, versions
from zibrato import Zibrato
from zibrato.integrations import asgi, celery, klein, wsgi

if TYPE_CHECKING:
    from fastapi import FastAPI
    from klein import Klein
    from starlette.applications import Starlette
    from twisted.web.resource import IResource

PACKAGES = ("flask", "fastapi", "starlette", "django", "klein", "twisted", "celery")
ROUNDS = 21
Application = Callable[..., Any]  # WSGI's or ASGI's, which are called differently


def main() -> None:
    """Measure everything in one run and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"turns of a row ({ROUNDS})")
    rounds: int = parser.parse_args().rounds
    processes.pin(0)
    with tempfile.TemporaryDirectory(prefix="zibrato-") as path:
        endpoint = f"ipc://{path}/socket"
        with processes.daemon(Path(path), endpoint), Zibrato(endpoint, linger=60) as z:
            pairs = {name: (Row(bare), Row(measured)) for name, bare, measured in rows(z)}
            gc.freeze()  # the collector normally sees the objects of one application, not of all
            measure([row for pair in pairs.values() for row in pair], rounds)
            pairs["Celery, a task called in its caller"] = tasks(z, rounds)
    print(f"{machine()};\n{versions('zibrato', *PACKAGES)};")
    print(f"{processes.pinning()}; median of {rounds} interleaved rounds.\n")
    head = ("application", "bare, µs", "measured, µs", "more, µs", "ratio")
    print(table(head, [cells(name, *pair) for name, pair in pairs.items()]))


def cells(name: str, bare: Row, measured: Row) -> list[str]:
    """Return a row of the table."""
    more = measured.median - bare.median
    figures = [f"{value / 1000:.1f}" for value in (bare.median, measured.median, more)]
    return [name, *figures, f"{measured.median / bare.median:.3f}"]


def rows(z: Zibrato) -> Iterator[tuple[str, Snippet, Snippet]]:
    """Yield each web application's name, and snippets for a bare and for a measured request."""
    app = flask_app()
    yield "Flask", wsgi_request(app), wsgi_request(wsgi.Measured(app, z))
    for name, make in (("Starlette", starlette_app), ("FastAPI", fastapi_app)):
        bare, measured = make(), make()
        measured.add_middleware(asgi.Measured, z=z)
        yield name, asgi_request(bare), asgi_request(measured)
    without, within = django_apps(z)
    yield "Django", wsgi_request(without), wsgi_request(within)
    resource = klein_app().resource()
    yield "klein", klein_request(resource), klein_request(klein.Measured(resource, z))


def wsgi_request(app: Application) -> Snippet:
    """Return a snippet for a request to a WSGI application."""
    environ: dict[str, object] = {"PATH_INFO": "/items/3", "SCRIPT_NAME": "", "QUERY_STRING": ""}
    setup_testing_defaults(environ)

    def request() -> None:
        body: Iterable[object] = app(dict(environ), lambda *_: None)
        for _ in body:
            pass
        if hasattr(body, "close"):
            body.close()

    return Snippet("request()", {"request": request})


def asgi_request(app: Application) -> Snippet:
    """Return a snippet for a request to an ASGI application."""
    scope = {
        "type": "http", "method": "GET", "path": "/items/3", "raw_path": b"/items/3",
        "root_path": "", "query_string": b"", "headers": [],
    }  # fmt: skip

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_: object) -> None: ...

    async def request() -> None:
        await app(dict(scope), receive, send)

    return Snippet("await request()", {"request": request})


def klein_request(resource: IResource) -> Snippet:
    """Return a snippet for a request to a resource of twisted.web."""
    from twisted.web.server import Request, Site
    from twisted.web.test.requesthelper import DummyChannel

    site = Site(resource)

    def request() -> None:
        channel = DummyChannel()
        channel.site = site
        made = Request(channel)
        made.gotLength(0)
        made.requestReceived(b"GET", b"/items/3", b"HTTP/1.1")

    return Snippet("request()", {"request": request})


def flask_app() -> Application:
    """Return an application of Flask."""
    from flask import Flask

    app = Flask("shop")
    app.add_url_rule("/items/<int:number>", view_func=lambda number: f"item {number}")
    return app


def starlette_app() -> Starlette:
    """Return an application of Starlette."""
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    async def item(_: object) -> PlainTextResponse:
        return PlainTextResponse("item")

    return Starlette(routes=[Route("/items/{number:int}", item)])


def fastapi_app() -> FastAPI:
    """Return an application of FastAPI."""
    from fastapi import FastAPI

    async def item(number: int) -> int:
        return number

    app = FastAPI()
    app.add_api_route("/items/{number}", item)
    return app


def django_apps(z: Zibrato) -> tuple[Application, Application]:
    """Return a bare Django application, and a measured one."""
    import django
    from django.conf import settings
    from django.core.handlers.wsgi import WSGIHandler
    from django.http import HttpResponse
    from django.urls import path

    def item(_: object, number: int) -> HttpResponse:
        return HttpResponse(f"item {number}")

    class Urls:
        urlpatterns = (path("items/<int:number>", item),)

    settings.configure(ALLOWED_HOSTS=["*"], MIDDLEWARE=[], ROOT_URLCONF=Urls, ZIBRATO=z)
    django.setup()
    bare = WSGIHandler()
    settings.MIDDLEWARE = ["zibrato.integrations.django.measured"]
    return bare, WSGIHandler()


def klein_app() -> Klein:
    """Return an application of klein."""
    from klein import Klein

    app = Klein()
    app.route("/items/<int:number>")(lambda _, number: f"item {number}")
    return app


def nothing() -> None:
    """Do nothing."""


def tasks(z: Zibrato, rounds: int) -> tuple[Row, Row]:
    """Measure a task of Celery, bare and then measured."""
    from celery import Celery

    app = Celery("shop", broker="memory://")
    task = app.task(name="shop.item")(nothing)
    bare, measured = (Row(Snippet("apply()", {"apply": task.apply})) for _ in range(2))
    measure([bare], rounds)
    celery.measure(z)
    measure([measured], rounds)
    return bare, measured


if __name__ == "__main__":
    main()
