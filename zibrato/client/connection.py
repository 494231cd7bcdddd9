"""A client's connection to one endpoint: buffers, waiting batches, and the ZeroMQ socket."""

from __future__ import annotations

import errno
import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import zmq

from zibrato.client.absence import Absence
from zibrato.client.buffers import Buffers
from zibrato.client.connector import Connector, Context, Opened
from zibrato.client.own_rows import OwnReport, error_name
from zibrato.client.rows import Rows
from zibrato.client.send_queue import SendQueue, measurements
from zibrato.wire import VERSION, Batch

MAX_PENDING = 1_000_000
PATIENCE = 1
"""Milliseconds that ZeroMQ has to pass a batch on, before the others wait for the next step."""
LAST_CHANCE = 20
"""Milliseconds that ZeroMQ has to pass the last batch on when the connection is closed."""
LEAST_LINGER = 100
"""Milliseconds to send a batch that ZeroMQ has already passed on to a peer's connection."""
MAX_BEHIND = 4
"""How many times `max_pending` may wait to be drained, as busy recording threads can cause."""


class Connection:
    """Keeps what was drained until it is sent; beyond `max_pending`, drops the oldest samples.

    A connection is closed while it has no users. Only one thread uses it, except for the users, the
    `linger`, the buffers, and the counters of drops and errors.
    """

    def __init__(
        self, connector: Connector, *, linger: float = 1.0, max_pending: int = MAX_PENDING
    ) -> None:
        self.connector = connector
        self.linger = linger
        self.users = 0
        self._generation = 1
        self._stepped = 1
        """The generation in which the last step began."""
        self._closed_generation = 0
        self.buffers = Buffers()
        self.errors: Counter[str] = Counter()
        """How often sending failed since the start, by error: mostly the name of an errno."""
        self._opened: Opened | None = None
        self._begin(max_pending)

    def _begin(self, max_pending: int) -> None:
        self._client = f"{os.getpid()}-{uuid4().hex[:12]}"
        self._since = time.time()
        self._queue = SendQueue(max_pending)
        self._absence = Absence()
        self._held: Batch | None = None
        self._sent = 0
        self._sent_before_failure = -1
        self._report = OwnReport()

    @property
    def max_pending(self) -> int:
        """About how many samples are kept."""
        return self._queue.max_pending

    @property
    def pending(self) -> int:
        """How many batches wait, including one that ZeroMQ may still hold."""
        return len(self._queue) + (self._held is not None)

    @property
    def queued(self) -> int:
        """How many batches wait to be given to ZeroMQ."""
        return len(self._queue)

    def is_absence_due(self, now: float) -> bool:
        """Return whether to warn, at the monotonic time `now`, that no daemon accepts batches."""
        return self._absence.is_due(self.pending > 0, self._sent, now)

    @property
    def open(self) -> bool:
        """Whether there is a socket."""
        return self._opened is not None

    @property
    def dropped(self) -> Counter[str]:
        """How many measurements were dropped since the start, by reason."""
        return Counter(dict(self.buffers.dropped))

    @property
    def closed(self) -> bool:
        """Whether what is recorded is dropped."""
        return self._closed_generation == self._generation

    def acquire(self, linger: float, max_pending: int) -> None:
        """Add a user; the first one sets the bounds and reopens a closed connection."""
        self.users = max(self.users, 0) + 1  # a retired user who then leaves is subtracted twice
        if self.users == 1:
            self.linger = linger
            self._queue.max_pending = max_pending
            self._generation += 1

    def step(self, now: float) -> int:
        """Drain the buffers at the Unix time `now`, send what is possible; return the samples."""
        self._stepped = self._generation
        samples = 0
        for rows in self.buffers.drain.take(None if self.closed else int(now)):
            if self.closed:  # checked after draining: a later user has recorded none of these
                self._drop("closed", rows.measurements)
                continue
            # Threads that only record hold the interpreter's lock most of the time: they may add
            # more than is taken here.
            self.buffers.limit(MAX_BEHIND * self.max_pending)
            samples += rows.samples
            self._enqueue(rows, now)
            if self._opened is not None:
                self._send()
        if self.closed:
            return 0
        if own := self._report.rows(self.buffers.dropped, self.errors, len(self.buffers)):
            self._enqueue(own, now)
        self._since = now
        self._revive()
        self._send()
        return samples

    def wait(self, milliseconds: int) -> None:
        """Wait until ZeroMQ accepts more, and send what is possible."""
        with self._counting_errors():
            if self._opened is None or self._polled(milliseconds):
                self._send()

    def close(self, linger: float) -> Context | None:
        """Close the connection if it had no users since the last step began.

        Returns the context, which the caller has to terminate; that waits up to `linger` seconds
        for ZeroMQ to send the rest. What ZeroMQ didn't accept, or still holds, is dropped and
        counted.
        """
        # No lock is needed: a user who comes after this check begins a new, open generation. A user
        # who came and left since the step may have left samples, and waits for a close of its own.
        if self.users > 0 or self._stepped != self._generation:
            return None
        self._closed_generation = self._stepped
        self.buffers.sampled.clear()
        self._drop("unsent", self._queue.clear())
        return self.end(linger)

    def end(self, linger: float) -> Context | None:
        """Close the socket; return the context to be terminated, as `close` does."""
        with self._counting_errors():
            self._has_room(LAST_CHANCE)
        is_sent = self._held is None
        opened = self.detach()
        if opened is None:
            return None
        context, socket = opened
        # What is counted as dropped must not arrive, and anything else must not be cut off.
        # ZeroMQ's thread may still be sending then: a closed socket doesn't report that.
        socket.close(linger=max(LEAST_LINGER, int(linger * 1000)) if is_sent else 0)
        return context if self.connector.owns_context else None

    def detach(self) -> Opened | None:
        """Return the context and socket, if open; from now on, the caller has to close them.

        What ZeroMQ still holds is dropped and counted.
        """
        opened, self._opened = self._opened, None
        held, self._held = self._held, None
        self._drop("unsent", 0 if held is None else self._lost(held))
        return opened

    def restart(self) -> Opened | None:
        """Remove what a forked child must not send; return what it must not close."""
        inherited = self.detach()
        self.buffers.restart()  # the counters include what the parent has counted
        self.errors.clear()
        self._begin(self.max_pending)
        return inherited

    def _enqueue(self, rows: Rows, now: float) -> None:
        lists = (rows.counters, rows.timers, rows.gauges)
        batch = Batch(VERSION, self._client, 0, self._since, now, *lists)
        if self._queue.is_filling:  # send before anything is dropped
            self._send()
        self._drop("full", self._queue.add(batch))

    def _drop(self, reason: str, count: int) -> None:
        if count:
            self.buffers.dropped[reason] += count

    def _send(self) -> None:
        """Send until nothing is left or ZeroMQ accepts no more."""
        with self._counting_errors():
            if self._has_next and self._opened is None:
                self._opened = self._open()
            while self._has_next and self._opened is not None and self._has_room(PATIENCE):
                frame = self._frame()
                if frame is not None:
                    # Removed only after ZeroMQ has accepted it: if this raises, it is still the
                    # first.
                    self._opened[1].send(frame, zmq.NOBLOCK)
                    self._held = self._pass_on()
            self._has_room(0)

    def _revive(self) -> None:
        """Connect again if ZeroMQ has given up; count that once until something was sent again."""
        with self._counting_errors():
            if self._opened is not None and self._opened[1].revive():
                self.errors["handshake"] += self._sent_before_failure != self._sent
                self._sent_before_failure = self._sent
                self._send_again()

    @property
    def _has_next(self) -> bool:
        """Whether there is something to send."""
        return len(self._queue) > 0

    def _open(self) -> Opened:
        return self.connector.open()

    def _pass_on(self) -> Batch:
        """Remove the batch that ZeroMQ has, and return it."""
        return self._queue.pop()

    def _lost(self, held: Batch) -> int:
        """Return how many measurements are lost with a batch that ZeroMQ holds."""
        return measurements(held)

    def _send_again(self) -> None:
        """Queue again what ZeroMQ held for a connection that it has given up."""
        held, self._held = self._held, None
        if held is not None:
            self._queue.put_back(held)

    def _has_room(self, milliseconds: int) -> bool:
        """Wait at most so long until ZeroMQ has passed on its batch; return whether it has.

        A socket queues one batch. If it has room for the next one, the last one is on its way to a
        peer. A plain ZeroMQ socket has no other way to tell this.
        """
        return self._held is None or self._polled(milliseconds)

    def _polled(self, milliseconds: int) -> bool:
        if self._opened is None or not self._opened[1].poll(milliseconds, zmq.POLLOUT):
            return False
        self._sent += self._held is not None
        self._held = None
        return True

    def _frame(self) -> bytes | None:
        """Return the first frame, or None if the first batch can't be encoded."""
        try:
            return self._queue.first()
        except MemoryError:
            raise zmq.ZMQError(errno.ENOMEM) from None
        except Exception:  # a fault must not hold up all later batches
            self._drop("error", measurements(self._queue.discard()))
            return None

    @contextmanager
    def _counting_errors(self) -> Iterator[None]:
        """Release a failed socket, as when the host ended its context; another is opened later."""
        try:
            yield
        except zmq.Again:
            pass
        except zmq.ZMQError as error:
            self.errors[error_name(error)] += 1
            opened = self.detach()  # its content is dropped, not repeated: it may have gone
            if opened is not None:
                opened[1].close(linger=0)
