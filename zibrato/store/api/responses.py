"""Responses of the API: JSON, and errors in Librato's formats."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import msgspec
from klein import Klein
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.iweb import IRequest
from werkzeug.exceptions import HTTPException

from zibrato.store.api.routing import RowId, Segment
from zibrato.store.db.errors import InvalidValueError, NotFoundError

_log = Logger()


class ApiError(Exception):
    """A request is rejected with a `status`; the response's body has the `errors`."""

    def __init__(self, status: int, errors: object) -> None:
        super().__init__(status, errors)
        self.status = status
        self.errors = errors


def bad_parameter(param: str, *messages: str) -> ApiError:
    """Return the error for a parameter."""
    return ApiError(400, {"params": {param: list(messages)}})


def bad_request(message: str, status: int = 400) -> ApiError:
    """Return the error for a request as a whole."""
    return ApiError(status, {"request": [message]})


def not_found() -> ApiError:
    """Return the error for something that doesn't exist."""
    return bad_request("Not Found", 404)


def json_response(request: IRequest, content: object, status: int = 200) -> bytes:
    """Set status and type of a response, and return its body: content as JSON."""
    request.setResponseCode(status)
    request.setHeader(b"Content-Type", b"application/json")
    return msgspec.json.encode(content)


def created(request: IRequest, content: object, *path: object) -> bytes:
    """Return the body for a created resource, and set the header Location below /v1."""
    segments = "/".join(quote(str(segment), safe="") for segment in path)
    request.setHeader(b"Location", f"/v1/{segments}".encode())
    return json_response(request, content, 201)


def csv_response(request: IRequest, content: bytes) -> bytes:
    """Set the type of a response to CSV, and return its body."""
    request.setHeader(b"Content-Type", b"text/csv; charset=utf-8")
    return content


def no_content(request: IRequest) -> bytes:
    """Set the status of a response without a body, and return an empty body."""
    request.setResponseCode(204)
    return b""


def error_response(request: IRequest, status: int, errors: object) -> bytes:
    """Return the body of a response with errors; a server error ends the connection.

    python-librato can't continue on a connection after a server error.
    """
    if status >= 500:
        request.setHeader(b"Connection", b"close")
    return json_response(request, {"errors": errors}, status)


def with_error_responses(app: Klein) -> Klein:
    """Have `app` respond to every error in Librato's formats, and redirect nobody; return `app`."""
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.url_map.converters.update(default=Segment, int=RowId)
    for kind, api_error in _API_ERRORS:
        _add_handler(app, kind, api_error)
    return app


# `Any`, because each function takes errors of one kind, which only the table below knows.
_ApiErrorOf = Callable[[Any], ApiError]


def _add_handler(app: Klein, kind: type[Exception], api_error: _ApiErrorOf) -> None:
    # Klein calls this as a method, with these names of arguments.
    def handle(self: object, request: IRequest, failure: Failure) -> bytes:  # noqa: ARG001 - named by Klein
        error = api_error(failure.value)
        return error_response(request, error.status, error.errors)

    app.handle_errors(kind)(handle)


def _fault(error: Exception) -> ApiError:
    _log.failure("a request failed", failure=Failure(error))
    return ApiError(500, {"system": ["an internal error; the daemon's log has details"]})


_API_ERRORS: tuple[tuple[type[Exception], _ApiErrorOf], ...] = (
    (ApiError, lambda error: error),
    (NotFoundError, lambda _: not_found()),
    (InvalidValueError, lambda error: bad_parameter(error.param, *error.messages)),
    (HTTPException, lambda error: bad_request(error.name, error.code or 500)),
    (sqlite3.OperationalError, lambda error: ApiError(503, _unavailable(error))),
    (Exception, _fault),
)
"""The API's error for each kind of exception; the first kind that matches is used."""


def _unavailable(error: sqlite3.OperationalError) -> object:
    return {"system": [f"the store can't answer: {error}"]}
