"""A client's way to one endpoint: buffers, the batches that wait, and the ZeroMQ socket."""

from __future__ import annotations

import errno
import os
import time
from array import array
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import zmq

from zibrato.client.absence import Absence
from zibrato.client.buffers import Buffers
from zibrato.client.connector import Connector, Context, Opened
from zibrato.client.rows import Rows
from zibrato.client.send_queue import OWN, SendQueue, measurements
from zibrato.wire import VERSION, Batch, CounterRow, SampleRow, pack

MAX_PENDING = 1_000_000
PATIENCE = 1
"""Milliseconds that ZeroMQ gets to pass a batch on, before the rest waits for the next step."""
LAST_CHANCE = 20
"""Milliseconds that it gets for the last one as it is closed."""
LEAST_LINGER = 100
"""Milliseconds to get a batch out that ZeroMQ has passed on to a peer's connection already."""
MAX_BEHIND = 4
"""How many times as many may wait to be drained, which threads that only record can cause."""
SERIES_WARNING = 1_000
"""More series than these a client reports: tags and names are to have few values."""


class Connection:
    """Keeps what was drained until it is sent; past `max_pending` the oldest samples are dropped.

    A connection whose last user has left is closed, until it has users again. All but those, the
    `linger`, the buffers and the counters of drops and errors belongs to one thread.
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
        """How often sending failed since the start, by the error: mostly the name of an errno."""
        self._opened: Opened | None = None
        self._begin(max_pending)

    def _begin(self, max_pending: int) -> None:
        self._client = f"{os.getpid()}-{uuid4().hex[:12]}"
        self._since = time.time()
        self._queue = SendQueue(max_pending)
        self._absence = Absence()
        self._held: int | None = None
        self._sent = 0
        self._reported: Counter[tuple[str, str]] = Counter()
        self._series_bound = SERIES_WARNING

    @property
    def max_pending(self) -> int:
        """About how many samples are kept."""
        return self._queue.max_pending

    @property
    def pending(self) -> int:
        """How many batches wait, with one that ZeroMQ may hold still."""
        return len(self._queue) + (self._held is not None)

    @property
    def queued(self) -> int:
        """How many batches wait to be given to ZeroMQ."""
        return len(self._queue)

    def is_absence_due(self, now: float) -> bool:
        """Return whether to say, at the monotonic time `now`, that nobody takes what waits."""
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
        """Count one more user; the first one sets the bounds, and opens what was closed."""
        self.users = max(self.users, 0) + 1  # who was retired and then leaves is counted out twice
        if self.users == 1:
            self.linger = linger
            self._queue.max_pending = max_pending
            self._generation += 1

    def step(self, now: float) -> int:
        """Drain the buffers at the Unix time `now`, send what goes; return how many samples."""
        self._stepped = self._generation
        samples = 0
        for rows in self.buffers.drain.take(None if self.closed else int(now)):
            if self.closed:  # now that they are taken: who acquires it later recorded none of them
                self._drop("closed", rows.measurements)
                continue
            # Threads that only record have the interpreter's lock most of the time: they may add
            # more meanwhile than is taken away here.
            self.buffers.limit(MAX_BEHIND * self.max_pending)
            samples += rows.samples
            self._enqueue(rows, now)
            if self._opened is not None:
                self._send()
        if self.closed:
            return 0
        self._report(now)
        self._since = now
        self._send()
        return samples

    def wait(self, milliseconds: int) -> None:
        """Wait for ZeroMQ to take more of what is pending, and send what goes."""
        with self._counting_errors():
            if self._opened is None or self._polled(milliseconds):
                self._send()

    def close(self, linger: float) -> Context | None:
        """Close if it has had no users since the last step began.

        Returns the context that is to be ended, which waits for ZeroMQ to go on sending, `linger`
        seconds at most. What ZeroMQ didn't take, or has still, is dropped, counted.
        """
        # There is no lock: whoever acquires it after this look begins a generation that is open.
        # One who came and went since the step may have left samples, and waits for a close itself.
        if self.users > 0 or self._stepped != self._generation:
            return None
        self._closed_generation = self._stepped
        self.buffers.sampled.clear()
        self._drop("unsent", self._queue.clear())
        return self.end(linger)

    def end(self, linger: float) -> Context | None:
        """Close the socket; return the context that is to be ended, as `close` does."""
        with self._counting_errors():
            self._has_room(LAST_CHANCE)
        is_sent = self._held is None
        opened = self.detach()
        if opened is None:
            return None
        context, socket = opened
        # What is counted as dropped is not to arrive after all, what isn't must not be cut off. Its
        # thread may still be faster than this: of a socket that is closed nothing tells.
        socket.close(linger=max(LEAST_LINGER, int(linger * 1000)) if is_sent else 0)
        return context if self.connector.owns_context else None

    def detach(self) -> Opened | None:
        """Return the context and socket, if open, which are the caller's to close from now on.

        What ZeroMQ has still is dropped, counted.
        """
        opened, self._opened = self._opened, None
        held, self._held = self._held, None
        self._drop("unsent", held or 0)
        return opened

    def restart(self) -> Opened | None:
        """Empty it of what a forked child must not send; return what it must not close."""
        inherited = self.detach()
        self.buffers.restart()  # with the counters, also of what is the parent's
        self.errors.clear()
        self._begin(self.max_pending)
        return inherited

    def _enqueue(self, rows: Rows, now: float) -> None:
        lists = (rows.counters, rows.timers, rows.gauges)
        batch = Batch(VERSION, self._client, 0, self._since, now, *lists)
        if self._queue.is_filling:  # what goes is to go before anything is dropped
            self._send()
        self._drop("full", self._queue.add(batch))

    def _drop(self, reason: str, count: int) -> None:
        if count:
            self.buffers.dropped[reason] += count

    def _report(self, now: float) -> None:
        """Enqueue what went wrong since the last time, and that there are too many series.

        The latter once, and again each time that their number has doubled.
        """
        rows = Rows()
        for name, totals in (("dropped", self.buffers.dropped), ("errors", self.errors)):
            for reason, total in dict(totals).items():  # a copy: other threads count as well
                increase = total - self._reported[name, reason]
                self._reported[name, reason] = total
                if increase:
                    rows.counters.append(_own(name, reason, increase))
        series = len(self.buffers)
        if series > self._series_bound:
            self._series_bound = 2 * series
            rows.gauges.append(_own_gauge("series", series))
        if rows:
            self._enqueue(rows, now)

    def _send(self) -> None:
        """Send until nothing is left or ZeroMQ takes no more."""
        with self._counting_errors():
            if self._has_next and self._opened is None:
                self._opened = self._open()
            while self._has_next and self._opened is not None and self._has_room(PATIENCE):
                frame = self._frame()
                if frame is not None:
                    # Removed once ZeroMQ has it: where this raises, it is still the first.
                    self._opened[1].send(frame, zmq.NOBLOCK)
                    self._held = self._pass_on()
            self._has_room(0)

    @property
    def _has_next(self) -> bool:
        """Whether there is something to send."""
        return len(self._queue) > 0

    def _open(self) -> Opened:
        return self.connector.open()

    def _pass_on(self) -> int:
        """Let go of what ZeroMQ has now; return how many measurements are lost if it loses it."""
        return measurements(self._queue.pop())

    def _has_room(self, milliseconds: int) -> bool:
        """Return whether ZeroMQ has passed on what it was given, within so many milliseconds.

        A socket queues one batch: where it has room for the next, that one is on its way to a peer.
        Nothing else tells that of a plain ZeroMQ socket.
        """
        return self._held is None or self._polled(milliseconds)

    def _polled(self, milliseconds: int) -> bool:
        if self._opened is None or not self._opened[1].poll(milliseconds, zmq.POLLOUT):
            return False
        self._sent += self._held is not None
        self._held = None
        return True

    def _frame(self) -> bytes | None:
        """Return the first frame, or None where there is none to be had of the first batch."""
        try:
            return self._queue.first()
        except MemoryError:
            raise zmq.ZMQError(errno.ENOMEM) from None
        except Exception:  # which must not hold up all that comes after it
            self._drop("error", measurements(self._queue.discard()))
            return None

    @contextmanager
    def _counting_errors(self) -> Iterator[None]:
        """Let go of a socket that fails, as when the host ended its context; open anew later."""
        try:
            yield
        except zmq.Again:
            pass
        except zmq.ZMQError as error:
            self.errors[_error_name(error)] += 1
            opened = self.detach()  # what it held may have gone: it is counted, and not sent twice
            if opened is not None:
                opened[1].close(linger=0)


def _own(name: str, reason: str, total: int) -> CounterRow:
    # One increment by the total: the row's count is of measurements made, of which it is one.
    return CounterRow(OWN + name, "warning", None, {"reason": reason}, 1, total)


def _own_gauge(name: str, value: float) -> SampleRow:
    return SampleRow(OWN + name, "warning", None, {}, pack(array("d", (value,))))


def _error_name(error: zmq.ZMQError) -> str:
    number = error.errno or 0
    return "ETERM" if number == zmq.ETERM else errno.errorcode.get(number, str(number))
