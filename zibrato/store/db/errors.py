"""What the file can't do, said without HTTP: the API makes answers of it."""

from __future__ import annotations


class NotFoundError(Exception):
    """There is no such metric, stream or event."""


class InvalidValueError(Exception):
    """A value contradicts what the file has: `param` names it, `messages` say how."""

    def __init__(self, param: str, *messages: str) -> None:
        super().__init__(param, *messages)
        self.param = param
        self.messages = messages


class UnusableFileError(Exception):
    """The file is intact, and none that this Zibrato can write to."""


class NewerVersionError(UnusableFileError):
    """The file was written by a newer Zibrato."""


class ForeignFileError(UnusableFileError):
    """The file is another program's database."""
