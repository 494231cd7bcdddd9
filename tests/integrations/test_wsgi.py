"""What the WSGI middleware does where requests take odd ways; no server is needed."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any
from wsgiref.util import FileWrapper, setup_testing_defaults
from wsgiref.validate import validator

import pytest
from flask import Blueprint, Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

from tests.integrations.exchanges import exceptions, routes, statuses
from zibrato.integrations.wsgi import Measured
from zibrato.testing import RecordingZibrato, recording

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


@pytest.fixture
def z() -> RecordingZibrato:
    return RecordingZibrato()


class Parts:
    """A body that knows how often it was closed, and may be its own iterator."""

    def __init__(self, *parts: bytes, error: BaseException | None = None) -> None:
        self._parts = iter(parts)
        self._error = error
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._parts)
        except StopIteration:
            if self._error:
                raise self._error from None
            raise

    def close(self) -> None:
        self.closed += 1


def answering(body: Iterable[bytes], status: str = "200 OK") -> WSGIApplication:
    """Return an application that answers everything with `body`."""

    def application(_: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response(status, [("Content-Type", "text/plain")])
        return body

    return application


def failing(_: WSGIEnvironment, __: StartResponse) -> Iterable[bytes]:
    raise LookupError("this page is broken")


def environ(path: str = "/", /, **variables: Any) -> WSGIEnvironment:
    made: WSGIEnvironment = {"PATH_INFO": path, "SCRIPT_NAME": "", "QUERY_STRING": ""}
    setup_testing_defaults(made)
    return {**made, **variables}


def ignore(*_: Any) -> Callable[[bytes], object]:
    return lambda _: None


def close(body: Iterable[bytes]) -> None:
    """Close a body, as servers do where they can."""
    body.close()  # type: ignore[attr-defined]


def shop() -> Flask:
    """Return an application with an item, a report and a failure."""
    app = Flask("shop")
    app.add_url_rule("/items/<int:number>", view_func=lambda number: f"item {number}")
    app.add_url_rule("/report", "report", lambda: (f"line {n}\n" for n in range(9)))
    return app


def test_it_conforms_on_both_sides(z: RecordingZibrato) -> None:
    application = validator(Measured(validator(shop()), z))
    for path in ("/items/3", "/report", "/nothing"):
        body = application(environ(path), ignore)
        assert b"".join(body)
        close(body)
    assert statuses(z) == ["2xx", "2xx", "4xx"]
    assert routes(z) == {"/items/<int:number>", "/report", "other"}


def test_an_own_client_where_none_is_given() -> None:
    with recording() as recorded:
        close(Measured(answering([b"a"]))(environ(REQUEST_METHOD="PUT"), ignore))
    assert recorded.counted("http.requests", tags={"method": "PUT"}) == 1


def test_a_request_ends_when_its_body_is_closed(z: RecordingZibrato) -> None:
    parts = Parts(b"a", b"b")
    body = Measured(answering(parts, "201 Created"), z)(environ(), ignore)
    assert list(body) == [b"a", b"b"]
    assert statuses(z) == []
    close(body)
    assert (statuses(z), parts.closed) == (["2xx"], 1)


def test_a_body_that_is_given_up_counts_and_is_closed_once(z: RecordingZibrato) -> None:
    parts = Parts(b"a", b"b")
    body = Measured(answering(parts), z)(environ(), ignore)
    iterator = iter(body)
    assert next(iterator) == b"a"
    close(body)
    del iterator, body
    assert (statuses(z), parts.closed) == (["2xx"], 1)


def test_a_second_close_counts_nothing(z: RecordingZibrato) -> None:
    body = Measured(answering([b"a"]), z)(environ(), ignore)
    close(body)
    close(body)
    assert statuses(z) == ["2xx"]


@pytest.mark.parametrize("body", [[b"a"], (b"a",)])
def test_the_length_of_a_body_stays_known(z: RecordingZibrato, body: Iterable[bytes]) -> None:
    measured = Measured(answering(body), z)(environ(), ignore)
    assert len(measured) == 1  # type: ignore[arg-type]  # wsgiref asks for it
    assert list(measured) == [b"a"]
    assert not hasattr(Measured(answering(Parts(b"a")), z)(environ(), ignore), "__len__")


def test_a_file_stays_one_that_the_server_can_send_by_itself(z: RecordingZibrato) -> None:
    file = io.BytesIO(b"abc")
    body = FileWrapper(file)
    measured = Measured(answering(body), z)(environ(**{"wsgi.file_wrapper": FileWrapper}), ignore)
    assert measured is body
    assert statuses(z) == []
    close(measured)
    assert (statuses(z), file.closed) == (["2xx"], True)


@pytest.mark.parametrize("wrapper", [None, FileWrapper, lambda _: None])
def test_other_bodies_are_no_files(z: RecordingZibrato, wrapper: object) -> None:
    body = Measured(answering(Parts(b"a")), z)(environ(**{"wsgi.file_wrapper": wrapper}), ignore)
    assert list(body) == [b"a"]
    close(body)
    assert statuses(z) == ["2xx"]


def test_an_application_that_raises(z: RecordingZibrato) -> None:
    with pytest.raises(LookupError):
        Measured(failing, z)(environ(), ignore)
    assert statuses(z) == ["5xx"]
    assert exceptions(z) == {("other", "LookupError"): 1}


def test_a_body_that_raises(z: RecordingZibrato) -> None:
    body = Measured(answering(Parts(b"a", error=LookupError())), z)(environ(), ignore)
    with pytest.raises(LookupError):
        list(body)
    close(body)
    assert statuses(z) == ["5xx"]
    assert exceptions(z) == {("other", "LookupError"): 1}


def test_a_worker_that_is_stopped_is_no_exception_of_the_application(z: RecordingZibrato) -> None:
    body = Measured(answering(Parts(b"a", error=SystemExit())), z)(environ(), ignore)
    with pytest.raises(SystemExit):
        list(body)
    close(body)
    assert (statuses(z), exceptions(z)) == (["5xx"], {})


def test_a_body_whose_close_raises(z: RecordingZibrato) -> None:
    class Clinging(Parts):
        def close(self) -> None:
            raise OSError("can't close")

    body = Measured(answering(Clinging(b"a")), z)(environ(), ignore)
    with pytest.raises(OSError, match="can't close"):
        close(body)
    assert statuses(z) == ["2xx"]


def test_the_last_status_counts_and_write_is_passed_on(z: RecordingZibrato) -> None:
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

    close(Measured(application, z)(environ(), start))
    assert written == [b"sorry"]
    assert [len(arguments) for arguments in told] == [2, 3]
    assert statuses(z) == ["5xx"]


class Broken(str):
    __slots__ = ()

    def __getitem__(self, _: object) -> str:
        raise LookupError


@pytest.mark.parametrize("status", ["", "what?", None, Broken("200 OK")])
def test_a_status_that_is_none_harms_nobody(z: RecordingZibrato, status: Any) -> None:
    close(Measured(answering([], status), z)(environ(), ignore))
    assert statuses(z) == ["5xx"]


class Rule:
    """A route, as Bottle leaves it."""

    rule = "/<id>"


@pytest.mark.parametrize("left", [{"bottle.route": Rule()}, {"zibrato.route": "/<id>"}])
def test_routes_that_frameworks_leave(z: RecordingZibrato, left: dict[str, object]) -> None:
    close(Measured(answering([]), z)(environ(**left), ignore))
    assert routes(z) == {"/<id>"}


def test_a_route_function_of_ones_own_may_fail(z: RecordingZibrato) -> None:
    measured = Measured(answering([]), z, route=lambda environ: environ["shop.route"])
    close(measured(environ(**{"shop.route": "/shop"}), ignore))
    close(measured(environ(), ignore))
    assert routes(z) == {"/shop", "other"}


def flask_items() -> Flask:
    """Return an application with a blueprint in a blueprint."""
    app = Flask("items")
    inner = Blueprint("inner", "inner")
    inner.add_url_rule("/<int:number>", view_func=lambda number: f"item {number}")
    outer = Blueprint("outer", "outer")
    outer.register_blueprint(inner, url_prefix="/items")
    app.register_blueprint(outer, url_prefix="/of/<tenant>")
    return app


@pytest.mark.parametrize("root", ["", "/proxy"])
@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/of/eva/items/3", "/of/<tenant>/items/<int:number>"),
        ("/v1/of/eva/items/3", "/v1/of/<tenant>/items/<int:number>"),
        ("/v2/of/eva/items/3", "/v2/of/<tenant>/items/<int:number>"),
        ("/v2/of/eva", "other"),
        ("/none", "other"),
    ],
)
def test_routes_of_blueprints_and_mounted_applications(
    z: RecordingZibrato, root: str, path: str, route: str
) -> None:
    mounted = DispatcherMiddleware(flask_items(), {"/v1": flask_items(), "/v2": flask_items()})
    browser = Client(Measured(mounted, z))
    browser.get(path, environ_overrides={"SCRIPT_NAME": root}, buffered=True)
    assert routes(z) == {route}
