"""Outlets: nothing lost and nothing doubled between a sender and those who listen."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Iterable, Iterator

import pytest

from zibrato.client.buffers import Buffers, Rows
from zibrato.client.drain import Everywhere, Outlet, everywhere
from zibrato.model import COUNTER, Series


class Counts:
    """Counts increments that it hears, or is given."""

    def __init__(self) -> None:
        self.total = 0

    def hear(self, rows: Rows) -> None:
        self.total += sum(row.count for row in rows.counters)

    def take(self, every: Iterable[Rows]) -> int:
        """Return the increments of these rows."""
        before = self.total
        for rows in every:
            self.hear(rows)
        return self.total - before


class Ticking:
    """Buffers with one counter."""

    def __init__(self) -> None:
        self.buffers = Buffers()
        self.outlet = self.buffers.outlet
        self.tick = self.buffers.ticks(Series(COUNTER, "c", ""), 1).tick

    def ticks(self, count: int) -> None:
        for _ in range(count):
            self.tick()

    def sent(self) -> int:
        """Return how many increments the sender gets now."""
        return Counts().take(self.buffers.drain())


def test_without_listeners_everything_is_the_senders() -> None:
    made = Ticking()
    made.ticks(3)
    made.outlet.catch_up()
    made.ticks(4)
    assert made.sent() == 7
    assert made.sent() == 0


def test_what_is_recorded_while_somebody_listens_is_not_the_senders() -> None:
    made, counts = Ticking(), Counts()
    made.ticks(1)
    made.outlet.add(counts.hear)
    made.ticks(10)
    assert made.sent() == 1
    assert counts.total == 10
    made.ticks(20)
    made.outlet.catch_up()
    assert counts.total == 30
    made.ticks(100)
    made.outlet.remove(counts.hear)
    made.ticks(1000)
    assert counts.total == 130
    assert made.sent() == 1000


def test_every_listener_hears_and_hears_once() -> None:
    made, first, second = Ticking(), Counts(), Counts()
    made.outlet.add(first.hear)
    made.outlet.add(first.hear)
    made.ticks(1)
    made.outlet.add(second.hear)
    made.ticks(1)
    made.outlet.remove(first.hear)
    made.ticks(1)
    made.outlet.remove(second.hear)
    assert (first.total, second.total, made.sent()) == (2, 2, 0)


def test_a_sender_that_fails_at_one_batch_gets_the_others() -> None:
    made, counts = Ticking(), Counts()
    for _ in range(3):
        made.ticks(1)
        made.outlet.catch_up()
    with pytest.raises(MemoryError):
        for _ in made.buffers.drain():
            raise MemoryError
    assert counts.take(made.buffers.drain()) == 2


def test_a_discarded_measurement_is_still_heard() -> None:
    made, counts = Ticking(), Counts()
    made.outlet.add(counts.hear)
    made.ticks(2)
    made.buffers.discard("closed")
    assert counts.total == 2
    assert not made.buffers.dropped["closed"]


def test_a_forked_child_waits_for_no_turn_and_sends_nothing_of_its_parent() -> None:
    made = Ticking()
    made.ticks(1)
    made.outlet.catch_up()
    taking = made.buffers.drain()
    made.ticks(1)
    next(taking)  # a thread of the parent is in the middle of it
    made.buffers.restart()
    assert made.sent() == 0
    made.ticks(5)
    assert made.sent() == 5


def test_only_one_at_a_time_takes() -> None:
    entered = [threading.Event(), threading.Event()]
    entries = iter(entered)

    def take() -> Iterator[Rows]:
        next(entries).set()
        yield Rows()

    outlet = Outlet(take)
    draining = outlet.drain()
    next(draining)
    other = threading.Thread(target=outlet.catch_up)
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
def test_listeners_may_come_and_go_while_senders_drain() -> None:
    made, heard, sent = Ticking(), Counts(), [Counts(), Counts()]
    ticked: list[int] = []
    done = threading.Event()

    def send(counts: Counts) -> None:
        while not done.is_set():
            counts.take(made.buffers.drain())

    def work() -> None:
        count = 0
        while not done.is_set():
            made.ticks(100)
            count += 100
        ticked.append(count)

    threads = [threading.Thread(target=send, args=(counts,)) for counts in sent]
    threads += [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    rounds = 0
    while rounds < 20 or heard.total == 0:
        made.outlet.add(heard.hear)
        made.outlet.catch_up()
        made.outlet.remove(heard.hear)
        rounds += 1
    done.set()
    for thread in threads:
        thread.join()
    assert heard.total + sent[0].total + sent[1].total + made.sent() == sum(ticked)


def test_everywhere_is_every_client_also_one_to_come() -> None:
    counts = Counts()
    before = Ticking()
    before.ticks(1)
    everywhere.add(counts.hear)
    try:
        before.ticks(10)
        later = Ticking()
        later.ticks(100)
        everywhere.catch_up()
        assert counts.total == 110
    finally:
        everywhere.remove(counts.hear)
    later.ticks(1000)
    assert (before.sent(), later.sent(), counts.total) == (1, 1000, 110)


def test_everywhere_keeps_no_client_alive() -> None:
    every = Everywhere()

    def join() -> None:
        every.join(Outlet(lambda: []))

    join()
    gc.collect()
    assert every._outlets == []


def test_rows_reach_the_sender_in_the_order_of_their_recording() -> None:
    buffers = Buffers()
    for name in ("a", "b"):
        buffers.ticks(Series(COUNTER, name, ""), 1).tick()
        buffers.outlet.catch_up()
    buffers.ticks(Series(COUNTER, "c", ""), 1).tick()
    names = [[row.name for row in rows.counters] for rows in buffers.drain()]
    assert names == [["a"], ["b"], ["c"]]
