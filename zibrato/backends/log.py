"""Writes a JSON line per series and interval; setting: path (default: standard output).

This is for people and for programs that read logs. HUP reopens the file, after its rotation.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from itertools import islice
from math import isfinite
from pathlib import Path

import msgspec
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import deferLater
from zope.interface import implementer

from zibrato.backends.settings import check_names, claim_path
from zibrato.distribution import percentile_label
from zibrato.interfaces import BackendContext, Delivery, IBackend, RetryLater
from zibrato.model import COUNTER, Series, Snapshot, Summary

_AT_ONCE = 250
"""Rows that are written in one turn of the reactor."""
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
_MODE = 0o644


def make(settings: Mapping[str, str], context: BackendContext) -> LogBackend:
    """Return the backend that appends to the file `path`, or writes to standard output."""
    check_names(settings, "path")
    path = settings.get("path")
    if path is None and sys.__stdout__ is None:
        raise ValueError("path: standard output is closed; give log:path=FILE")
    full = None if path is None else os.path.abspath(os.path.expanduser(path))
    if full and (not path or os.path.isdir(full) or not os.path.isdir(os.path.dirname(full))):
        raise ValueError(f"path: expected a file in a directory that exists, got {path!r}")
    if full and (os.path.isfile(full) or not os.path.exists(full)):
        claim_path(Path(full).resolve(), context.files)
    return LogBackend(context, full)


class Line(msgspec.Struct, omit_defaults=True):
    """One series over one interval: times are Unix times, a timer's values are in seconds."""

    start: float
    end: float
    kind: str
    name: str
    source: str
    level: str
    tags: Mapping[str, str]
    count: int
    sum: float
    min: float | None = None
    max: float | None = None
    last: float | None = None
    sum_squares: float | None = None
    percentiles: Mapping[str, float] | None = None


Row = tuple[Snapshot, Series, Summary]


class Rest:
    """What is left to write of a delivery: its `rows`, and the `lines` of the rows before them.

    `measurements` is the number of measurements in these lines.
    """

    def __init__(self, rows: Iterator[Row]) -> None:
        self.rows = rows
        self.lines = b""
        self.measurements = 0


@implementer(IBackend)
class LogBackend:
    """Writes to the file at `path`, which is opened for the first line; None is standard output.

    If a full disk interrupts a write, the next attempt continues there.
    """

    name = "log"

    def __init__(self, context: BackendContext, path: str | None = None) -> None:
        self._clock = context.reactor
        self._percentiles = context.percentiles
        self._path = path
        self._file: int | None = None

    def deliver(self, delivery: Delivery) -> Deferred[None]:
        """Write what is left of `delivery`."""
        return Deferred.fromCoroutine(self._deliver(delivery))

    def reload(self, _settings: Mapping[str, str]) -> None:
        """Reopen the file for the next line."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def stop(self) -> Deferred[None]:
        """Close the file."""
        self.reload({})
        return succeed(None)

    async def _deliver(self, delivery: Delivery) -> None:
        rest = delivery.requests
        if not isinstance(rest, Rest):
            rest = delivery.requests = Rest(_rows(delivery))
        while rest.lines or self._make_lines(rest):
            self._write(rest)
            delivery.delivered(rest.measurements)
            if delivery.pending:
                await deferLater(self._clock, 0)  # give the reactor its turn

    def _make_lines(self, rest: Rest) -> bool:
        """Encode the next rows as lines; return whether there are any."""
        rows = list(islice(rest.rows, _AT_ONCE))
        rest.lines = b"".join(self._line(*row) for row in rows)
        rest.measurements = sum(summary.count for _, _, summary in rows)
        return bool(rows)

    def _write(self, rest: Rest) -> None:
        """Write the lines; raises RetryLater on failure, and the next call continues there."""
        try:
            file = self._opened()
            while rest.lines:
                written = os.write(file, rest.lines)
                rest.lines = rest.lines[written:]
        except OSError as error:
            where = self._path or "standard output"
            raise RetryLater(f"can't write to {where}: {error.strerror}") from None

    def _opened(self) -> int:
        """Return the file descriptor; twistd replaces sys.stdout, but not what is beneath it."""
        if self._path is None:
            return 1
        if self._file is None:
            self._file = os.open(self._path, _FLAGS, _MODE)
        return self._file

    def _line(self, snapshot: Snapshot, series: Series, summary: Summary) -> bytes:
        start, end, _ = snapshot
        kind, name, source, tags, level = series
        count, total = summary.count, summary.sum
        line = Line(start, end, kind, name, source, level, dict(tags), count, total)
        if kind != COUNTER:
            line.min, line.max, line.last = summary.min, summary.max, summary.last
            line.sum_squares = summary.sum_squares
        if summary.distribution is not None:
            percentile = summary.distribution.percentile
            line.percentiles = {
                percentile_label(percent): percentile(percent) for percent in self._percentiles
            }
        return _printable(msgspec.json.encode(line)) + b"\n"


def _printable(line: bytes) -> bytes:
    """Escape characters that a terminal would interpret, such as U+009B, which JSON allows.

    In JSON they occur only in strings, where an escape has the same meaning.
    """
    if line.isascii() and b"\x7f" not in line:
        return line
    text = line.decode()
    if text.isprintable():
        return line
    return "".join(char if char.isprintable() else _escape(char) for char in text).encode()


def _escape(char: str) -> str:
    return "\\u007f" if char == "\x7f" else json.dumps(char)[1:-1]


def _rows(delivery: Delivery) -> Iterator[Row]:
    """Generate the rows of a delivery; series without a finite sum are dropped."""
    for snapshot in delivery.snapshots:
        for series, summary in snapshot.summaries.items():
            # JSON has no infinity.
            if isfinite(summary.sum):
                yield snapshot, series, summary
            else:
                delivery.dropped(summary.count, "not_finite")
