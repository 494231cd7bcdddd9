"""A connection that keeps its batches, and repeats them, until the daemon has committed them.

The daemon accepts batches only in the order of their numbers. So a single number says everything
that it has, whatever was lost or repeated on the way. After a gap, batches are sent again from
there on.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator

import zmq

from zibrato.client.connection import Connection
from zibrato.client.connector import Connector, Context, Opened, PushSocket
from zibrato.client.reconnecting import ReconnectingSocket
from zibrato.client.send_queue import cost, measurements
from zibrato.wire import Acknowledgement, Batch, decode_acknowledgement, encode

PATIENCE = 5.0
"""Seconds without progress after which everything is sent again, for the first time."""
MAX_PATIENCE = 60.0
_UNREAD = 4096


class AcknowledgedConnection(Connection):
    """Also keeps what it has sent; at most half of `max_pending` may be on its way.

    A batch that was sent is never changed, and never dropped before the connection is closed: it
    may have arrived.
    """

    def _begin(self, max_pending: int) -> None:
        super()._begin(max_pending)
        self._on_its_way: deque[Batch] = deque()
        self._next = 0
        self._instance: str | None = None
        self._patience = PATIENCE
        self._progress = time.monotonic()
        self._committed = 0
        self._queue.acknowledged = 0

    @property
    def pending(self) -> int:
        """How many batches wait to be sent or to be committed."""
        return len(self._queue) + len(self._on_its_way)

    def is_absence_due(self, now: float) -> bool:
        """Return whether to warn, at the monotonic time `now`, that no daemon accepts batches."""
        return self._absence.is_due(self.pending > 0, self._committed, now)

    def wait(self, milliseconds: int) -> None:
        """Wait until ZeroMQ accepts more, or the daemon has committed more."""
        with self._counting_errors():
            if self._opened is not None and not self._has_next:
                self._opened[1].poll(milliseconds, zmq.POLLIN)
            elif self._opened is not None:
                self._polled(milliseconds)
        self._send()

    def close(self, linger: float) -> Context | None:
        """Close as a connection does; what isn't acknowledged by now is dropped and counted."""
        context = super().close(linger)
        if self.closed and self._on_its_way:
            self._drop("unacknowledged", sum(map(measurements, self._on_its_way)))
            # Tell the daemon not to wait for these: it accepts nothing after a gap.
            self._queue.acknowledged = self._on_its_way[-1].sequence
            self._on_its_way.clear()
            self._next = self._queue.reserved = 0
        return context

    def detach(self) -> Opened | None:
        """Return the context and socket; the next socket sends again what this one has sent."""
        self._next = 0
        return super().detach()

    def _open(self) -> Opened:
        context, push = self.connector.open()
        try:
            return context, _TwoWays(push, self.connector.subscribe(context, self._client))
        except zmq.ZMQError:
            push.close(linger=0)
            if self.connector.owns_context:
                context.term()
            raise

    def _send(self) -> None:
        self._read()
        super()._send()

    @property
    def _has_next(self) -> bool:
        if self._next < len(self._on_its_way):
            return True
        has_room = self._queue.reserved <= self.max_pending / 2
        return len(self._queue) > 0 and (has_room or not self._on_its_way)

    def _frame(self) -> bytes | None:
        if self._next == len(self._on_its_way):
            return super()._frame()
        # Set what is committed by now: a daemon that doesn't know this client begins there.
        self._on_its_way[self._next] = batch = self._queue.renewed(self._on_its_way[self._next])
        return encode(batch)

    def _send_again(self) -> None:
        self._held, self._next = None, 0

    def _pass_on(self) -> Batch:
        if self._next == len(self._on_its_way):
            if not self._on_its_way:
                self._progress = time.monotonic()
            batch = self._queue.pop()
            self._on_its_way.append(batch)
            self._queue.reserved += cost(batch)
        self._next += 1
        return self._on_its_way[self._next - 1]

    def _lost(self, _held: Batch) -> int:
        return 0  # because it is sent again

    def _read(self) -> None:
        """Read acknowledgements; after too long a silence, send everything again."""
        with self._counting_errors():
            for message in self._messages():
                self._acknowledge(message)
        now = time.monotonic()
        if self._on_its_way and now >= self._progress + self._patience:
            self._next = 0
            self._progress, self._patience = now, min(2 * self._patience, MAX_PATIENCE)

    def _messages(self) -> Iterator[Acknowledgement]:
        if self._opened is None or not isinstance(self._opened[1], _TwoWays):
            return
        for topic, frame in self._opened[1].receive():
            message = decode_acknowledgement(frame)
            # A subscription matches every topic that begins with it.
            if topic == self._client.encode() and message is not None:
                yield message

    def _acknowledge(self, message: Acknowledgement) -> None:
        while self._on_its_way and self._on_its_way[0].sequence <= (message.committed or 0):
            batch = self._on_its_way.popleft()
            self._queue.reserved -= cost(batch)
            self._queue.acknowledged = self._committed = batch.sequence
            self._next = max(self._next - 1, 0)
            self._progress, self._patience = time.monotonic(), PATIENCE
        if message.wanted is not None and self._on_its_way:
            first = self._on_its_way[0].sequence
            self._next = min(self._next, max(message.wanted - first, 0))
        elif self._instance not in {None, message.instance}:
            self._next = 0  # this daemon lacks what was on its way to another one
        self._instance = message.instance


def connection_kind(connector: Connector) -> type[Connection]:
    """Return the kind of connection that a connector requires."""
    return Connection if connector.way_back is None else AcknowledgedConnection


class _TwoWays:
    """A socket that sends, and one that receives the daemon's acknowledgements."""

    def __init__(self, push: PushSocket, sub: ReconnectingSocket) -> None:
        self._push = push
        self._sub = sub

    def send(self, frame: bytes, flags: int) -> object:
        return self._push.send(frame, flags)

    def poll(self, timeout: int, flags: int) -> int:
        """Wait at most so many milliseconds until it is possible to send, or to receive."""
        if flags == zmq.POLLIN:
            return self._sub.poll(timeout, flags)
        return self._push.poll(timeout, flags)

    def revive(self) -> bool:
        """Connect each again if ZeroMQ has given up; return whether it had. Raises zmq.ZMQError."""
        return any([self._push.revive(), self._sub.revive()])

    def receive(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield the topics and frames that have arrived; raises zmq.ZMQError."""
        for _ in range(_UNREAD):
            try:
                parts = self._sub.socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            if len(parts) == 2:
                yield parts[0], parts[1]

    def close(self, linger: int) -> None:
        self._sub.close(linger=0)
        self._push.close(linger=linger)
