"""Errors of the store's file; the API turns them into HTTP responses."""

from __future__ import annotations

import sqlite3


class NotFoundError(Exception):
    """There is no such metric, stream or event."""


class InvalidValueError(Exception):
    """A value conflicts with what the file has; `param` names the value, `messages` say how."""

    def __init__(self, param: str, *messages: str) -> None:
        super().__init__(param, *messages)
        self.param = param
        self.messages = messages


class TooLargeError(sqlite3.OperationalError):
    """The file has no room for what is to be written, even with all older data deleted."""
