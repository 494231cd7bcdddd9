"""ASGI middleware that counts and times requests by route and status class.

    uvicorn --app-dir examples/recipes asgi:application

`Measured` is the recipe, for Starlette, FastAPI and any other; the shop below is there to be
measured.
"""

from __future__ import annotations

from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    MutableMapping,
)
from time import perf_counter
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import BaseRoute, Route

from zibrato import Zibrato

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


def named_route(scope: Scope) -> str:
    """Return the route that the framework found, such as /shop/items/{number}: never a path.

    Every path would be a series of its own, as many as there are items in the shop. A route of a
    mounted application knows nothing of where that is mounted: all routes are searched for it.
    """
    routes = getattr(scope.get("router"), "routes", ())
    names = [name for name, route in named_routes(routes) if is_matched(route, scope)]
    if len(names) > 1:  # an application that is mounted twice, perhaps
        path = path_within(scope)
        names.sort(key=lambda name: not fits(name, path))
    return names[0] if names else str(getattr(scope.get("route"), "path", "other"))


def named_routes(routes: Iterable[BaseRoute], prefix: str = "") -> Iterator[tuple[str, BaseRoute]]:
    """Generate all routes with their names, those of mounted applications before the mount."""
    for route in routes:
        name = prefix + getattr(route, "path", "")
        # FastAPI 0.165 keeps an included router whole, with its prefix beside it.
        name += getattr(getattr(route, "include_context", None), "prefix", "")
        owner = getattr(route, "original_router", route)
        yield from named_routes(getattr(owner, "routes", None) or (), name)
        yield name, route


def is_matched(route: BaseRoute, scope: Scope) -> bool:
    """Return whether it is the scope's route, of which old Starlette gives the endpoint alone."""
    if "route" in scope:
        return route is scope["route"]
    endpoint = getattr(route, "endpoint", getattr(route, "app", None))
    return endpoint is not None and endpoint is scope.get("endpoint")


def path_within(scope: Scope) -> str:
    """Return the path from the outermost application on; old Starlette cuts it at each mount."""
    root, path = scope.get("root_path", ""), scope["path"]
    whole: str = path if path.startswith(root) else root + path
    return whole.removeprefix(scope.get("app_root_path", ""))


def fits(name: str, path: str) -> bool:
    """Return whether a path begins as a route's name says."""
    pairs = zip(name.split("/"), path.split("/"), strict=False)
    return all("{" in part or part == given for part, given in pairs)


class Measured:
    """Wraps an application; a request ends when its handler does, a streamed one with its body."""

    def __init__(
        self, application: Application, z: Zibrato, route: Callable[[Scope], str] = named_route
    ) -> None:
        self._application = application
        self._z = z
        self._route = route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Measure a request; let web sockets pass; send what is left at a shutdown."""
        if scope["type"] == "http":
            await self._measure(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._application(scope, receive, self._closing(send))
        else:
            await self._application(scope, receive, send)

    async def _measure(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = perf_counter()
        status = 500  # which the server says where the application says nothing
        gone = False

        async def measured_send(message: Message) -> None:
            nonlocal status, gone
            if message["type"] == "http.response.start":
                status = message["status"]
            try:
                await send(message)
            except OSError:  # the client went away
                gone = True
                raise

        try:
            await self._application(scope, receive, measured_send)
        except Exception:
            status = 499 if gone else 500
            raise
        finally:
            tags = {"route": self._route(scope), "status": f"{status // 100}xx"}
            self._z.count("http.requests", tags=tags)
            self._z.timing("http.request_time", perf_counter() - begun, tags=tags)

    def _closing(self, send: Send) -> Send:
        """Return a `send` that closes the client at the end: uvicorn ends without `atexit`."""

        async def close_and_send(message: Message) -> None:
            if message["type"] == "lifespan.shutdown.complete":
                self._z.close()
            await send(message)

        return close_and_send


async def item(request: Request) -> PlainTextResponse:
    """Show an item."""
    return PlainTextResponse(f"item {request.path_params['number']}\n")


async def report(_: Request) -> StreamingResponse:
    """Stream a report as it is made."""

    async def lines() -> AsyncIterator[str]:
        for number in range(1000):
            yield f"line {number}\n" * 100

    return StreamingResponse(lines(), media_type="text/plain")


async def broken(_: Request) -> PlainTextResponse:
    """Fail."""
    raise LookupError("this page is broken")


routes = [Route("/items/{number:int}", item), Route("/report", report), Route("/broken", broken)]
application = Measured(Starlette(routes=routes), Zibrato())
