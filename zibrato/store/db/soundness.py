"""Check what is read from the file before it is used, and leave out what is corrupt.

SQLite detects damaged pages. It doesn't detect a well-stored value that makes no sense, such as a
blob that another program wrote, or a count that an older Zibrato let grow beyond an integer. A
single such row would make every query and rollup that reads it fail.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Protocol, TypeGuard, TypeVar

import msgspec

from zibrato.distribution import MAX_BUCKETS, SCALE
from zibrato.model import MAX_COUNT
from zibrato.store.db.chunks import decode_points
from zibrato.store.db.codec import Point, Row, buckets_of, samples_of
from zibrato.store.db.keys import start_of
from zibrato.store.db.losses import Losses

if TYPE_CHECKING:
    from typing_extensions import Unpack

    Stored = tuple[int, Unpack[tuple[object, ...]]]
    """A key, which SQLite guarantees to be an integer, and columns of any type."""

T = TypeVar("T")
_LAST_BUCKET = 1100 << SCALE
"""Beyond all powers of two of a float, the least of which is about -1075."""


class OpenFile(Protocol):
    """The file, opened by a reader or the writer."""

    connection: sqlite3.Connection
    losses: Losses


def decoded(text: object, kind: type[T]) -> T | None:
    """Return the content of a JSON text of the file, or None if it is corrupt."""
    if not isinstance(text, str | bytes):
        return None
    try:
        return msgspec.json.decode(text, type=kind)
    except (ValueError, RecursionError):
        return None


def sound_rows(stored: Iterable[Stored], losses: Losses) -> Iterator[tuple[int, Row]]:
    """Generate key and row of those rows of a query in the table of points that are sound."""
    for row_key, *columns in stored:
        row = checked(tuple(columns))
        if row is None:
            losses.corrupt("row", row_key)
        else:
            yield row_key, row


def sound_points(chunk_key: int, chunk: object, losses: Losses) -> list[Point]:
    """Return the sound points of a chunk, oldest first; none if the chunk can't be read."""
    try:
        if not isinstance(chunk, bytes):
            raise ValueError("not a chunk: SQLite keeps any type in any column")
        points = decode_points(chunk, start_of(chunk_key))
    except ValueError:
        losses.corrupt("chunk", chunk_key)
        return []
    sound = [(start, row) for start, unchecked in points if (row := checked(unchecked)) is not None]
    if len(sound) < len(points):
        losses.corrupt("chunk", chunk_key)
    return sound


def checked(row: Sequence[object]) -> Row | None:
    """Return a row, its count limited to the bound; None if the row is corrupt."""
    count, total, least, most, squares, last, blob = row
    if type(count) is float and count > 0:  # the sum of two integers that overflowed
        count = int(min(count, MAX_COUNT))
    if type(count) is not int or count < 0 or not _is_number(total):
        return None
    if least is None:  # a counter's row
        is_plain = most is squares is last is blob is None
        return (count, total, None, None, None, None, None) if is_plain else None
    if (
        _is_number(least)
        and _is_number(most)
        and (squares is None or _is_number(squares))
        and (last is None or _is_number(last))
        and (blob is None or is_sound_distribution(blob))
    ):
        return count, total, least, most, squares, last, blob
    return None


def is_sound_distribution(blob: object) -> TypeGuard[bytes]:
    """Return whether `blob` can be decoded as a distribution."""
    if type(blob) is not bytes:
        return False
    try:
        samples = samples_of(blob)
        if samples is not None:
            return all(map(isfinite, samples))
        low, high, zeros, steps, counts = buckets_of(blob)
    except (msgspec.MsgspecError, ValueError):
        return False
    return (
        isfinite(low)
        and isfinite(high)
        and zeros >= 0
        and 0 < len(steps) == len(counts) <= MAX_BUCKETS
        and -_LAST_BUCKET < steps[0] <= sum(steps) < _LAST_BUCKET
        and min(steps[1:], default=1) > 0
        and min(counts) >= 0
    )


def _is_number(value: object) -> TypeGuard[float]:
    return type(value) is float and isfinite(value)
