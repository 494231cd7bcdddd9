"""Encode data points for carbon: as lines, or as pickles with their length in front; pure."""

from __future__ import annotations

import pickle
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from zibrato.backends.graphite.points import Point

__all__ = ["AT_ONCE", "ENCODINGS", "PORTS", "chunks"]

PORTS = {"plain": 2003, "pickle": 2004}
"""Carbon's default ports."""
AT_ONCE = 200
"""Points in a chunk: even with the longest paths, less than the 1 MiB that carbon accepts."""
_LENGTH = struct.Struct("!L")
_PROTOCOL = 2  # every Python can read it


def _plain(points: Sequence[Point]) -> bytes:
    return "".join([f"{path} {value!r} {time}\n" for path, value, time in points]).encode()


def _pickle(points: Sequence[Point]) -> bytes:
    message = pickle.dumps([(path, (time, value)) for path, value, time in points], _PROTOCOL)
    return _LENGTH.pack(len(message)) + message


ENCODINGS: dict[str, Callable[[Sequence[Point]], bytes]] = {"plain": _plain, "pickle": _pickle}


def chunks(points: Iterable[Point], encode: Callable[[Sequence[Point]], bytes]) -> Iterator[bytes]:
    """Generate the encoded points, so many at a time."""
    left = iter(points)
    while part := list(islice(left, AT_ONCE)):
        yield encode(part)
