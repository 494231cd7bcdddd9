"""A receiver that stands in for the daemon where a test counts what a client sends."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import zmq

from tests.batches import batch_of
from tests.integration.processes import DEADLINE, eventually
from zibrato.wire import unpack


class Sink:
    """A PULL socket on an endpoint, and what came in by name.

    `counts` are increments, samples and readings, `sums` what they add up to, `reasons` the sums
    of `zibrato.client.dropped` and `.errors`, by the last word of the name and the reason.
    """

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.counts: Counter[str] = Counter()
        self.sums: defaultdict[str, float] = defaultdict(float)
        self.reasons: Counter[tuple[str, str]] = Counter()
        self.open()

    def open(self) -> None:
        """Bind."""
        self._context: zmq.Context[Any] = zmq.Context()
        self._socket: zmq.Socket[Any] = self._context.socket(zmq.PULL)
        self._socket.set(zmq.RCVHWM, 0)
        self._socket.bind(self.endpoint)
        bound: Any = self._socket.get(zmq.LAST_ENDPOINT)
        self.endpoint = bound.rstrip(b"\0").decode()

    def close(self, quiet: int = 100) -> None:
        """Take what has arrived, until nothing comes for `quiet` milliseconds, and close.

        All connections are cut when it returns. What clients send meanwhile is lost.
        """
        self.take(quiet)
        self._socket.close(linger=0)
        self._context.destroy(linger=0)

    def take(self, timeout: int) -> None:
        """Take what has arrived, until nothing comes for `timeout` milliseconds."""
        while self._socket.poll(timeout):
            self._add(self._socket.recv())

    def until(self, condition: Callable[[], object], deadline: float = DEADLINE) -> None:
        """Take what arrives until `condition()` is true; raises AssertionError at the deadline."""

        def taken() -> object:
            self.take(10)
            return condition()

        eventually(taken, deadline)

    def wait_for(self, name: str, count: int, deadline: float = DEADLINE) -> None:
        """Wait until so many measurements of `name` came, and no more."""
        try:
            self.until(lambda: self.counts[name] >= count, deadline)
        except AssertionError:
            raise AssertionError(
                f"{name}: {self.counts[name]} of {count} came, with {self.counts.most_common(20)}"
            ) from None
        assert self.counts[name] == count

    def wait_for_reasons(self, expected: Mapping[tuple[str, str], int]) -> None:
        """Wait until so many drops and errors were reported, and assert that they are these."""
        with suppress(AssertionError):
            self.until(lambda: self.reasons.total() >= sum(expected.values()))
        assert self.reasons == expected

    def _add(self, frame: bytes) -> None:
        batch = batch_of(frame)
        for row in batch.counters:
            self.counts[row.name] += row.count
            self.sums[row.name] += row.sum
            if row.name.startswith("zibrato.client."):
                self.reasons[row.name.rpartition(".")[2], row.tags["reason"]] += int(row.sum)
        for samples in (*batch.timers, *batch.gauges):
            values = unpack(samples.samples)
            self.counts[samples.name] += len(values)
            self.sums[samples.name] += sum(values)
