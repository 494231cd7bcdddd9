"""The names that routes of Starlette get, also those of applications in applications."""

from __future__ import annotations

import asyncio

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from tests.integrations.exchanges import routes
from zibrato.integrations import asgi_routes
from zibrato.integrations.asgi import Measured, Message, Scope
from zibrato.integrations.asgi_routes import RouteNames
from zibrato.testing import RecordingZibrato


async def page(_: Request) -> PlainTextResponse:
    return PlainTextResponse("here")


ITEMS = Starlette(routes=[Route("/{number:int}", page), Route("/", page)])
TENANT = Mount("/{tenant}", routes=[Mount("/items", ITEMS), Route("/about", page)])
MOUNTED = Starlette(
    routes=[Mount("/v1", ITEMS), Mount("/v2", ITEMS), Mount("/of", routes=[TENANT])]
)
Z = RecordingZibrato()
MEASURED = Measured(MOUNTED, Z)
"""One for all, so that a name that was found for another path is met again."""


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
def test_routes_of_mounted_applications(root: str, path: str, route: str) -> None:
    async def receive() -> Message:
        raise NotImplementedError

    async def send(_: Message) -> None: ...

    where = {"path": root + path, "root_path": root}
    scope = {"type": "http", "method": "GET", "headers": [], **where}
    Z.clear()
    asyncio.run(MEASURED(scope, receive, send))
    assert routes(Z) == {route}


def old_scope(path: str, root: str) -> Scope:
    """Return what old Starlette makes of a scope: it cuts the path, and names no route."""
    return {
        "type": "http", "router": MOUNTED.router, "endpoint": page,
        "path": path, "root_path": root, "app_root_path": "/proxy",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("path", "root", "route"),
    [
        ("/3", "/proxy/v2", "/v2/{number:int}"),
        ("/", "/proxy/v2", "/v2/"),
        ("/3", "/proxy/v1", "/v1/{number:int}"),
    ],
)
def test_routes_of_old_starlette(path: str, root: str, route: str) -> None:
    assert RouteNames()(old_scope(path, root)) == route


def test_routes_are_searched_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    names = RouteNames()
    assert names(old_scope("/3", "/proxy/v1")) == "/v1/{number:int}"
    monkeypatch.setattr(asgi_routes, "_names_of", None)
    assert names(old_scope("/3", "/proxy/v2")) == "/v2/{number:int}"


class Made:
    """A route that somebody makes anew for every request."""

    path = "/made"


def test_routes_without_end_are_not_kept_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asgi_routes, "MAX_ROUTES", 10)
    names = RouteNames()
    for _ in range(20):
        assert names({"router": MOUNTED.router, "route": Made()}) == "/made"
    assert len(names._names) == 10


def test_other_frameworks_have_one_route() -> None:
    assert RouteNames()({"type": "http", "path": "/items/3"}) == "other"
