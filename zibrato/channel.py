"""A client's way to one endpoint: buffers, the batches that wait, and the ZeroMQ socket."""

from __future__ import annotations

import os
import time
from collections import Counter, deque
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import msgspec
import zmq

from .buffers import Buffers, Rows
from .wire import VERSION, Batch, CounterRow, encode

HIGH_WATER = 64
MAX_PENDING = 1_000_000
ROW_COST = 16
SERIES_WARNING = 1_000


@dataclass(frozen=True)
class Address:
    """Where a client sends: an endpoint to connect to, or to bind, in a context of the host's."""

    endpoint: str
    bind: bool = False
    context: zmq.Context[Any] | None = None

    @property
    def inproc(self) -> bool:
        """Whether the endpoint is reached through the process's shared context."""
        return self.endpoint.startswith("inproc:")

    def open(self) -> tuple[zmq.Context[Any], zmq.Socket[Any]]:
        """Return a PUSH socket and its context; raises zmq.ZMQError."""
        context = self.context
        if context is None:
            context = zmq.Context.instance() if self.inproc else zmq.Context()
        socket = context.socket(zmq.PUSH)
        try:
            self.attach(socket)
        except zmq.ZMQError:
            socket.close()
            raise
        return context, socket

    def attach(self, socket: zmq.Socket[Any]) -> None:
        """Bound what `socket` queues, and connect or bind it; raises zmq.ZMQError."""
        socket.set(zmq.SNDHWM, HIGH_WATER)
        socket.set(zmq.LINGER, 0)
        socket.set(zmq.IPV6, "[" in self.endpoint)
        socket.set(zmq.RECONNECT_IVL_MAX, 1000)
        (socket.bind if self.bind else socket.connect)(self.endpoint)


class Channel:
    """Keeps what was drained until it is sent; past `max_pending` the oldest samples are dropped.

    Counters are never dropped: those of a dropped batch are added to the next one. All but
    `buffers` belongs to the sender's thread.
    """

    def __init__(
        self, address: Address, *, linger: float = 1.0, max_pending: int = MAX_PENDING
    ) -> None:
        self.address = address
        self.linger = linger
        self.closed = False
        self.users = 0
        self.buffers = Buffers()
        self.dropped: Counter[str] = Counter()
        """How many measurements were dropped since the start, by reason."""
        self._max_pending = max_pending
        self._opened: tuple[zmq.Context[Any], zmq.Socket[Any]] | None = None
        self._begin()

    def _begin(self) -> None:
        self._client = f"{os.getpid()}-{uuid4().hex[:12]}"
        self._sequence = 0
        self._since = time.time()
        self._queue: deque[Batch] = deque()
        self._cost = 0

    @property
    def pending(self) -> int:
        """How many batches wait."""
        return len(self._queue)

    def serves(self, address: Address) -> bool:
        """Return whether a client of `address` can share this channel."""
        return not self.closed and self.address == address

    def step(self, now: float) -> int:
        """Drain the buffers at the Unix time `now`, send what goes; return how many samples."""
        if self.closed:
            self.buffers.discard("closed")
            self._note_dropped()
            return 0
        samples = 0
        for rows in self.buffers.drain():
            samples += rows.samples
            self._enqueue(rows, now)
        self._report(now)
        self._since = now
        self._send()
        return samples

    def finish(self, deadline: float, close: bool) -> None:
        """Send all until the `time.monotonic` deadline, then close the socket if asked to."""
        self.step(time.time())
        while self._queue and self._wait_writable(deadline):
            self._send()
        if close:
            self.closed = True
            self._close(deadline)

    def release(self) -> tuple[zmq.Context[Any], zmq.Socket[Any]] | None:
        """Return the context and socket, if open, for the caller to close; forget them."""
        opened, self._opened = self._opened, None
        return opened

    def restart(self) -> object:
        """Forget what a forked child must not send; return what it must not close."""
        inherited = self.release()
        self.buffers.restart()
        self.dropped.clear()
        self._begin()
        return inherited

    def _enqueue(self, rows: Rows, now: float) -> None:
        self._sequence += 1
        self._queue.append(
            Batch(
                VERSION,
                self._client,
                self._sequence,
                self._since,
                now,
                rows.counters,
                rows.timers,
                rows.gauges,
            )
        )
        self._cost += _cost(self._queue[-1])
        while self._cost > self._max_pending and len(self._queue) > 1:
            self._shed()

    def _shed(self) -> None:
        """Drop the samples of the oldest batch, and add its counters to the next."""
        oldest, following = self._queue.popleft(), self._queue.popleft()
        lost = sum(len(row.samples) // 8 for row in (*oldest.timers, *oldest.gauges))
        if lost:
            self.buffers.dropped["full"] += lost
        merged = msgspec.structs.replace(
            following, counters=_added([*oldest.counters, *following.counters])
        )
        self._queue.appendleft(merged)
        self._cost += _cost(merged) - _cost(oldest) - _cost(following)

    def _report(self, now: float) -> None:
        """Enqueue what was dropped, as counts of `zibrato.client.dropped` by reason."""
        rows = Rows()
        for reason, count in self._note_dropped().items():
            tags = {"reason": reason}
            rows.counters.append(
                CounterRow("zibrato.client.dropped", "warning", None, tags, count, count)
            )
        if rows:
            self._enqueue(rows, now)

    def _note_dropped(self) -> Counter[str]:
        fresh = +self.buffers.dropped
        self.buffers.dropped.subtract(fresh)
        self.dropped.update(fresh)
        return fresh

    def _send(self) -> None:
        """Send until the queue is empty or ZeroMQ takes no more."""
        try:
            if self._queue and self._opened is None:
                self._opened = self.address.open()
            while self._queue and self._opened is not None:
                self._opened[1].send(encode(self._queue[0]), zmq.NOBLOCK)
                self._cost -= _cost(self._queue.popleft())
        except zmq.Again:
            pass
        except zmq.ZMQError:
            self._abandon()

    def _abandon(self) -> None:
        """Let go of a socket that failed, as when the host ended its context; open anew later."""
        opened, self._opened = self._opened, None
        if opened is not None:
            opened[1].close(linger=0)

    def _wait_writable(self, deadline: float) -> bool:
        """Wait until ZeroMQ takes more; return False at the deadline or where it never will."""
        left = deadline - time.monotonic()
        if left <= 0 or self._opened is None:
            return False
        try:
            return bool(self._opened[1].poll(int(left * 1000), zmq.POLLOUT))
        except zmq.ZMQError:
            return False

    def _close(self, deadline: float) -> None:
        if self._opened is None:
            return
        context, socket = self._opened
        self._opened = None
        socket.close(linger=max(0, int((deadline - time.monotonic()) * 1000)))
        if self.address.context is None and not self.address.inproc:
            context.term()


def _cost(batch: Batch) -> int:
    """Return about how many samples' worth of memory a batch takes."""
    rows = len(batch.counters) + len(batch.timers) + len(batch.gauges)
    samples = sum(len(row.samples) // 8 for row in (*batch.timers, *batch.gauges))
    return samples + rows * ROW_COST


def _added(rows: list[CounterRow]) -> list[CounterRow]:
    """Return the rows with those of one identity added together."""
    merged: dict[tuple[object, ...], CounterRow] = {}
    for row in rows:
        key = (row.name, row.level, row.source, *sorted(row.tags.items()))
        earlier = merged.get(key)
        merged[key] = row if earlier is None else _sum(earlier, row)
    return list(merged.values())


def _sum(earlier: CounterRow, row: CounterRow) -> CounterRow:
    return msgspec.structs.replace(row, count=earlier.count + row.count, sum=earlier.sum + row.sum)
