"""Buffers: what instruments leave is taken once, in order, whoever else is writing."""

import threading
from array import array

from zibrato import buffers
from zibrato.buffers import Buffers, Rows, Ticks, Values
from zibrato.model import COUNTER, GAUGE, TIMER, Series
from zibrato.wire import unpack


def series(kind: str, name: str = "n") -> Series:
    return Series(kind, name, "")


def drained(found: Buffers) -> Rows:
    """Return everything as one set of rows."""
    every = Rows()
    for rows in found.drain():
        every.counters += rows.counters
        every.timers += rows.timers
        every.gauges += rows.gauges
        every.samples += rows.samples
    return every


def test_ticks_are_taken_once() -> None:
    ticks = Ticks(1)
    assert ticks.take() == 0
    for _ in range(5):
        ticks.tick()
    assert ticks.take() == 5
    assert ticks.take() == 0
    ticks.tick()
    assert ticks.take() == 1


def test_a_counter_sums_its_increments() -> None:
    found = Buffers()
    tick = found.ticks(series(COUNTER), 2.5).tick
    for _ in range(4):
        tick()
    (row,) = drained(found).counters
    assert (row.count, row.sum) == (4, 10.0)


def test_increments_of_zero_and_below_count() -> None:
    found = Buffers()
    found.ticks(series(COUNTER, "zero"), 0).tick()
    found.ticks(series(COUNTER, "down"), -3).tick()
    rows = {row.name: (row.count, row.sum) for row in drained(found).counters}
    assert rows == {"zero": (1, 0), "down": (1, -3)}


def test_a_varying_counter_is_summed_where_it_is_drained() -> None:
    found = Buffers()
    append = found.values(series(COUNTER)).append
    append(4)
    append(-1.5)
    (row,) = drained(found).counters
    assert (row.count, row.sum) == (2, 2.5)


def test_samples_keep_their_order() -> None:
    found = Buffers()
    for kind in (TIMER, GAUGE):
        for value in (3, 1, 2.5):
            found.values(series(kind)).append(value)
    rows = drained(found)
    assert (
        unpack(rows.timers[0].samples) == unpack(rows.gauges[0].samples) == array("d", (3, 1, 2.5))
    )
    assert rows.samples == 6


def test_an_idle_buffer_gives_nothing() -> None:
    found = Buffers()
    found.ticks(series(COUNTER), 1)
    found.values(series(TIMER))
    assert list(found.drain()) == []


def test_much_comes_in_chunks() -> None:
    found = Buffers()
    append = found.values(series(TIMER)).append
    for value in range(2 * buffers.CHUNK + 1):
        append(value)
    assert [rows.samples for rows in found.drain()] == [buffers.CHUNK, buffers.CHUNK, 1]


def test_what_is_no_number_is_counted_and_costs_nothing_else() -> None:
    class Hostile:
        def __float__(self) -> float:
            raise RuntimeError("no")

    found = Buffers()
    append = found.values(series(GAUGE)).append
    for value in (1, "2", None, Hostile(), 10**400, True, 3.5):
        append(value)
    (row,) = drained(found).gauges
    assert unpack(row.samples) == array("d", (1, 1, 3.5))
    assert found.dropped == {"value": 4}


def test_series_beyond_the_bound_are_dropped_and_counted() -> None:
    found = Buffers()
    bound = buffers.MAX_SERIES
    for number in range(bound + 3):
        found.values(series(GAUGE, str(number))).append(1)
        found.ticks(series(COUNTER, str(number)), 1).tick()
    rows = drained(found)
    assert (len(rows.gauges), len(rows.counters)) == (bound, bound)
    assert found.dropped == {"max_series": 6}


def test_discard_counts_what_it_drops() -> None:
    found = Buffers()
    found.ticks(series(COUNTER), 5).tick()
    found.values(series(TIMER)).append(1.0)
    found.discard("closed")
    assert found.dropped == {"closed": 2}
    assert list(found.drain()) == []


def test_restart_forgets_in_place() -> None:
    found = Buffers()
    tick = found.ticks(series(COUNTER), 1).tick
    append = found.values(series(TIMER)).append
    tick()
    append(1.0)
    found.restart()
    assert list(found.drain()) == []
    tick()
    append(2.0)
    rows = drained(found)
    assert (rows.counters[0].count, unpack(rows.timers[0].samples)[0]) == (1, 2.0)


def test_values_are_bounded_by_a_clear_that_tells() -> None:
    values = Values()
    values.append(1)
    values.append(2)
    assert values.clear() == 2
    assert len(values) == 0


def test_eight_threads_lose_nothing_while_another_drains() -> None:
    found = Buffers()
    tick = found.ticks(series(COUNTER), 1).tick
    append = found.values(series(TIMER)).append
    each, threads = 20_000, 8
    running = threading.Event()

    def work() -> None:
        for _ in range(each):
            tick()
            append(1.0)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    counted = samples = 0

    def take() -> None:
        nonlocal counted, samples
        rows = drained(found)
        counted += sum(row.count for row in rows.counters)
        samples += rows.samples

    for worker in workers:
        worker.start()
    while any(worker.is_alive() for worker in workers):
        take()
        running.wait(0.001)
    take()
    assert (counted, samples) == (each * threads, each * threads)
