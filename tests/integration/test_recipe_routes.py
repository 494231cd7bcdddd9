"""The names that the recipes give to routes, also of applications in applications."""

from __future__ import annotations

import asyncio

import pytest
from django.test import RequestFactory, override_settings
from django.urls import include, path, re_path
from flask import Blueprint, Flask, request
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

from examples.recipes import asgi, django_app, wsgi
from zibrato.testing import Recording, RecordingZibrato, recording


def routes(recorded: Recording) -> set[str]:
    """Return all routes of what was recorded."""
    return {measured.tags["route"] for measured in recorded.measurements}


async def page(_: Request) -> PlainTextResponse:
    return PlainTextResponse("here")


ITEMS = Starlette(routes=[Route("/{number:int}", page), Route("/", page)])
TENANT = Mount("/{tenant}", routes=[Mount("/items", ITEMS), Route("/about", page)])
MOUNTED = Starlette(
    routes=[Mount("/v1", ITEMS), Mount("/v2", ITEMS), Mount("/of", routes=[TENANT])]
)


@pytest.mark.parametrize("root", ["", "/proxy"])
@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/v1/3", "/v1/{number:int}"),
        ("/v2/3", "/v2/{number:int}"),
        ("/v2/", "/v2/"),
        ("/of/eva/items/3", "/of/{tenant}/items/{number:int}"),
        ("/of/eva/about", "/of/{tenant}/about"),
        ("/of/eva/items/none", "/of/{tenant}/items"),
        ("/none", "other"),
    ],
)
def test_asgi_routes_of_mounted_applications(root: str, path: str, route: str) -> None:
    async def receive() -> asgi.Message:
        raise NotImplementedError

    async def send(_: asgi.Message) -> None: ...

    where = {"path": root + path, "root_path": root}
    scope = {"type": "http", "method": "GET", "headers": [], **where}
    z = RecordingZibrato()
    asyncio.run(asgi.Measured(MOUNTED, z)(scope, receive, send))
    assert routes(z) == {route}


def test_asgi_of_old_starlette_which_cuts_the_path_and_names_no_route() -> None:
    scope: asgi.Scope = {
        "type": "http", "router": MOUNTED.router, "endpoint": page,
        "path": "/3", "root_path": "/proxy/v2", "app_root_path": "/proxy",
    }  # fmt: skip
    assert asgi.named_route(scope) == "/v2/{number:int}"


def flask_items() -> Flask:
    """Return an application with a blueprint, which names its routes as docs/howto has it."""
    app = Flask("items")
    inner = Blueprint("inner", "inner")
    inner.add_url_rule("/<int:number>", view_func=lambda number: f"item {number}")
    outer = Blueprint("outer", "outer")
    outer.register_blueprint(inner, url_prefix="/items")
    app.register_blueprint(outer, url_prefix="/of/<tenant>")

    @app.before_request
    def name_route() -> None:
        if request.url_rule:
            request.environ["zibrato.route"] = request.url_rule.rule

    return app


@pytest.mark.parametrize("root", ["", "/proxy"])
@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/of/eva/items/3", "/of/<tenant>/items/<int:number>"),
        ("/v1/of/eva/items/3", "/v1/of/<tenant>/items/<int:number>"),
        ("/v2/of/eva/items/3", "/v2/of/<tenant>/items/<int:number>"),
        ("/v2/of/eva", "other"),
        ("/none", "other"),
    ],
)
def test_wsgi_routes_of_blueprints_and_mounted_applications(
    root: str, path: str, route: str
) -> None:
    mounted = DispatcherMiddleware(flask_items(), {"/v1": flask_items(), "/v2": flask_items()})
    z = RecordingZibrato()
    browser = Client(wsgi.Measured(mounted, z))
    browser.get(path, environ_overrides={"SCRIPT_NAME": root}, buffered=True)
    assert routes(z) == {route}


ITEM_URLS = [path("<int:number>", django_app.item), re_path(r"^old/(\d+)$", django_app.item)]
TENANT_URLS = [path("items/", include(ITEM_URLS))]


class Urls:
    """Django's addresses, some of them included in what is included itself."""

    urlpatterns = (path("v1/", include(ITEM_URLS)), path("of/<slug:tenant>/", include(TENANT_URLS)))


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/v1/3", "/v1/<int:number>"),
        ("/v1/old/3", r"/v1/old/(\d+)$"),
        ("/of/eva/items/3", "/of/<slug:tenant>/items/<int:number>"),
        ("/none", "other"),
    ],
)
def test_django_routes_of_included_addresses(path: str, route: str) -> None:
    with recording(django_app.z) as recorded, override_settings(ROOT_URLCONF=Urls):
        django_app.application.get_response(RequestFactory().get(path)).close()
    assert routes(recorded) == {route}
