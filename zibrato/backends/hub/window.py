"""The numbered parts of snapshots on their way to a hub, until the hub has committed them; pure.

A part's number is derived from its snapshot's identity and its position in the snapshot. So after a
crash the same part has the same number, and the hub recognizes it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Sequence
from typing import NamedTuple

from zibrato.model import Identity, Snapshot
from zibrato.snapshot_parts import EncodedRow, encode_part, encode_rows
from zibrato.wire import Acknowledgement

__all__ = ["MAX_PARTS", "PART_BYTES", "Part", "Window", "parts"]

PART_BYTES = 240 * 1024
"""Bytes of a part's rows.

A single row always has less, and both together make a frame below 256 KiB. A different bound would
number parts differently, which an upgraded daemon must not do between two attempts.
"""
MAX_PARTS = 1 << 20
"""The distance between the numbers of two snapshots."""
_AT_ONCE = 200
"""Rows that are encoded in one turn of the reactor."""


class Part(NamedTuple):
    """Some rows of one snapshot; the hub identifies the part by `client` and `sequence`."""

    client: str
    sequence: int
    times: tuple[float, float]
    rows: Sequence[EncodedRow]

    @property
    def measurements(self) -> int:
        """How many measurements arrive with this part."""
        return sum(row.measurements for row in self.rows)

    @property
    def size(self) -> int:
        """About how many bytes this part takes."""
        return sum(len(row.data) + _ROW_BYTES for row in self.rows)


_ROW_BYTES = 150
"""Memory that a row takes in addition to its data."""


def parts(snapshot: Snapshot, identity: Identity) -> Generator[None, None, tuple[list[Part], int]]:
    """Return the parts of a snapshot, and how many measurements can't be shipped.

    It yields now and then, because it may take long.
    """
    made: list[Part] = []
    rows: list[EncodedRow] = []
    size = lost = 0
    times = (snapshot.start, snapshot.end)
    for index, row in enumerate(encode_rows(snapshot.summaries)):
        if not row.data:
            lost += row.measurements
            continue
        if rows and size + len(row.data) > PART_BYTES:
            made.append(_part(identity, len(made), times, rows))
            rows, size = [], 0
        rows.append(row)
        size += len(row.data)
        if index % _AT_ONCE == _AT_ONCE - 1:
            yield
    if rows:
        made.append(_part(identity, len(made), times, rows))
    return made, lost


def _part(
    identity: Identity, place: int, times: tuple[float, float], rows: Sequence[EncodedRow]
) -> Part:
    return Part(identity.run, identity.sequence * MAX_PARTS + place, times, rows)


class Window:
    """Parts by their numbers; only those of the first part's client may be on their way.

    `instance` identifies the start of the hub that sent the last message.
    """

    def __init__(self, waiting: Iterable[Part], instance: str | None = None) -> None:
        self.instance = instance
        self._parts = deque(waiting)
        self._next = 0

    def __bool__(self) -> bool:
        return bool(self._parts)

    @property
    def client(self) -> str:
        """The client that the hub knows the first part by; the window must not be empty."""
        return self._parts[0].client

    @property
    def size(self) -> int:
        """About how many bytes of memory the parts take."""
        return sum(part.size for part in self._parts)

    def rewind(self) -> None:
        """Send all parts again."""
        self._next = 0

    def frame(self) -> bytes | None:
        """Return the next frame to send, or None if all are on their way; `sent` moves on."""
        if self._next == len(self._parts) or self._parts[self._next].client != self.client:
            return None
        part = self._parts[self._next]
        # Parts before the first one are committed or given up, so the hub must not wait for them.
        after = self._parts[self._next - 1].sequence if self._next else 0
        return encode_part(part.client, part.sequence, after, part.times, part.rows)

    def sent(self) -> None:
        """Note that the frame is on its way."""
        self._next += 1

    def acknowledge(self, client: str, message: Acknowledgement) -> int:
        """Process the hub's message to a client; return how many measurements it committed."""
        if not self or self.client != client:
            return 0
        committed = 0
        while self._is_committed(client, message.committed or 0):
            committed += self._parts.popleft().measurements
            self._next = max(0, self._next - 1)
        if not self or self.client != client:
            self._next = 0
        elif message.wanted is not None:
            taken = sum(1 for part in self._sent() if part.sequence < message.wanted)
            self._next = min(self._next, taken)
        elif self.instance not in {None, message.instance}:
            self._next = 0  # this hub lacks what was on its way to another one
        self.instance = message.instance
        return committed

    def _is_committed(self, client: str, sequence: int) -> bool:
        return bool(self) and self.client == client and self._parts[0].sequence <= sequence

    def _sent(self) -> Sequence[Part]:
        return [self._parts[index] for index in range(self._next)]
