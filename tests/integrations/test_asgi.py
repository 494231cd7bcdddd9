"""What the ASGI middleware does where requests take odd ways; no server is needed."""

from __future__ import annotations

import asyncio

import pytest
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from tests.integrations.exchanges import exceptions, routes, statuses
from zibrato.integrations import asgi
from zibrato.testing import RecordingZibrato, recording


@pytest.fixture
def z() -> RecordingZibrato:
    return RecordingZibrato()


class Exchange:
    """One exchange with an ASGI application; `broken`: the client is gone."""

    def __init__(self, *received: asgi.Message, broken: bool = False) -> None:
        self._received = list(received)
        self._broken = broken
        self.sent: list[object] = []

    async def receive(self) -> asgi.Message:
        return self._received.pop(0)

    async def send(self, message: asgi.Message) -> None:
        self.sent.append(message.get("type"))
        if self._broken:
            raise ConnectionResetError

    def run(self, application: asgi.Application, **scope: object) -> Exchange:
        """Have `application` handle a scope."""

        async def main() -> None:
            whole = {"type": "http", "method": "GET", "headers": [], "path": "/", **scope}
            await application(whole, self.receive, self.send)

        asyncio.run(main())
        return self


def answer(*statuses: int, error: BaseException | None = None) -> asgi.Application:
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
        (answer(204), "2xx"),
        (answer(302), "3xx"),
        (answer(), "5xx"),
        (answer(error=LookupError()), "5xx"),
        (answer(200, error=LookupError()), "5xx"),
    ],
)
def test_status(z: RecordingZibrato, application: asgi.Application, expected: str) -> None:
    try:
        Exchange().run(asgi.Measured(application, z))
    except LookupError:
        assert expected == "5xx"
        assert exceptions(z) == {("other", "LookupError"): 1}
    assert statuses(z) == [expected]
    assert z.counted("http.requests", tags={"route": "other", "method": "GET"}) == 1


def test_a_client_that_went_away_is_no_failure_of_the_server(z: RecordingZibrato) -> None:
    with pytest.raises(ConnectionResetError):
        Exchange(broken=True).run(asgi.Measured(answer(200), z))
    assert (statuses(z), exceptions(z)) == (["4xx"], {})


@pytest.mark.parametrize("statuses_sent", [(), (200,)])
def test_a_client_that_is_heard_to_go_away(
    z: RecordingZibrato, statuses_sent: tuple[int, ...]
) -> None:
    begin = answer(*statuses_sent)

    async def application(scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        await begin(scope, receive, send)
        assert (await receive())["type"] == "http.disconnect"

    Exchange({"type": "http.disconnect"}).run(asgi.Measured(application, z))
    assert statuses(z) == ["4xx"]


@pytest.mark.parametrize("message", [{}, {"type": "http.response.start"}, {"type": 3}])
def test_a_message_that_a_server_lets_pass_passes(
    z: RecordingZibrato, message: asgi.Message
) -> None:
    async def application(scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        await receive()
        await send(message)

    exchange = Exchange({}).run(asgi.Measured(application, z))
    assert exchange.sent == [message.get("type")]
    assert statuses(z) == ["5xx"]


def test_a_cancelled_request_is_no_failure_of_the_server(z: RecordingZibrato) -> None:
    with pytest.raises(asyncio.CancelledError):
        Exchange().run(asgi.Measured(answer(error=asyncio.CancelledError()), z))
    assert (statuses(z), exceptions(z)) == (["4xx"], {})


def test_what_runs_in_the_background_is_no_part_of_the_request(z: RecordingZibrato) -> None:
    recorded: list[list[str]] = []

    def work() -> None:
        recorded.append(statuses(z))
        raise LookupError

    async def page(_: Request) -> PlainTextResponse:
        return PlainTextResponse("here", background=BackgroundTask(work))

    with pytest.raises(LookupError):
        Exchange().run(asgi.Measured(Starlette(routes=[Route("/", page)]), z))
    assert (recorded, statuses(z)) == ([["2xx"]], ["2xx"])
    assert exceptions(z) == {("/", "LookupError"): 1}


def test_web_sockets_pass(z: RecordingZibrato) -> None:
    async def application(_: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        assert (await receive())["type"] == "websocket.connect"
        await send({"type": "websocket.accept"})

    exchange = Exchange({"type": "websocket.connect"})
    assert exchange.run(asgi.Measured(application, z), type="websocket").sent == [
        "websocket.accept"
    ]
    assert z.measurements == []


def lifespan() -> Exchange:
    return Exchange({"type": "lifespan.startup"}, {"type": "lifespan.shutdown"})


def test_the_client_is_closed_before_the_shutdown_is_told() -> None:
    happened: list[str] = []

    class Closing(RecordingZibrato):
        def close(self) -> None:
            happened.append("closed")

    async def send(message: asgi.Message) -> None:
        happened.append(message["type"].rpartition(".")[2])

    exchange = lifespan()
    exchange.send = send  # type: ignore[method-assign]  # takes note
    exchange.run(asgi.Measured(Starlette(), Closing()), type="lifespan", state={})
    assert happened == ["complete", "closed", "complete"]


def test_a_second_lifespan_has_a_client_again(monkeypatch: pytest.MonkeyPatch) -> None:
    clients: list[RecordingZibrato] = []

    class Own(RecordingZibrato):
        def __init__(self) -> None:
            super().__init__()
            clients.append(self)

    monkeypatch.setattr(asgi, "Zibrato", Own)
    measured = asgi.Measured(Starlette())
    for _ in range(2):
        lifespan().run(measured, type="lifespan", state={})
    Exchange().run(measured)
    assert [statuses(client) for client in clients] == [[], ["4xx"]]


def test_a_route_function_of_ones_own_may_fail(z: RecordingZibrato) -> None:
    measured = asgi.Measured(answer(200), z, route=lambda scope: scope["shop.route"])
    Exchange().run(measured, **{"shop.route": "/shop"})
    Exchange().run(measured)
    assert routes(z) == {"/shop", "other"}


@pytest.mark.parametrize(
    ("path", "route"), [("/v1/items/3", "/v1/items/{number}"), ("/of/eva", "/of/{tenant}")]
)
def test_fastapi_in_one_line(path: str, route: str) -> None:
    router = APIRouter(prefix="/items")
    router.add_api_route("/{number}", lambda number: number)
    mounted = FastAPI()
    mounted.add_api_route("/{tenant}", lambda tenant: tenant)
    app = FastAPI()
    app.include_router(router, prefix="/v1")
    app.mount("/of", mounted)
    app.add_middleware(asgi.Measured)
    with recording() as recorded:
        Exchange({"type": "http.request"}).run(
            app, path=path, root_path="", query_string=b"", raw_path=path.encode()
        )
    assert statuses(recorded) == ["2xx"]
    assert routes(recorded) == {route}
