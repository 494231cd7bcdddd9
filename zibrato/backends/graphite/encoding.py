"""Data points as carbon takes them: lines, or pickles with their length before them; pure."""

from __future__ import annotations

import pickle
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from zibrato.backends.graphite.points import Point

__all__ = ["AT_ONCE", "ENCODINGS", "PORTS", "chunks"]

PORTS = {"plain": 2003, "pickle": 2004}
"""Where carbon takes them by default."""
AT_ONCE = 200
"""Points of a chunk: with the longest paths less than the 1 MiB that carbon takes of a pickle."""
_LENGTH = struct.Struct("!L")
_PROTOCOL = 2  # which every Python reads


def _plain(points: Sequence[Point]) -> bytes:
    return "".join([f"{path} {value!r} {time}\n" for path, value, time in points]).encode()


def _pickle(points: Sequence[Point]) -> bytes:
    message = pickle.dumps([(path, (time, value)) for path, value, time in points], _PROTOCOL)
    return _LENGTH.pack(len(message)) + message


ENCODINGS: dict[str, Callable[[Sequence[Point]], bytes]] = {"plain": _plain, "pickle": _pickle}


def chunks(points: Iterable[Point], encode: Callable[[Sequence[Point]], bytes]) -> Iterator[bytes]:
    """Generate the bytes that ship points, so many at once."""
    left = iter(points)
    while part := list(islice(left, AT_ONCE)):
        yield encode(part)
