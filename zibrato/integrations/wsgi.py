"""Counts and times the requests of a WSGI application, such as one of Flask.

app.wsgi_app = Measured(app.wsgi_app)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from time import perf_counter
from typing import TYPE_CHECKING

from zibrato import Zibrato
from zibrato.client.instruments import Instruments
from zibrato.integrations.requests import OTHER, Requests

if TYPE_CHECKING:
    from _typeshed import OptExcInfo
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["Measured", "named_route"]

Headers = list[tuple[str, str]]
End = Callable[[], None]


def named_route(environ: WSGIEnvironment) -> str:
    """Return the route that the framework has matched, and never a path.

    It is `environ["zibrato.route"]` if the application sets that, or else the route that Flask or
    Bottle keep in `environ`. WSGI itself has no place for a route.
    """
    route = environ.get("zibrato.route")
    if route is None:
        rule = getattr(environ.get("werkzeug.request"), "url_rule", None)
        route = getattr(rule or environ.get("bottle.route"), "rule", OTHER)
    return str(route)


class Measured:
    """Wraps a WSGI application; a request ends when the server closes the response's body.

    So a streamed response is timed to its end, and one that the client gave up counts as well. The
    default of `z` is `Zibrato()`; `route` returns the route for an `environ`.
    """

    def __init__(
        self,
        app: WSGIApplication,
        z: Instruments | None = None,
        *,
        route: Callable[[WSGIEnvironment], str] = named_route,
    ) -> None:
        self._app = app
        self._requests = Requests(Zibrato() if z is None else z)
        self._route = route

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Handle a request."""
        exchange = _Exchange(self._requests, self._route, environ, start_response)
        try:
            parts = self._app(environ, exchange.start_response)
        except BaseException as error:
            exchange.fail(error)
            exchange.end()
            raise
        return _ending(parts, environ.get("wsgi.file_wrapper"), exchange)


class _Exchange:
    """One request and its response."""

    def __init__(
        self,
        requests: Requests,
        route: Callable[[WSGIEnvironment], str],
        environ: WSGIEnvironment,
        start: StartResponse,
    ) -> None:
        self._begun = perf_counter()
        self._requests = requests
        self._route = route
        self._environ = environ
        self._root = environ.get("SCRIPT_NAME", "")
        self._start = start
        self._status = "500"  # the server's response if the application doesn't respond
        self._name = OTHER
        self._ended = False

    def start_response(
        self, status: str, headers: Headers, *error: OptExcInfo | None
    ) -> Callable[[bytes], object]:
        """Note the status, of which the last one counts, and the route."""
        self._status = status
        self._name = self._named()  # Flask forgets its request before the body is closed
        return self._start(status, headers, *error)

    def fail(self, error: BaseException) -> None:
        """Note an exception that the application or its body has raised."""
        self._status = "500"
        if isinstance(error, Exception):
            self._requests.count_exception(self._last_name(), type(error))

    def end(self) -> None:
        """Record the request, once."""
        if self._ended:
            return
        self._ended = True
        seconds = perf_counter() - self._begun
        try:
            status = int(self._status[:3])
        except Exception:  # it may be of any class of the application
            status = 500
        method = self._environ.get("REQUEST_METHOD")
        self._requests.record(self._last_name(), method, status, seconds)

    def _last_name(self) -> str:
        """Return the route that was known when the response began, or else the one known now."""
        return self._named() if self._name == OTHER else self._name

    def _named(self) -> str:
        """Return the route, with the prefix where the application is mounted."""
        try:
            route = self._route(self._environ)
            if route == OTHER:
                return route
            # A framework that mounts an application moves its prefix to SCRIPT_NAME.
            mounted: str = self._environ.get("SCRIPT_NAME", "").removeprefix(self._root)
            return mounted + route
        except Exception:
            return OTHER


def _ending(parts: Iterable[bytes], file_wrapper: object, exchange: _Exchange) -> Iterable[bytes]:
    """Return the body, wrapped so that `exchange` ends when it is closed."""
    if type(parts) in (list, tuple):
        return _SizedBody(parts, exchange)
    # Servers send a file by `sendfile` if the body has their own class.
    if isinstance(file_wrapper, type) and isinstance(parts, file_wrapper):
        try:
            parts.close = _Body(parts, exchange).close  # type: ignore[attr-defined]  # may fail
        except Exception:
            return _Body(parts, exchange)
        return parts
    return _Body(parts, exchange)


class _Body:
    """A response's body, streamed as the application generates it."""

    __slots__ = ("_close", "_exchange", "_parts")

    def __init__(self, parts: Iterable[bytes], exchange: _Exchange) -> None:
        self._parts = parts
        self._exchange = exchange
        self._close = getattr(parts, "close", None)

    def __iter__(self) -> Iterator[bytes]:
        try:
            for part in self._parts:  # noqa: UP028 - if abandoned, `yield from` would close the body
                yield part
        except GeneratorExit:
            raise
        except BaseException as error:
            self._exchange.fail(error)
            raise

    def close(self) -> None:
        """End the request; every server calls this, even after the client disconnected."""
        try:
            if self._close is not None:
                self._close()
        finally:
            self._exchange.end()


class _SizedBody(_Body):
    """A body of known length, from which servers derive the header `Content-Length`."""

    __slots__ = ()

    def __len__(self) -> int:
        return len(self._parts)  # type: ignore[arg-type]  # a list or a tuple
