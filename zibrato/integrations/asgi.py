"""Counts and times the requests of an ASGI application, such as one of Starlette or FastAPI.

app.add_middleware(Measured)
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from time import perf_counter
from typing import Any

from zibrato import Zibrato
from zibrato.integrations.asgi_routes import RouteNames
from zibrato.integrations.requests import GONE, OTHER, Requests

__all__ = ["Application", "Measured", "Message", "Receive", "Scope", "Send"]

# Any: the type of a value depends on its key, and servers and frameworks add keys.
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class Measured:
    """Wraps an ASGI application; a request ends when the last part of its response is sent.

    The default of `z` is `Zibrato()`. It is closed when the application's lifespan ends, since
    uvicorn ends without `atexit`. `route` returns the route for a scope. By default the routes of
    Starlette and FastAPI are found, with the prefixes that they are mounted and included under.
    Web sockets are passed through.
    """

    def __init__(
        self,
        app: Application,  # Starlette passes it by this name
        z: Zibrato | None = None,
        *,
        route: Callable[[Scope], str] | None = None,
    ) -> None:
        self._app = app
        self._z = Zibrato() if z is None else z
        self._is_own = z is None
        self._is_closed = False
        self._requests = Requests(self._z)
        self._route = RouteNames() if route is None else route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Measure a request; pass web sockets through; at a shutdown, send what is left."""
        if scope["type"] == "http":
            exchange = _Exchange(self, scope, receive, send)
            try:
                await self._app(scope, exchange.receive, exchange.send)
            except BaseException as error:
                exchange.fail(error)
                raise
            finally:
                exchange.end()
        elif scope["type"] == "lifespan":
            self._open()
            await self._app(scope, receive, self._closing(send))
        else:
            await self._app(scope, receive, send)

    def record(self, scope: Scope, status: int, seconds: float) -> None:
        """Count and time a request."""
        self._requests.record(self._name(scope), scope.get("method"), status, seconds)

    def count_exception(self, scope: Scope, kind: type[BaseException]) -> None:
        """Count an exception that the application didn't catch."""
        self._requests.count_exception(self._name(scope), kind)

    def _name(self, scope: Scope) -> str:
        try:
            return self._route(scope)
        except Exception:
            return OTHER

    def _open(self) -> None:
        """Start again if a lifespan in this process has ended before, as in tests."""
        if self._is_closed and self._is_own:
            self._is_closed = False
            self._z = Zibrato()
            self._requests = Requests(self._z)

    def _closing(self, send: Send) -> Send:
        """Return a `send` that closes the client before it reports the end to the server."""

        async def close_and_send(message: Message) -> None:
            if message.get("type") in ("lifespan.shutdown.complete", "lifespan.shutdown.failed"):
                self._is_closed = True
                self._z.close()
            await send(message)

        return close_and_send


class _Exchange:
    """One request and its response."""

    def __init__(self, measured: Measured, scope: Scope, receive: Receive, send: Send) -> None:
        self._begun = perf_counter()
        self._measured = measured
        self._scope = scope
        self._receive = receive
        self._send = send
        self._status = 0
        self._gone = False
        self._ended = False

    async def receive(self) -> Message:
        """Notice when the client disconnects."""
        message = await self._receive()
        if message.get("type") == "http.disconnect":
            self._gone = True
        return message

    async def send(self, message: Message) -> None:
        """Notice status and end of the response; background tasks don't belong to the request."""
        try:
            await self._send(message)
        except OSError:  # the client disconnected
            self._gone = True
            raise
        kind = message.get("type")  # the server accepted it, but it may be anything
        if kind == "http.response.start":
            self._status = message.get("status", 0)
        elif kind == "http.response.body" and not message.get("more_body"):
            self._record(self._status)

    def fail(self, error: BaseException) -> None:
        """Note an exception that the application raised, possibly after the response."""
        if not isinstance(error, Exception):  # cancelled, as servers do when the client disconnects
            self._gone = True
        elif not self._gone:
            self._measured.count_exception(self._scope, type(error))
            self._status = 500

    def end(self) -> None:
        """Record the request if its response was not complete."""
        # The server responds with 500 if the application doesn't respond.
        self._record(GONE if self._gone else self._status or 500)

    def _record(self, status: int) -> None:
        if not self._ended:
            self._ended = True
            self._measured.record(self._scope, status, perf_counter() - self._begun)
