"""What the API answers, and what it makes of errors."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
from klein import Klein
from treq.testing import StubTreq
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.iweb import IRequest
from twisted.web.test.requesthelper import DummyRequest

from zibrato.store.api.responses import (
    ApiError,
    bad_parameter,
    bad_request,
    csv_response,
    error_response,
    json_response,
    no_content,
    not_found,
    with_error_responses,
)
from zibrato.store.db.errors import InvalidValueError, NotFoundError


def test_each_error_has_librato_s_shape() -> None:
    assert bad_parameter("name", "a", "b").errors == {"params": {"name": ["a", "b"]}}
    assert (bad_request("x").status, bad_request("x").errors) == (400, {"request": ["x"]})
    assert (not_found().status, not_found().errors) == (404, {"request": ["Not Found"]})


def header(request: DummyRequest, name: str) -> object:
    return request.responseHeaders.getRawHeaders(name)


def test_a_response_has_its_type_and_status() -> None:
    request: Any = DummyRequest([])
    assert json_response(request, {"a": 1}, 202) == b'{"a":1}'
    assert (request.responseCode, header(request, "content-type")) == (202, ["application/json"])
    request = DummyRequest([])
    assert csv_response(request, b"a,b") == b"a,b"
    assert header(request, "content-type") == ["text/csv; charset=utf-8"]
    assert no_content(request) == b""
    assert request.responseCode == 204


@pytest.mark.parametrize(
    ("status", "connection"), [(400, None), (500, ["close"]), (503, ["close"])]
)
def test_a_server_s_error_ends_the_connection(status: int, connection: object) -> None:
    request: Any = DummyRequest([])
    assert error_response(request, status, {}) == b'{"errors":{}}'
    assert header(request, "connection") == connection


class Raising:
    """An API that raises what it was made with."""

    app = with_error_responses(Klein())

    def __init__(self, error: Exception) -> None:
        self.error = error

    @app.route("/")
    def get(self, _request: IRequest) -> bytes:
        """Raise it."""
        raise self.error


class ErrorTests(SynchronousTestCase):
    """Errors of a handler, on their way to a client."""

    def answer(self, error: Exception, path: str = "") -> tuple[int, object]:
        """Return status and errors of the answer where a handler raises."""
        http: Any = StubTreq(Raising(error).app.resource())
        response = self.successResultOf(http.get(f"http://localhost/{path}"))
        return response.code, self.successResultOf(response.json())["errors"]

    def test_an_api_error_is_what_it_says(self) -> None:
        self.assertEqual(self.answer(ApiError(413, ["x"])), (413, ["x"]))

    def test_what_the_file_has_not_or_contradicts_is_the_client_s_error(self) -> None:
        self.assertEqual(self.answer(NotFoundError()), (404, {"request": ["Not Found"]}))
        self.assertEqual(
            self.answer(InvalidValueError("type", "is gauge already")),
            (400, {"params": {"type": ["is gauge already"]}}),
        )

    def test_a_store_that_can_not_is_asked_again_later(self) -> None:
        status, errors = self.answer(sqlite3.OperationalError("disk is full"))
        self.assertEqual(
            (status, errors), (503, {"system": ["the store can't answer: disk is full"]})
        )

    def test_what_has_no_route_is_not_found(self) -> None:
        self.assertEqual(self.answer(ApiError(413, []), "nix"), (404, {"request": ["Not Found"]}))

    def test_a_fault_is_logged_and_not_told(self) -> None:
        status, errors = self.answer(ZeroDivisionError("secret"))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(status, 500)
        self.assertNotIn("secret", str(errors))
