"""The names that the recipes give to routes, also of applications in applications."""

from __future__ import annotations

import asyncio

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from examples.recipes import asgi
from zibrato.testing import RecordingZibrato


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
    assert {measured.tags["route"] for measured in z.measurements} == {route}


def test_asgi_of_old_starlette_which_cuts_the_path_and_names_no_route() -> None:
    scope: asgi.Scope = {
        "type": "http", "router": MOUNTED.router, "endpoint": page,
        "path": "/3", "root_path": "/proxy/v2", "app_root_path": "/proxy",
    }  # fmt: skip
    assert asgi.named_route(scope) == "/v2/{number:int}"
