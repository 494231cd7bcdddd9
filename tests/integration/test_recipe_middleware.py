"""What the middleware of the recipes does where requests take odd ways; no server is needed."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.test import RequestFactory
from starlette.applications import Starlette

from examples.recipes import asgi, django_app, wsgi
from zibrato.testing import Recording, RecordingZibrato, recording

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


@pytest.fixture
def z() -> RecordingZibrato:
    return RecordingZibrato()


def statuses(recorded: Recording) -> list[str]:
    """Return the status class of each request, each of which was timed as well."""
    counted = [counter for counter in recorded.measurements if counter.kind == "counter"]
    for counter in counted:
        times = recorded.timed("http.request_time", tags=counter.tags)
        assert len(times) == counter.count == counter.sum
    return [counter.tags["status"] for counter in counted for _ in range(counter.count)]


class Parts:
    """A body that knows how often it was closed."""

    def __init__(self, *parts: bytes, error: Exception | None = None) -> None:
        self._parts = parts
        self._error = error
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        yield from self._parts
        if self._error:
            raise self._error

    def close(self) -> None:
        self.closed += 1


def answering(body: Iterable[bytes], status: str = "200 OK") -> WSGIApplication:
    """Return an application that answers everything with `body`."""

    def application(_: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response(status, [("Content-Type", "text/plain")])
        return body

    return application


def environ(path: str = "/") -> WSGIEnvironment:
    made: WSGIEnvironment = {"PATH_INFO": path, "SCRIPT_NAME": "", "QUERY_STRING": ""}
    setup_testing_defaults(made)
    return made


def ignore(*_: Any) -> Callable[[bytes], object]:
    return lambda _: None


def test_wsgi_conforms_on_both_sides(z: RecordingZibrato) -> None:
    application = validator(wsgi.Measured(validator(wsgi.shop), z))
    for path in ("/items/3", "/report", "/nothing"):
        body = application(environ(path), ignore)
        assert b"".join(body)
        body.close()  # type: ignore[attr-defined]  # the validator asks for it
    assert statuses(z) == ["2xx", "2xx", "4xx"]
    routes = [measured.tags["route"] for measured in z.measurements[:3]]
    assert routes == ["/items/<number>", "/report", "other"]


def test_wsgi_a_request_ends_when_its_body_is_closed(z: RecordingZibrato) -> None:
    parts = Parts(b"a", b"b")
    body = wsgi.Measured(answering(parts, "201 Created"), z)(environ(), ignore)
    assert list(body) == [b"a", b"b"]
    assert statuses(z) == []
    body.close()
    assert (statuses(z), parts.closed) == (["2xx"], 1)


def test_wsgi_a_body_that_is_given_up_counts(z: RecordingZibrato) -> None:
    parts = Parts(b"a", b"b")
    body = wsgi.Measured(answering(parts), z)(environ(), ignore)
    assert next(iter(body)) == b"a"
    body.close()
    assert (statuses(z), parts.closed) == (["2xx"], 1)


def test_wsgi_a_second_close_counts_nothing(z: RecordingZibrato) -> None:
    body = wsgi.Measured(answering([b"a"]), z)(environ(), ignore)
    body.close()
    body.close()
    assert statuses(z) == ["2xx"]


def test_wsgi_an_application_that_raises(z: RecordingZibrato) -> None:
    measured = wsgi.Measured(wsgi.shop, z)
    with pytest.raises(LookupError):
        measured(environ("/broken"), ignore)
    assert statuses(z) == ["5xx"]


def test_wsgi_a_body_that_raises(z: RecordingZibrato) -> None:
    body = wsgi.Measured(answering(Parts(b"a", error=LookupError())), z)(environ(), ignore)
    with pytest.raises(LookupError):
        list(body)
    body.close()
    assert statuses(z) == ["5xx"]


def test_wsgi_a_body_whose_close_raises(z: RecordingZibrato) -> None:
    class Clinging(Parts):
        def close(self) -> None:
            raise OSError("can't close")

    body = wsgi.Measured(answering(Clinging(b"a")), z)(environ(), ignore)
    with pytest.raises(OSError, match="can't close"):
        body.close()
    assert statuses(z) == ["2xx"]


def test_wsgi_the_last_status_counts_and_write_is_passed_on(z: RecordingZibrato) -> None:
    written: list[bytes] = []
    told: list[tuple[Any, ...]] = []

    def start(*arguments: Any) -> Callable[[bytes], object]:
        told.append(arguments)
        return written.append

    def application(_: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        try:
            raise LookupError
        except LookupError:
            start_response("503 Service Unavailable", [], sys.exc_info())(b"sorry")
        return []

    wsgi.Measured(application, z)(environ(), start).close()
    assert written == [b"sorry"]
    assert [len(arguments) for arguments in told] == [2, 3]
    assert statuses(z) == ["5xx"]


def test_wsgi_routes_of_a_frameworks_own(z: RecordingZibrato) -> None:
    measured = wsgi.Measured(answering([]), z, route=lambda environ: environ["bottle.route"])
    measured({**environ(), "bottle.route": "/<id>"}, ignore).close()
    assert z.counted("http.requests", tags={"route": "/<id>"}) == 1


class Exchange:
    """One exchange with an ASGI application; `broken`: the client is gone."""

    def __init__(self, *received: asgi.Message, broken: bool = False) -> None:
        self._received = list(received)
        self._broken = broken
        self.sent: list[str] = []

    async def receive(self) -> asgi.Message:
        return self._received.pop(0)

    async def send(self, message: asgi.Message) -> None:
        self.sent.append(message["type"])
        if self._broken:
            raise ConnectionResetError

    def run(self, application: asgi.Application, **scope: Any) -> Exchange:
        """Have `application` handle a scope."""

        async def main() -> None:
            await application({"type": "http", **scope}, self.receive, self.send)

        asyncio.run(main())
        return self


def asgi_answer(*statuses: int, error: Exception | None = None) -> asgi.Application:
    """Return an application that starts a response for each status, then raises."""

    async def application(scope: asgi.Scope, _: asgi.Receive, send: asgi.Send) -> None:
        for status in statuses:
            await send({"type": "http.response.start", "status": status, "headers": []})
        if error:
            raise error

    return application


@pytest.mark.parametrize(
    ("application", "expected"),
    [
        (asgi_answer(204), "2xx"),
        (asgi_answer(302), "3xx"),
        (asgi_answer(), "5xx"),
        (asgi_answer(error=LookupError()), "5xx"),
        (asgi_answer(200, error=LookupError()), "5xx"),
    ],
)
def test_asgi_status(z: RecordingZibrato, application: asgi.Application, expected: str) -> None:
    try:
        Exchange().run(asgi.Measured(application, z))
    except LookupError:
        assert expected == "5xx"
    assert statuses(z) == [expected]
    assert z.counted("http.requests", tags={"route": "other"}) == 1


def test_asgi_a_client_that_went_away_is_no_failure_of_the_server(z: RecordingZibrato) -> None:
    with pytest.raises(ConnectionResetError):
        Exchange(broken=True).run(asgi.Measured(asgi_answer(200), z))
    assert statuses(z) == ["4xx"]


def test_asgi_web_sockets_pass(z: RecordingZibrato) -> None:
    async def application(_: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        assert (await receive())["type"] == "websocket.connect"
        await send({"type": "websocket.accept"})

    exchange = Exchange({"type": "websocket.connect"})
    assert exchange.run(asgi.Measured(application, z), type="websocket").sent == [
        "websocket.accept"
    ]
    assert z.measurements == []


def test_asgi_the_client_is_closed_before_the_shutdown_is_told() -> None:
    happened: list[str] = []

    class Closing(RecordingZibrato):
        def close(self) -> None:
            happened.append("closed")

    async def send(message: asgi.Message) -> None:
        happened.append(message["type"].rpartition(".")[2])

    exchange = Exchange({"type": "lifespan.startup"}, {"type": "lifespan.shutdown"})
    exchange.send = send  # type: ignore[method-assign]  # takes note
    exchange.run(asgi.Measured(Starlette(), Closing()), type="lifespan", state={})
    assert happened == ["complete", "closed", "complete"]


def test_django_a_streamed_response_ends_when_it_is_closed() -> None:
    with recording(django_app.z) as recorded:
        handle = django_app.measured(lambda _: StreamingHttpResponse([b"a", b"b"]))
        response = handle(RequestFactory().get("/report"))
        assert b"".join(response.streaming_content) == b"ab"
        assert statuses(recorded) == []
        response.close()
        assert statuses(recorded) == ["2xx"]


def test_django_asynchronously() -> None:
    async def view(_: Any) -> HttpResponse:
        return HttpResponse(status=418)

    async def given_up(_: Any) -> HttpResponse:
        raise asyncio.CancelledError

    with recording(django_app.z) as recorded:
        request = RequestFactory().get("/")
        asyncio.run(django_app.measured(view)(request)).close()
        assert statuses(recorded) == ["4xx"]
        recorded.clear()
        with pytest.raises(asyncio.CancelledError):
            asyncio.run(django_app.measured(given_up)(request))
    assert statuses(recorded) == ["4xx"]
