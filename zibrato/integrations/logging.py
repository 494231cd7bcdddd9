"""Counts the records of `logging` by level and logger, and ignores their messages."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import get_ident

from zibrato.client import Zibrato
from zibrato.client.instruments import Instruments
from zibrato.levels import level_name
from zibrato.model import MAX_NAME_LENGTH

__all__ = ["Handler"]

MAX_LOGGERS = 1_000
OTHER = "other"
"""The tag `logger` of loggers beyond `MAX_LOGGERS`: names may be made at run time."""
_MAX_CACHED = 10_000


class _NoLock:
    """In place of a handler's lock: `logging` takes None for none only before Python 3.13."""

    def acquire(self) -> None:
        """Do nothing."""

    def release(self) -> None:
        """Do nothing."""

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(self, *_: object) -> None:
        """Do nothing."""


class Handler(logging.Handler):
    """A handler that counts records in the counter `name`, with the tags `level` and `logger`.

    Each count has the level of its record, so filters of levels apply to it. The handler takes no
    lock, and never raises, writes or logs. Beyond 1,000 loggers, `logger` is `other`. The default
    of the client is `Zibrato()`.
    """

    def __init__(
        self,
        zibrato: Instruments | None = None,
        *,
        name: str = "log.records",
        level: int | str = logging.NOTSET,
    ) -> None:
        super().__init__(level)
        self._zibrato = Zibrato() if zibrato is None else zibrato
        self._metric = name
        self._loggers: set[str] = set()
        self._counting: set[int] = set()
        self._counts: dict[tuple[int, str], Callable[[], object]] = {}

    def createLock(self) -> None:
        """Create no lock: a signal handler that logs may interrupt a count, and count as well."""
        self.lock = _NoLock()  # type: ignore[assignment]  # typeshed expects a thread's lock

    def emit(self, record: logging.LogRecord) -> None:
        """Count a record."""
        try:
            self._counts[record.levelno, record.name]()
        except Exception:  # it is the first of its kind, or the host's own class of record
            self._count(record)

    def _count(self, record: logging.LogRecord) -> None:
        thread = get_ident()
        if thread in self._counting:  # formatting a name logs; that record isn't counted
            return
        self._counting.add(thread)
        try:
            self._count_new(record)
        finally:
            self._counting.discard(thread)

    def _count_new(self, record: logging.LogRecord) -> None:
        try:
            count = self._counter(record.levelno, record.name)
            if len(self._counts) < _MAX_CACHED:
                self._counts[record.levelno, record.name] = count
        except Exception:  # whatever the record is, count it as one that can't be counted
            self._zibrato.count(self._metric, value="a record")  # type: ignore[arg-type]  # so it is dropped
            return
        count()

    def _counter(self, number: int, logger: str) -> Callable[[], object]:
        """Return a function that counts one record; raises for an invalid level or name."""
        level = level_name(int(number))
        tags = {"level": level, "logger": self._logger(str(logger))}
        return self._zibrato.count_me(self._metric, level=level, tags=tags).count

    def _logger(self, name: str) -> str:
        shown = name[:MAX_NAME_LENGTH] or OTHER
        if shown not in self._loggers:
            if len(self._loggers) >= MAX_LOGGERS:
                return OTHER
            self._loggers.add(shown)
        return shown
