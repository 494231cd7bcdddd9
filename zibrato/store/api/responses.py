"""What the API answers: JSON, and Librato's shapes of errors."""

from __future__ import annotations

import sqlite3
from typing import Any

import msgspec
from klein import Klein
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.iweb import IRequest
from werkzeug.exceptions import HTTPException

from zibrato.store.db.errors import InvalidValueError, NotFoundError

_log = Logger()


class ApiError(Exception):
    """A request is refused with a `status`; `errors` is what the answer's body says."""

    def __init__(self, status: int, errors: object) -> None:
        super().__init__(status, errors)
        self.status = status
        self.errors = errors


def bad(param: str, *messages: str) -> ApiError:
    """Return the refusal of a parameter."""
    return ApiError(400, {"params": {param: list(messages)}})


def bad_request(message: str, status: int = 400) -> ApiError:
    """Return the refusal of a request as a whole."""
    return ApiError(status, {"request": [message]})


def not_found() -> ApiError:
    """Return the refusal of what there isn't."""
    return bad_request("Not Found", 404)


def json_reply(request: IRequest, content: object, status: int = 200) -> bytes:
    """Return the body of an answer in JSON, having set its status and type."""
    request.setResponseCode(status)
    request.setHeader(b"Content-Type", b"application/json")
    return msgspec.json.encode(content)


def nothing(request: IRequest) -> bytes:
    """Return the body of an answer without one."""
    request.setResponseCode(204)
    return b""


def refusal(request: IRequest, status: int, errors: object) -> bytes:
    """Return the body of an answer with errors; a server's own end the connection.

    python-librato can't go on with a connection on which there was one.
    """
    if status >= 500:
        request.setHeader(b"Connection", b"close")
    return json_reply(request, {"errors": errors}, status)


def with_refusals(app: Klein) -> Klein:
    """Return `app`, that now answers for every error and redirects nobody."""
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False

    for kind, handler in (
        (ApiError, _refused),
        (NotFoundError, _missing),
        (InvalidValueError, _invalid),
        (HTTPException, _unrouted),
        (sqlite3.OperationalError, _unavailable),
        (Exception, _failed),
    ):
        app.handle_errors(kind)(handler)
    return app


def _refused(self: Any, request: IRequest, failure: Failure) -> bytes:  # noqa: ARG001
    error: Any = failure.value
    return refusal(request, error.status, error.errors)


def _missing(self: Any, request: IRequest, failure: Failure) -> bytes:  # noqa: ARG001
    error = not_found()
    return refusal(request, error.status, error.errors)


def _invalid(self: Any, request: IRequest, failure: Failure) -> bytes:  # noqa: ARG001
    value: Any = failure.value
    error = bad(value.param, value.message)
    return refusal(request, error.status, error.errors)


def _unrouted(self: Any, request: IRequest, failure: Failure) -> bytes:  # noqa: ARG001
    error: Any = failure.value
    return refusal(request, error.code or 500, {"request": [error.name]})


def _unavailable(self: Any, request: IRequest, failure: Failure) -> bytes:  # noqa: ARG001
    return refusal(request, 503, {"system": [f"the store can't: {failure.value}"]})


def _failed(self: Any, request: IRequest, failure: Failure) -> bytes:  # noqa: ARG001
    _log.failure("a request failed", failure=failure)
    return refusal(request, 500, {"system": ["an error on our side; the log has more"]})
