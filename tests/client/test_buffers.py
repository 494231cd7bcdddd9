"""Buffers: what instruments leave is taken once, in order, whoever else is writing."""

import gc
import threading
from array import array
from typing import cast

import pytest

from zibrato.client import buffers
from zibrato.client.buffers import Buffers, Rows, Ticks, Values
from zibrato.model import COUNTER, GAUGE, TIMER, Series, bounded
from zibrato.wire import Batch, decode, encode, unpack


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
    for value in range(2 * buffers.BATCH + 1):
        append(value)
    batches = list(found.drain())
    assert sum(rows.samples for rows in batches) == 2 * buffers.BATCH + 1
    assert max(rows.samples for rows in batches) <= buffers.BATCH
    values = [value for rows in batches for row in rows.timers for value in unpack(row.samples)]
    assert values == list(range(2 * buffers.BATCH + 1))


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


class Name(str):
    """Text that the encoder takes for something else."""

    __slots__ = ()


def test_an_identity_is_kept_as_plain_text() -> None:
    found = Buffers()
    name, tags = Name("n"), ((Name("key"), Name("value")),)
    append = found.values(Series(GAUGE, name, Name("here"), tags, Name("info"))).append
    append(1)
    found.values(Series(GAUGE, "n", "here", (("key", "value"),), "info")).append(2)
    (row,) = drained(found).gauges
    assert [type(each) for each in (row.name, row.source, row.level, *row.tags)] == [str] * 4
    assert len(unpack(row.samples)) == 2


@pytest.mark.parametrize(
    "bad",
    [
        Series(GAUGE, "\ud800", ""),
        Series(GAUGE, "n", cast(str, 5)),
        Series(GAUGE, "n", "", (("key", cast(str, None)),)),
        Series(GAUGE, "n", "", (("key", "v" * 200_000),)),
    ],
    ids=["surrogate", "source", "tag", "long"],
)
def test_an_identity_that_can_not_be_sent_is_refused(bad: Series) -> None:
    found = Buffers()
    for _ in range(2):
        with pytest.raises((TypeError, ValueError)):
            found.values(bad)
        with pytest.raises((TypeError, ValueError)):
            found.ticks(bad, 1)
    assert len(found) == 0


@pytest.mark.parametrize("value", [2**63, -(2**70), 1e308, True, 10**400])
def test_a_sum_is_as_the_encoder_takes_it(value: float) -> None:
    found = Buffers()
    tick = found.ticks(series(COUNTER), value).tick
    for _ in range(3):
        tick()
    rows = drained(found)
    (row,) = decode(encode(Batch(1, "c", 1, 0, 1, rows.counters)), 0).batches[0].counters
    assert row.count == 3
    assert row.sum == bounded(3 * value)


def test_what_is_not_finite_does_not_spoil_a_varying_counter() -> None:
    found = Buffers()
    append = found.values(series(COUNTER)).append
    for value in (1, float("nan"), float("inf"), 2):
        append(value)
    (row,) = drained(found).counters
    assert (row.count, row.sum) == (2, 3)
    assert found.dropped == {"value": 2}


def test_a_finalizer_that_makes_series_does_not_stop_a_drain() -> None:
    """Until Python 3.12 any allocation may collect garbage, those of a drain most likely."""

    class Cycle:
        def __init__(self) -> None:
            self.cycle = self

        def __del__(self) -> None:
            found.ticks(series(COUNTER, str(len(found))), 1).tick()

    found = Buffers()
    for number in range(2000):
        found.values(series(GAUGE, str(number)))
        found.ticks(series(COUNTER, str(number)), 1)
    counted = 0
    for _ in range(20):
        Cycle()
        counted += sum(row.count for row in drained(found).counters)
    gc.collect()
    assert counted + sum(row.count for row in drained(found).counters) == 20


def test_values_that_nothing_drains_are_bounded() -> None:
    found = Buffers()
    for number in range(3):
        append = found.values(series(TIMER, str(number))).append
        for _ in range(10):
            append(1.0)
    found.limit(30)
    assert not found.dropped
    append(1.0)
    found.limit(30)
    assert found.dropped == {"full": 31}
    assert list(found.drain()) == []


def test_varying_counters_that_nothing_drains_are_added_up() -> None:
    found = Buffers()
    append = found.values(series(COUNTER)).append
    for _ in range(2):
        for value in (1, 2.5, "no number"):
            append(value)
        found.limit(2)
    append(4)
    rows = drained(found)
    assert sum(row.count for row in rows.counters) == 5
    assert sum(row.sum for row in rows.counters) == 11
    assert found.dropped == {"value": 2}
    assert list(found.drain()) == []
