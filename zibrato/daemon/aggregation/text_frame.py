"""Decodes a frame of text lines line by line; pure.

docs/reference/protocol.rst specifies the lines. Malformed ones never raise: they are rejected, with
a reason. `text_lines` reads ordinary lines faster.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import NamedTuple

from zibrato.model import COUNTER, KINDS, TIMER, bounded
from zibrato.wire import VERSION, Batch, CounterRow, SampleRow, pack

_MIN_FIELDS = 4
_MAX_FIELDS = 6
_BLANK = " \t\r\v\f"
_NUMERIC = frozenset("0123456789+-.eE" + _BLANK)
_Fields = tuple[str, ...]


class Decoded(NamedTuple):
    """The decoded content of a frame: batches, and numbers of rejected frames or lines."""

    batches: Sequence[Batch]
    rejected: Mapping[str, int]
    """By reason."""


def decode_text(frame: bytes, now: float) -> Decoded:
    """Return the contents of a frame of text lines."""
    try:
        text = frame.decode()
    except UnicodeDecodeError:
        return _rejection("encoding")
    rejected: defaultdict[str, int] = defaultdict(int)
    values: dict[_Fields, list[float]] = defaultdict(list)
    for line in text.split("\n"):
        reason = _read_line(line, values)
        if reason:
            rejected[reason] += 1
    if not values and not rejected:
        return _rejection("empty")
    batches = _batches(values, now, rejected)
    return Decoded(batches, dict(rejected))


def _rejection(reason: str) -> Decoded:
    return Decoded((), {reason: 1})


def _read_line(line: str, values: dict[_Fields, list[float]]) -> str | None:
    """Add the value of `line` to the values with equal other fields; return a reason if invalid."""
    fields = line.split("|")
    if not _MIN_FIELDS <= len(fields) <= _MAX_FIELDS:
        return "fields" if line.strip(_BLANK) else None
    number = _number(fields.pop(3))
    if number is None:
        return "value"
    values[tuple(fields)].append(number)
    return None


def _number(text: str) -> float | None:
    """Return the finite number in `text`; None for none, and for extras of Python (1_000, nan)."""
    try:
        number = float(text) if _NUMERIC.issuperset(text) else None
    except ValueError:
        return None
    return number if number is not None and isfinite(number) else None


class _Rows(NamedTuple):
    """The rows of one batch of lines."""

    counters: list[CounterRow]
    timers: list[SampleRow]
    gauges: list[SampleRow]


_Identity = tuple[str, str, str | None]
"""Name, level and source of a row; text lines have no tags."""


def _batches(
    values: dict[_Fields, list[float]], now: float, rejected: dict[str, int]
) -> list[Batch]:
    """Return a batch for each time that lines name; count invalid lines in `rejected`.

    Lines that spell one series in several ways share a row, so that their sum is bounded.
    """
    moments: dict[float, dict[tuple[str, _Identity], list[float]]] = {}
    for fields, numbers in values.items():
        level, mtype, name, stamp, source, *_ = (*[field.strip(_BLANK) for field in fields], "", "")
        kind = mtype.lower()
        when = _number(stamp) if stamp else now
        if kind not in KINDS:
            rejected["mtype"] += len(numbers)
        elif when is None:
            rejected["timestamp"] += len(numbers)
        else:
            series = moments.setdefault(when, {})
            place = (kind, (name, level or "info", source or None))
            series[place] = series[place] + numbers if place in series else numbers
    return [Batch(VERSION, "text", 0, when, when, *_rows(moments[when])) for when in moments]


def _rows(series: Mapping[tuple[str, _Identity], list[float]]) -> _Rows:
    rows = _Rows([], [], [])
    for (kind, identity), numbers in series.items():
        _append(rows, kind, (*identity, {}), numbers)
    return rows


def _append(
    rows: _Rows,
    kind: str,
    identity: tuple[str, str, str | None, dict[str, str]],
    numbers: list[float],
) -> None:
    if kind == COUNTER:
        rows.counters.append(CounterRow(*identity, len(numbers), bounded(sum(numbers))))
    else:
        samples = SampleRow(*identity, pack(array("d", numbers)))
        (rows.timers if kind == TIMER else rows.gauges).append(samples)
