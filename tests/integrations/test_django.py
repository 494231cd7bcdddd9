"""What the Django middleware does where requests take odd ways; no server is needed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from io import BytesIO
from typing import Any

import pytest
from django.core.handlers.asgi import ASGIHandler
from django.core.signals import got_request_exception
from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.test import RequestFactory, override_settings
from django.urls import include, path, re_path

from examples.frameworks import django_app
from tests.integrations.exchanges import exceptions, routes, statuses
from zibrato.integrations.django import measured
from zibrato.testing import RecordingZibrato

REQUEST = RequestFactory().get("/report")


@pytest.fixture
def z() -> Iterator[RecordingZibrato]:
    """The client of the settings."""
    client = RecordingZibrato()
    with override_settings(ZIBRATO=client):
        yield client


def test_a_streamed_response_ends_when_it_is_closed(z: RecordingZibrato) -> None:
    response = measured(lambda _: StreamingHttpResponse([b"a", b"b"]))(REQUEST)
    assert b"".join(response.streaming_content) == b"ab"
    assert statuses(z) == []
    response.close()
    response.close()
    assert (statuses(z), routes(z)) == (["2xx"], {"other"})


def stream(*errors: BaseException) -> Iterator[bytes]:
    """Generate two parts of a response, then raise."""
    yield from (b"a", b"b")
    for error in errors:
        raise error


async def stream_async(*errors: BaseException) -> AsyncIterator[bytes]:
    """Generate two parts of a response, then raise."""
    for part in stream(*errors):
        yield part


def serve(
    content: AsyncIterator[bytes], gone: asyncio.Event | None = None
) -> tuple[list[str], BaseException | None]:
    """Have Django's ASGI server send a streamed response; return what was sent, and the error.

    The client disconnects when `gone` is set.
    """
    sent: list[str] = []
    received: list[dict[str, object]] = [{"type": "http.request", "body": b""}]

    async def receive() -> dict[str, object]:
        if received:
            return received.pop()
        await (gone or asyncio.Event()).wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message["type"])

    async def view(_: Any) -> HttpResponse:
        return StreamingHttpResponse(content)

    async def main() -> None:
        handler = ASGIHandler()
        handler._middleware_chain = measured(view)
        scope = {"type": "http", "method": "GET", "path": "/report", "headers": []}
        await handler(scope, receive, send)

    try:
        asyncio.run(main())
    except ValueError as error:
        return sent, error
    return sent, None


def test_a_streamed_response_under_asgi(z: RecordingZibrato) -> None:
    assert serve(stream_async()) == (["http.response.start", *["http.response.body"] * 3], None)
    assert (statuses(z), exceptions(z)) == (["2xx"], {})


def test_a_streamed_response_under_asgi_that_raises_counts_and_passes(z: RecordingZibrato) -> None:
    error = ValueError()
    assert serve(stream_async(error))[1] is error
    assert (statuses(z), exceptions(z)) == (["5xx"], {("other", "ValueError"): 1})


def test_a_streamed_response_under_asgi_whose_client_disconnects(z: RecordingZibrato) -> None:
    gone = asyncio.Event()

    async def content() -> AsyncIterator[bytes]:
        yield b"a"
        gone.set()
        await asyncio.Event().wait()  # for ever: the rest is never made

    serve(content(), gone)
    assert (statuses(z), exceptions(z)) == (["4xx"], {})


def test_a_streamed_response_under_asgi_that_is_closed_before_its_end(z: RecordingZibrato) -> None:
    async def main() -> None:
        response = measured(lambda _: StreamingHttpResponse(stream_async()))(REQUEST)
        assert await anext(aiter(response)) == b"a"
        response.close()

    asyncio.run(main())
    assert statuses(z) == ["4xx"]


def test_a_streamed_response_under_wsgi_that_raises(z: RecordingZibrato) -> None:
    response = measured(lambda _: StreamingHttpResponse(stream(ValueError("part"))))(REQUEST)
    with pytest.raises(ValueError, match="part"):
        list(response)
    response.close()
    assert (statuses(z), exceptions(z)) == (["5xx"], {("other", "ValueError"): 1})


def test_a_file_stays_one_that_the_server_can_send_by_itself(z: RecordingZibrato) -> None:
    content = BytesIO(b"ab")
    response = measured(lambda _: FileResponse(content))(REQUEST)
    assert response.file_to_stream is content
    response.close()
    assert statuses(z) == ["2xx"]


def test_a_response_whose_close_raises(z: RecordingZibrato) -> None:
    class Clinging(HttpResponse):  # type: ignore[misc]  # Django is not typed
        def close(self) -> None:
            raise OSError("can't close")

    response = measured(lambda _: Clinging())(REQUEST)
    with pytest.raises(OSError, match="can't close"):
        response.close()
    assert statuses(z) == ["2xx"]


def test_asynchronously(z: RecordingZibrato) -> None:
    async def view(_: Any) -> HttpResponse:
        return HttpResponse(status=418)

    asyncio.run(measured(view)(REQUEST)).close()
    assert statuses(z) == ["4xx"]


def raising(error: BaseException) -> Callable[[Any], Any]:
    """Return a handler that raises."""

    def view(_: Any, **__: Any) -> HttpResponse:
        raise error

    return view


def raising_async(error: BaseException) -> Callable[[Any], Any]:
    """Return a handler that raises as it is awaited."""

    async def view(_: Any) -> HttpResponse:
        raise error

    return view


@pytest.mark.parametrize(
    ("error", "expected"), [(asyncio.CancelledError(), "4xx"), (LookupError(), "5xx")]
)
def test_a_request_without_a_response(
    z: RecordingZibrato, error: BaseException, expected: str
) -> None:
    with pytest.raises(type(error)):
        measured(raising(error))(REQUEST)
    with pytest.raises(type(error)):
        asyncio.run(measured(raising_async(error))(REQUEST))
    assert statuses(z) == [expected] * 2


def page(_: Any, *__: Any, **___: Any) -> HttpResponse:
    return HttpResponse("here")


ITEM_URLS = [path("<int:number>", page), re_path(r"^old/(\d+)$", page)]
TENANT_URLS = [path("items/", include(ITEM_URLS))]


class Urls:
    """Django's addresses, some of them included in what is included itself."""

    urlpatterns = (
        path("v1/", include(ITEM_URLS)),
        path("of/<slug:tenant>/", include(TENANT_URLS)),
        path("broken/<int:number>", raising(LookupError())),
    )


def ask(address: str) -> None:
    """Have the project handle a request by its whole middleware, made anew."""
    handler = type(django_app.application)()
    handler.get_response(RequestFactory().get(address)).close()


@pytest.mark.parametrize(
    ("address", "route"),
    [
        ("/v1/3", "/v1/<int:number>"),
        ("/v1/old/3", r"/v1/old/(\d+)$"),
        ("/of/eva/items/3", "/of/<slug:tenant>/items/<int:number>"),
        ("/none", "other"),
    ],
)
def test_routes_of_included_addresses(z: RecordingZibrato, address: str, route: str) -> None:
    with override_settings(ROOT_URLCONF=Urls):
        ask(address)
    assert (routes(z), exceptions(z)) == ({route}, {})


def test_an_exception_counts_once_however_many_middlewares_there_are(z: RecordingZibrato) -> None:
    with override_settings(ROOT_URLCONF=Urls):
        ask("/none")
        ask("/broken/3")
    assert statuses(z) == ["5xx", "4xx"]
    assert exceptions(z) == {("/broken/<int:number>", "LookupError"): 1}


def test_a_signal_without_a_request_harms_nobody(z: RecordingZibrato) -> None:
    measured(raising(LookupError()))
    assert [error for _, error in got_request_exception.send_robust(sender=None) if error] == []
    assert exceptions(z) == {("other", "Exception"): 1}
