"""What was drained and waits to be sent: batches in order, within a bound, as frames."""

from __future__ import annotations

from collections import deque

import msgspec

from zibrato.client.rows import ROW_COST, encodable
from zibrato.wire import Batch, CounterRow, encode

BATCH_COST = 64
"""How many samples' worth of memory a batch takes beside its rows."""
MAX_SENT = 256 * 1024
"""Bytes of a frame that is sent. The daemon takes far longer ones, but few of them at a time."""
OWN = "zibrato.client."
"""What the names of the client's own series begin with."""


class SendQueue:
    """Batches, oldest first, with sequence numbers of their own.

    Past about `max_pending` samples (or as much memory in rows) the oldest are dropped. Counters
    never are: those of a dropped batch are added to the next one.
    """

    def __init__(self, max_pending: int) -> None:
        self.max_pending = max_pending
        self.reserved = 0
        """What else takes of the bound, in samples' worth of memory."""
        self.acknowledged: int | None = None
        self._sequence = 1
        self._batches: deque[Batch] = deque()
        self._cost = 0

    def __len__(self) -> int:
        return len(self._batches)

    @property
    def is_filling(self) -> bool:
        """Whether half of what may wait does."""
        return self._cost + self.reserved > self.max_pending / 2

    def add(self, batch: Batch) -> int:
        """Append a batch, and return how many samples were dropped for it."""
        self._batches.append(batch)
        self._cost += cost(batch)
        dropped = 0
        # The last one stays, since there is no other to take its counters.
        while self._cost + self.reserved > self.max_pending and len(self._batches) > 1:
            dropped += self._drop_oldest()
        return dropped

    def first(self) -> bytes:
        """Return the frame of the first batch, having split what is longer than `MAX_SENT`.

        Raises LookupError where there is none.
        """
        while True:
            # Numbered as late as this, so that batches that are split, merged or dropped leave no
            # gap in what the daemon sees.
            batch = self._batches[0] = self._numbered(self._batches[0])
            frame = encode(batch)
            if len(frame) <= MAX_SENT:
                return frame
            self._replace(1, *_parts(batch))

    def pop(self) -> Batch:
        """Remove the first batch, whose frame was sent, and return it."""
        (sent,) = self._replace(1)
        self._sequence += 1
        return sent

    def discard(self) -> Batch:
        """Remove the first batch, which can't be sent, and return it."""
        (batch,) = self._replace(1)
        return batch

    def clear(self) -> int:
        """Drop everything, and return how many measurements that was."""
        return sum(measurements(batch) for batch in self._replace(len(self)))

    def _numbered(self, batch: Batch) -> Batch:
        return msgspec.structs.replace(
            batch, sequence=self._sequence, acknowledged=self.acknowledged
        )

    def renewed(self, batch: Batch) -> Batch:
        """Return a batch that was sent, with what is acknowledged by now."""
        return msgspec.structs.replace(batch, acknowledged=self.acknowledged)

    def _drop_oldest(self) -> int:
        """Drop the samples of the oldest batch, and add its counters to the next."""
        oldest, following = self._batches[0], self._batches[1]
        counters = _merged([*oldest.counters, *following.counters])
        self._replace(2, msgspec.structs.replace(following, counters=counters))
        return _samples(oldest)

    def _replace(self, number: int, *batches: Batch) -> list[Batch]:
        """Put `batches` in the place of the first `number`; return those."""
        replaced = [self._batches.popleft() for _ in range(number)]
        self._batches.extendleft(reversed(batches))
        self._cost += sum(map(cost, batches)) - sum(map(cost, replaced))
        return replaced


def measurements(batch: Batch) -> int:
    """Return how many measurements a batch holds, but for the client's own."""
    counts = [row.count for row in batch.counters if not row.name.startswith(OWN)]
    return _samples(batch) + sum(counts)


def _samples(batch: Batch) -> int:
    rows = (*batch.timers, *batch.gauges)
    return sum(len(row.samples) // 8 for row in rows if not row.name.startswith(OWN))


def cost(batch: Batch) -> int:
    """Return about how many samples' worth of memory a batch takes."""
    rows = len(batch.counters) + len(batch.timers) + len(batch.gauges)
    return _samples(batch) + rows * ROW_COST + BATCH_COST


def _parts(batch: Batch) -> list[Batch]:
    """Return batches of fewer rows: halves of each kind, or the kinds where there is one of each.

    Raises ValueError where it has a row alone: that is bounded, see MAX_IDENTITY and CHUNK.
    """
    counters, timers, gauges = lists = (batch.counters, batch.timers, batch.gauges)
    if sum(map(len, lists)) < 2:
        raise ValueError("a row is too long to be sent")
    if max(map(len, lists)) > 1:
        halves = [(rows[: len(rows) // 2], rows[len(rows) // 2 :]) for rows in lists]
        parts = list(zip(*halves, strict=True))
    else:
        parts = [(counters, (), ()), ((), timers, ()), ((), (), gauges)]
    return [
        msgspec.structs.replace(batch, counters=counters, timers=timers, gauges=gauges)
        for counters, timers, gauges in parts
        if counters or timers or gauges
    ]


def _merged(rows: list[CounterRow]) -> list[CounterRow]:
    """Return the rows with those of one identity added together."""
    merged: dict[tuple[object, ...], CounterRow] = {}
    for row in rows:
        key = (row.name, row.level, row.source, *sorted(row.tags.items()))
        earlier = merged.get(key)
        merged[key] = row if earlier is None else _sum(earlier, row)
    return list(merged.values())


def _sum(earlier: CounterRow, row: CounterRow) -> CounterRow:
    return msgspec.structs.replace(
        row, count=earlier.count + row.count, sum=encodable(earlier.sum + row.sum)
    )
