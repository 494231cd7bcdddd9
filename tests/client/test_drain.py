"""Drains: nothing lost and nothing doubled between a sender and callbacks."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Iterable, Iterator

import pytest

from tests.client.connections import Fixture
from zibrato.client.buffers import Buffers
from zibrato.client.drain import Drain, Registry, registry
from zibrato.client.rows import Rows
from zibrato.model import COUNTER, Series


class Counts:
    """Counts the increments of rows."""

    def __init__(self) -> None:
        self.total = 0

    def on_rows(self, rows: Rows) -> None:
        self.total += sum(row.count for row in rows.counters)

    def total_of(self, batches: Iterable[Rows]) -> int:
        """Return the increments of these rows."""
        before = self.total
        for rows in batches:
            self.on_rows(rows)
        return self.total - before


class Counted:
    """Buffers with one counter."""

    def __init__(self) -> None:
        self.buffers = Buffers()
        self.drain = self.buffers.drain
        self.increment = self.buffers.counter_buffer(Series(COUNTER, "c", ""), 1).increment

    def count(self, count: int) -> None:
        for _ in range(count):
            self.increment()

    def sent(self) -> int:
        """Return how many increments the sender gets now."""
        return Counts().total_of(self.buffers.drain.take())


def test_without_callbacks_everything_is_the_senders() -> None:
    counted = Counted()
    counted.count(3)
    counted.drain.catch_up()
    counted.count(4)
    assert counted.sent() == 7
    assert counted.sent() == 0


def test_what_is_recorded_while_there_is_a_callback_is_not_the_senders() -> None:
    counted, counts = Counted(), Counts()
    counted.count(1)
    counted.drain.add(counts.on_rows)
    counted.count(10)
    assert counted.sent() == 1
    assert counts.total == 10
    counted.count(20)
    counted.drain.catch_up()
    assert counts.total == 30
    counted.count(100)
    counted.drain.remove(counts.on_rows)
    counted.count(1000)
    assert counts.total == 130
    assert counted.sent() == 1000


def test_every_callback_gets_everything_once() -> None:
    counted, first, second = Counted(), Counts(), Counts()
    counted.drain.add(first.on_rows)
    counted.drain.add(first.on_rows)
    counted.count(1)
    counted.drain.add(second.on_rows)
    counted.count(1)
    counted.drain.remove(first.on_rows)
    counted.count(1)
    counted.drain.remove(second.on_rows)
    assert (first.total, second.total, counted.sent()) == (2, 2, 0)


def test_a_sender_that_fails_at_one_batch_gets_the_others() -> None:
    counted, counts = Counted(), Counts()
    for _ in range(3):
        counted.count(1)
        counted.drain.catch_up()
    with pytest.raises(MemoryError):
        for _ in counted.buffers.drain.take():
            raise MemoryError
    assert counts.total_of(counted.buffers.drain.take()) == 2


def test_a_dropped_measurement_still_reaches_callbacks() -> None:
    fixture, counts = Fixture(), Counts()
    fixture.connection.close(0.0)
    fixture.connection.buffers.drain.add(counts.on_rows)
    fixture.count()
    fixture.count()
    fixture.connection.step(1.0)
    assert counts.total == 2
    assert not fixture.connection.dropped


def test_a_forked_child_waits_for_no_turn_and_sends_nothing_of_its_parent() -> None:
    counted = Counted()
    counted.count(1)
    counted.drain.catch_up()
    taking = counted.buffers.drain.take()
    counted.count(1)
    next(taking)  # a thread of the parent is in the middle of it
    counted.buffers.restart()
    assert counted.sent() == 0
    counted.count(5)
    assert counted.sent() == 5


def test_only_one_at_a_time_takes() -> None:
    entered = [threading.Event(), threading.Event()]
    entries = iter(entered)

    def collect() -> Iterator[Rows]:
        next(entries).set()
        yield Rows()

    drain = Drain(collect)
    draining = drain.take()
    next(draining)
    other = threading.Thread(target=drain.catch_up)
    other.start()
    assert not entered[1].wait(0.05)
    assert list(draining) == []
    assert entered[1].wait(30)
    other.join()


@pytest.fixture
def _eager_threads() -> Iterator[None]:
    """Have threads interrupt one another as often as can be."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("_eager_threads")
def test_callbacks_may_come_and_go_while_senders_drain() -> None:
    counted, called, sent = Counted(), Counts(), [Counts(), Counts()]
    counts: list[int] = []
    done = threading.Event()

    def send(counts: Counts) -> None:
        while not done.is_set():
            counts.total_of(counted.buffers.drain.take())

    def work() -> None:
        count = 0
        while not done.is_set():
            counted.count(100)
            count += 100
        counts.append(count)

    threads = [threading.Thread(target=send, args=(counts,)) for counts in sent]
    threads += [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    rounds = 0
    while rounds < 20 or called.total == 0:
        counted.drain.add(called.on_rows)
        counted.drain.catch_up()
        counted.drain.remove(called.on_rows)
        rounds += 1
    done.set()
    for thread in threads:
        thread.join()
    assert called.total + sent[0].total + sent[1].total + counted.sent() == sum(counts)


def test_the_registry_has_every_client_also_one_to_come() -> None:
    counts = Counts()
    before = Counted()
    before.count(1)
    registry.add(counts.on_rows)
    try:
        before.count(10)
        later = Counted()
        later.count(100)
        registry.catch_up()
        assert counts.total == 110
    finally:
        registry.remove(counts.on_rows)
    later.count(1000)
    assert (before.sent(), later.sent(), counts.total) == (1, 1000, 110)


def test_the_registry_keeps_no_client_alive() -> None:
    own = Registry()

    def register() -> None:
        own.register(Drain(lambda: []))

    register()
    gc.collect()
    assert own._drains == []


def test_rows_reach_the_sender_in_the_order_of_their_recording() -> None:
    buffers = Buffers()
    for name in ("a", "b"):
        buffers.counter_buffer(Series(COUNTER, name, ""), 1).increment()
        buffers.drain.catch_up()
    buffers.counter_buffer(Series(COUNTER, "c", ""), 1).increment()
    names = [[row.name for row in rows.counters] for rows in buffers.drain.take()]
    assert names == [["a"], ["b"], ["c"]]
