"""Buffers, where instruments put measurements, and where a sender takes them.

An instrument only calls one C function that takes no lock and never raises: `next()` of an
`itertools.count`, or `list.append`. Both are atomic under the interpreter's lock. A lock of our own
would cost more than the call, and could deadlock: a signal handler or a finalizer that records may
interrupt the very code that holds the lock.

Only one thread at a time takes measurements; the drain ensures that.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count
from math import isfinite
from typing import TypeVar, cast

from zibrato.client.drain import Drain
from zibrato.client.rows import Rows, plain
from zibrato.client.sampled import InProgressBuffer, Sampled
from zibrato.model import COUNTER, GAUGE, Series

CHUNK = 10_000
"""How many samples are converted to numbers at once, while the interpreter's lock is held."""
BATCH = 100_000
"""How many samples a batch has. Sending one releases that lock, and busy threads return it late."""
MAX_SERIES = 10_000

Key = TypeVar("Key")
Buffer = TypeVar("Buffer")


class CounterBuffer:
    """Increments by a constant `value`; `increment()` adds one, and its result has no meaning."""

    __slots__ = ("_seen", "increment", "value")

    def __init__(self, value: float) -> None:
        self.value = value
        self.increment: Callable[[], int] = count().__next__
        self._seen = 0

    def take(self) -> int:
        """Return how many increments there were since the last call."""
        # A count can be read only by advancing it. That adds an increment of our own, so what has
        # been taken by now is one more than what was reached.
        reached = self.increment()
        increments = reached - self._seen
        self._seen = reached + 1
        return increments


class SampleBuffer:
    """Samples of a series in the order in which they were recorded; `append` accepts any object."""

    __slots__ = ("_samples", "append")

    def __init__(self) -> None:
        self._samples: list[object] = []
        self.append: Callable[[object], None] = self._samples.append

    def __len__(self) -> int:
        return len(self._samples)

    def take(self) -> list[object]:
        """Return all samples."""
        # Other threads append meanwhile, but only at the end, so the copied samples are the first
        # ones. The list must stay the same, because instruments hold its `append`. All are deleted
        # at once, because each deletion moves what is left.
        samples = self._samples[:]
        del self._samples[: len(samples)]
        return samples

    def clear(self) -> int:
        """Drop everything, and return the number of dropped samples."""
        dropped = len(self._samples)
        del self._samples[:dropped]
        return dropped


class Buffers:
    """The buffers of one client: one of each kind for each series.

    Beyond `MAX_SERIES` series, measurements of new series are dropped and counted, so that names
    that are made at run time can't fill the host's memory.
    """

    def __init__(self) -> None:
        self.dropped: Counter[str] = Counter()
        """How many measurements were dropped since the start, by reason."""
        self._counters: dict[tuple[Series, float], CounterBuffer] = {}
        self._samples: dict[Series, SampleBuffer] = {}
        self._sums: dict[Series, tuple[int, float]] = {}
        self._surplus_counter = CounterBuffer(0)
        self._surplus_samples = SampleBuffer()
        self.sampled = Sampled(lambda series: self.sample_buffer(series).append, self._count_error)
        self.drain = Drain(self._rows, self.sampled.sample)

    def counter_buffer(self, series: Series, value: float) -> CounterBuffer:
        """Return the buffer for a counter's increments by `value`; raises as `sample_buffer`."""
        key = (series, value)
        buffer = self._counters.get(key)
        if buffer is not None:
            return buffer
        if len(self._counters) >= MAX_SERIES:
            return self._surplus_counter
        # `setdefault` is atomic: threads that call it at the same time get the same buffer.
        return self._counters.setdefault((plain(series), value), CounterBuffer(value))

    def sample_buffer(self, series: Series) -> SampleBuffer:
        """Return the buffer for samples of a series.

        Raises TypeError if the identity isn't all text, and ValueError if it can't be encoded or is
        too long to be sent.
        """
        buffer = self._samples.get(series)
        if buffer is not None:
            return buffer
        if len(self._samples) >= MAX_SERIES:
            return self._surplus_samples
        return self._samples.setdefault(plain(series), SampleBuffer())

    def in_progress_buffer(self, series: Series) -> InProgressBuffer:
        """Return the buffer for calls in progress; raises as `sample_buffer`."""
        exact = plain(series)
        if len(self.sampled) >= MAX_SERIES:
            self.dropped["max_series"] += 1
            return InProgressBuffer()
        return self.sampled.in_progress(exact)

    def _count_error(self) -> None:
        self.dropped["value"] += 1

    def __len__(self) -> int:
        return len(self._counters) + len(self._samples)

    def _rows(self) -> Iterator[Rows]:
        """Yield what was recorded, in rows of about `BATCH` samples."""
        self._count_surplus()
        rows = Rows()
        self._add_counters(rows)
        for series, buffer in _items(self._samples):
            samples = buffer.take()
            for start in range(0, len(samples), CHUNK):
                self._add(series, self._numbers(series, samples[start : start + CHUNK]), rows)
                if rows.cost >= BATCH:
                    yield rows
                    rows = Rows()
        if rows:
            yield rows

    def _numbers(self, series: Series, samples: list[object]) -> array[float]:
        """Return the samples as numbers; a callable in a gauge is read regularly from now on."""

        def adopt(sample: object) -> None:
            if series.kind == GAUGE and callable(sample):
                self.sampled.adopt(series, sample)
            else:
                self.dropped["value"] += 1

        return _numbers(samples, adopt)

    def _add_counters(self, rows: Rows) -> None:
        for (series, value), buffer in _items(self._counters):
            events = buffer.take()
            if events:
                rows.add_count(series, events, events * value)
        while self._sums:
            series, (events, total) = self._sums.popitem()
            rows.add_count(series, events, total)

    def _count_surplus(self) -> None:
        surplus = self._surplus_counter.take() + self._surplus_samples.clear()
        if surplus:
            self.dropped["max_series"] += surplus

    def _add(self, series: Series, samples: array[float], rows: Rows) -> None:
        if series.kind == COUNTER:
            samples = self._finite(samples)
        if not samples:
            return
        if series.kind == COUNTER:
            rows.add_count(series, len(samples), sum(samples))
        else:
            rows.add_samples(series, samples)

    def _finite(self, samples: array[float]) -> array[float]:
        """Return the samples that don't spoil a sum; the others are dropped and counted."""
        if isfinite(sum(samples)):
            return samples
        finite = array("d", filter(isfinite, samples))
        if len(finite) < len(samples):  # otherwise the sum of finite samples overflows
            self.dropped["value"] += len(samples) - len(finite)
        return finite

    def limit(self, max_samples: int) -> None:
        """Drop all samples if there are more than `max_samples`: nothing drains them in time.

        They are counted as dropped. Samples of counters are added up instead.
        """
        buffers = _items(self._samples)
        if sum(len(buffer) for _, buffer in buffers) <= max_samples:
            return
        for series, buffer in buffers:
            if series.kind == COUNTER:
                self._add_up(series, self._finite(self._numbers(series, buffer.take())))
            else:
                self.dropped["full"] += buffer.clear()

    def _add_up(self, series: Series, samples: array[float]) -> None:
        events, total = self._sums.get(series, (0, 0.0))
        if samples:
            self._sums[series] = (events + len(samples), total + sum(samples))

    def restart(self) -> None:
        """Empty everything in place: a forked child's parent sends what the child inherited."""
        self._count_surplus()
        for _, counter in _items(self._counters):
            counter.take()
        for series, buffer in _items(self._samples):
            if series.kind == GAUGE:
                self._numbers(series, buffer.take())  # callables in it belong to the child, too
            else:
                buffer.clear()
        self.sampled.restart()
        self._sums.clear()
        self.dropped.clear()
        self.drain.restart()


def _items(buffers: dict[Key, Buffer]) -> list[tuple[Key, Buffer]]:
    """Return the items, although other threads, or finalizers in this one, may add some."""
    while True:
        try:
            return list(buffers.items())
        except RuntimeError:  # its size changed meanwhile
            continue


def _numbers(samples: list[object], on_other: Callable[[object], None]) -> array[float]:
    """Return the samples as numbers; `on_other` gets samples that aren't numbers."""
    try:
        return array("d", cast("list[float]", samples))
    except BaseException:  # `__float__` of a foreign object may raise anything, in our own thread
        return array("d", _one_by_one(samples, on_other))


def _one_by_one(samples: list[object], on_other: Callable[[object], None]) -> Iterator[float]:
    for sample in samples:
        try:
            yield array("d", (cast("float", sample),))[0]
        except BaseException:  # as above
            on_other(sample)
