"""A page of text for all scrapers: kept compressed, and read part by part; pure."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

from zibrato.interfaces import RetryLater

__all__ = ["Page"]

_GZIP = 31  # zlib's code for a gzip header and the largest window
_LEVEL = 1
"""The fastest: a page that is written for each collection shrinks to a thirtieth of its length."""
_PART = 1 << 16
"""Bytes of text that a reader gets at a time."""


class Page:
    """A text of `length` bytes, kept in `size` compressed ones; raises RetryLater beyond `room`.

    A reader has only its position, and a part of the text if it doesn't accept gzip. If the page is
    released before a reader has all of it, the reader raises RetryLater.
    """

    def __init__(self, text: Iterable[str], room: int) -> None:
        self.length = self.size = self._count = 0
        self._parts: list[bytes] = []
        packer = zlib.compressobj(_LEVEL, wbits=_GZIP)
        for lines in text:
            encoded = lines.encode()
            self.length += len(encoded)
            self._keep(packer.compress(encoded), room)
        self._keep(packer.flush(), room)

    def release(self) -> None:
        """Release the text, although there may be readers that don't have all of it yet."""
        self._parts = []

    def compressed(self) -> Iterator[bytes]:
        """Generate the page as gzip; while it is being read, it stays in memory and is counted."""
        for place in range(self._count):
            if not self._parts:
                raise RetryLater("the page was released for newer ones")
            yield self._parts[place]

    def text(self) -> Iterator[bytes]:
        """Generate the page as text; while it is being read, it stays in memory and is counted."""
        inflating = zlib.decompressobj(_GZIP)
        for part in self.compressed():
            rest = part
            while rest:
                text = inflating.decompress(rest, _PART)
                rest = inflating.unconsumed_tail
                if text:
                    yield text

    def _keep(self, part: bytes, room: int) -> None:
        self.size += len(part)
        if self.size > room:
            raise RetryLater(f"the text of all series takes more than {room >> 20} MiB compressed")
        if part:
            self._parts.append(part)
            self._count += 1
