"""Counts and times the requests of an ASGI application, Starlette's or FastAPI's for one.

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

# Any: what a value is goes by its key, and servers and frameworks add keys of their own.
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
        app: Application,  # by this name, which Starlette passes
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
        """Measure a request; let web sockets pass; send what is left at a shutdown."""
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
        """Count an exception that the application let pass."""
        self._requests.count_exception(self._name(scope), kind)

    def _name(self, scope: Scope) -> str:
        try:
            return self._route(scope)
        except Exception:
            return OTHER

    def _open(self) -> None:
        """Begin anew where a lifespan ended in this process before, as it does in tests."""
        if self._is_closed and self._is_own:
            self._is_closed = False
            self._z = Zibrato()
            self._requests = Requests(self._z)

    def _closing(self, send: Send) -> Send:
        """Return a `send` that closes the client before the server hears of the end."""

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
        """Take note of a client that goes away."""
        message = await self._receive()
        if message.get("type") == "http.disconnect":
            self._gone = True
        return message

    async def send(self, message: Message) -> None:
        """Take note of the status, and of the end: what runs in the background is no request."""
        try:
            await self._send(message)
        except OSError:  # the client went away
            self._gone = True
            raise
        kind = message.get("type")  # a server that lets it pass may have been given anything
        if kind == "http.response.start":
            self._status = message.get("status", 0)
        elif kind == "http.response.body" and not message.get("more_body"):
            self._record(self._status)

    def fail(self, error: BaseException) -> None:
        """Take note of what the application has raised, which it may do after the response."""
        if not isinstance(error, Exception):  # cancelled, as a server does whose client went away
            self._gone = True
        elif not self._gone:
            self._measured.count_exception(self._scope, type(error))
            self._status = 500

    def end(self) -> None:
        """Record the request if its response was not complete."""
        # A server answers 500 where the application says nothing.
        self._record(GONE if self._gone else self._status or 500)

    def _record(self, status: int) -> None:
        if not self._ended:
            self._ended = True
            self._measured.record(self._scope, status, perf_counter() - self._begun)
