"""WSGI middleware that counts and times requests by route and status class.

    gunicorn --chdir examples/recipes wsgi:application

`Measured` is the recipe, the shop below is only there to be measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from time import perf_counter
from typing import TYPE_CHECKING, Any

from zibrato import Zibrato

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Headers = list[tuple[str, str]]


def named_route(environ: WSGIEnvironment) -> str:
    """Return the route that the application has put into `environ`: never a path.

    Every path would be a series of its own, as many as there are items in the shop.
    """
    return str(environ.get("zibrato.route", "other"))


class Measured:
    """Wraps an application; a request ends when the server closes its body, sent or given up."""

    def __init__(
        self,
        application: WSGIApplication,
        z: Zibrato,
        route: Callable[[WSGIEnvironment], str] = named_route,
    ) -> None:
        self._application = application
        self._z = z
        self._route = route

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Body:
        """Handle a request."""
        begun = perf_counter()
        root = environ.get("SCRIPT_NAME", "")
        status = ["500"]  # which the server says where the application says nothing

        def start(line: str, headers: Headers, *error: Any) -> Callable[[bytes], object]:
            status[0] = line
            return start_response(line, headers, *error)

        def end() -> None:
            route = self._route(environ)
            if route != "other":  # what mounts an application moves its prefix to SCRIPT_NAME
                route = environ.get("SCRIPT_NAME", "").removeprefix(root) + route
            tags = {"route": route, "status": f"{status[0][0]}xx"}
            self._z.count("http.requests", tags=tags)
            self._z.timing("http.request_time", perf_counter() - begun, tags=tags)

        try:
            return Body(self._application(environ, start), status, end)
        except BaseException:
            status[0] = "500"
            end()
            raise


class Body:
    """A response's body, streamed as the application makes it."""

    def __init__(self, parts: Iterable[bytes], status: list[str], end: Callable[[], None]) -> None:
        self._parts = parts
        self._status = status
        self._end = end

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._parts
        except Exception:
            self._status[0] = "500"
            raise

    def close(self) -> None:
        """End the request; every server calls this, also where the client went away."""
        end, self._end = self._end, lambda: None
        try:
            getattr(self._parts, "close", lambda: None)()
        finally:
            end()


def shop(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Show items at /items/NUMBER, stream a report at /report, fail at /broken."""
    first, _, rest = environ["PATH_INFO"].strip("/").partition("/")
    if first == "items" and rest.isdigit():
        environ["zibrato.route"] = "/items/<number>"
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [f"item {rest}\n".encode()]
    if first == "report":
        environ["zibrato.route"] = "/report"
        return report(start_response)
    if first == "broken":
        environ["zibrato.route"] = "/broken"
        raise LookupError("this page is broken")
    start_response("404 Not Found", [("Content-Type", "text/plain")])
    return [b"no such page\n"]


def report(start_response: StartResponse) -> Iterator[bytes]:
    """Generate a response that is started late and made part by part."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    for number in range(1000):
        yield f"line {number}\n".encode() * 100


application = Measured(shop, Zibrato())
