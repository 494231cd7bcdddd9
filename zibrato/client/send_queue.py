"""Drained batches that wait to be sent, in order, within a bound, as frames."""

from __future__ import annotations

from collections import deque

import msgspec

from zibrato.client.rows import ROW_COST, encodable
from zibrato.wire import Batch, CounterRow, encode

BATCH_COST = 64
"""The memory of a batch in addition to its rows, measured in samples."""
MAX_SENT = 256 * 1024
"""The most bytes of a frame. The daemon accepts much longer frames, but only a few at a time."""
OWN = "zibrato.client."
"""The prefix of the client's own series."""


class SendQueue:
    """Batches, oldest first, with sequence numbers.

    Beyond about `max_pending` samples (or as much memory in rows), the oldest samples are dropped.
    Counters never are: those of a dropped batch are added to the next one.
    """

    def __init__(self, max_pending: int) -> None:
        self.max_pending = max_pending
        self.reserved = 0
        """Memory that something else takes within the bound, measured in samples."""
        self.acknowledged: int | None = None
        self._sequence = 1
        self._batches: deque[Batch] = deque()
        self._cost = 0

    def __len__(self) -> int:
        return len(self._batches)

    @property
    def is_filling(self) -> bool:
        """Whether the queue is more than half full."""
        return self._cost + self.reserved > self.max_pending / 2

    def add(self, batch: Batch) -> int:
        """Append a batch; return how many samples were dropped for it."""
        self._batches.append(batch)
        self._cost += cost(batch)
        dropped = 0
        # Keep the last batch: there is no other that could take its counters.
        while self._cost + self.reserved > self.max_pending and len(self._batches) > 1:
            dropped += self._drop_oldest()
        return dropped

    def first(self) -> bytes:
        """Return the frame of the first batch; one longer than `MAX_SENT` is split.

        Raises LookupError if there is none.
        """
        while True:
            # Number batches only now, so that splitting, merging and dropping them leaves no gap
            # for the daemon.
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

    def put_back(self, batch: Batch) -> None:
        """Make a batch the first again; it gets another number."""
        self._replace(0, batch)

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
        """Return a batch that was sent, updated with what is acknowledged by now."""
        return msgspec.structs.replace(batch, acknowledged=self.acknowledged)

    def _drop_oldest(self) -> int:
        """Drop the samples of the oldest batch, and add its counters to the next one."""
        oldest, following = self._batches[0], self._batches[1]
        counters = _merged([*oldest.counters, *following.counters])
        self._replace(2, msgspec.structs.replace(following, counters=counters))
        return _samples(oldest)

    def _replace(self, number: int, *batches: Batch) -> list[Batch]:
        """Replace the first `number` batches by `batches`; return the replaced ones."""
        replaced = [self._batches.popleft() for _ in range(number)]
        self._batches.extendleft(reversed(batches))
        self._cost += sum(map(cost, batches)) - sum(map(cost, replaced))
        return replaced


def measurements(batch: Batch) -> int:
    """Return how many measurements a batch contains, without the client's own."""
    counts = [row.count for row in batch.counters if not row.name.startswith(OWN)]
    return _samples(batch) + sum(counts)


def _samples(batch: Batch) -> int:
    rows = (*batch.timers, *batch.gauges)
    return sum(len(row.samples) // 8 for row in rows if not row.name.startswith(OWN))


def cost(batch: Batch) -> int:
    """Return about how much memory a batch takes, measured in samples."""
    rows = len(batch.counters) + len(batch.timers) + len(batch.gauges)
    return _samples(batch) + rows * ROW_COST + BATCH_COST


def _parts(batch: Batch) -> list[Batch]:
    """Split a batch: halve each kind's rows, or separate the kinds if each has only one row.

    Raises ValueError for a single row, whose size is bounded by MAX_IDENTITY and CHUNK.
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
    """Return the rows, with those of the same identity added up."""
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
