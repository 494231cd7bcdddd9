"""Buffers: what instruments leave is taken once, in order, whoever else is writing."""

import gc
import threading
from array import array
from typing import cast

import pytest

from tests.batches import batch_of
from zibrato.client.buffers import BATCH, MAX_SERIES, Buffers, CounterBuffer, SampleBuffer
from zibrato.client.rows import Rows
from zibrato.model import COUNTER, GAUGE, TIMER, Series, bounded
from zibrato.wire import Batch, encode, unpack


def series(kind: str, name: str = "n") -> Series:
    return Series(kind, name, "")


def drained(buffers: Buffers) -> Rows:
    """Return everything as one set of rows."""
    together = Rows()
    for rows in buffers.drain.take():
        together.counters += rows.counters
        together.timers += rows.timers
        together.gauges += rows.gauges
        together.samples += rows.samples
    return together


def test_increments_are_taken_once() -> None:
    counter = CounterBuffer(1)
    assert counter.take() == 0
    for _ in range(5):
        counter.increment()
    assert counter.take() == 5
    assert counter.take() == 0
    counter.increment()
    assert counter.take() == 1


def test_a_counter_sums_its_increments() -> None:
    buffers = Buffers()
    increment = buffers.counter_buffer(series(COUNTER), 2.5).increment
    for _ in range(4):
        increment()
    (row,) = drained(buffers).counters
    assert (row.count, row.sum) == (4, 10.0)


def test_increments_of_zero_and_below_count() -> None:
    buffers = Buffers()
    buffers.counter_buffer(series(COUNTER, "zero"), 0).increment()
    buffers.counter_buffer(series(COUNTER, "down"), -3).increment()
    rows = {row.name: (row.count, row.sum) for row in drained(buffers).counters}
    assert rows == {"zero": (1, 0), "down": (1, -3)}


def test_a_varying_counter_is_summed_where_it_is_drained() -> None:
    buffers = Buffers()
    append = buffers.sample_buffer(series(COUNTER)).append
    append(4)
    append(-1.5)
    (row,) = drained(buffers).counters
    assert (row.count, row.sum) == (2, 2.5)


def test_samples_keep_their_order() -> None:
    buffers = Buffers()
    for kind in (TIMER, GAUGE):
        for value in (3, 1, 2.5):
            buffers.sample_buffer(series(kind)).append(value)
    rows = drained(buffers)
    assert (
        unpack(rows.timers[0].samples) == unpack(rows.gauges[0].samples) == array("d", (3, 1, 2.5))
    )
    assert rows.samples == 6


def test_an_idle_buffer_gives_nothing() -> None:
    buffers = Buffers()
    buffers.counter_buffer(series(COUNTER), 1)
    buffers.sample_buffer(series(TIMER))
    assert list(buffers.drain.take()) == []


def test_much_comes_in_chunks() -> None:
    buffers = Buffers()
    append = buffers.sample_buffer(series(TIMER)).append
    for value in range(2 * BATCH + 1):
        append(value)
    batches = list(buffers.drain.take())
    assert sum(rows.samples for rows in batches) == 2 * BATCH + 1
    assert max(rows.samples for rows in batches) <= BATCH
    values = [value for rows in batches for row in rows.timers for value in unpack(row.samples)]
    assert values == list(range(2 * BATCH + 1))


def test_what_is_no_number_is_counted_and_costs_nothing_else() -> None:
    class Hostile:
        def __float__(self) -> float:
            raise RuntimeError("no")

    buffers = Buffers()
    append = buffers.sample_buffer(series(GAUGE)).append
    for value in (1, "2", None, Hostile(), 10**400, True, 3.5):
        append(value)
    (row,) = drained(buffers).gauges
    assert unpack(row.samples) == array("d", (1, 1, 3.5))
    assert buffers.dropped == {"value": 4}


def test_series_beyond_the_bound_are_dropped_and_counted() -> None:
    buffers = Buffers()
    bound = MAX_SERIES
    for number in range(bound + 3):
        buffers.sample_buffer(series(GAUGE, str(number))).append(1)
        buffers.counter_buffer(series(COUNTER, str(number)), 1).increment()
    rows = drained(buffers)
    assert (len(rows.gauges), len(rows.counters)) == (bound, bound)
    assert buffers.dropped == {"max_series": 6}


def test_what_is_taken_knows_how_many_measurements_it_holds() -> None:
    buffers = Buffers()
    buffers.counter_buffer(series(COUNTER), 5).increment()
    buffers.sample_buffer(series(TIMER)).append(1.0)
    assert sum(rows.measurements for rows in buffers.drain.take()) == 2
    assert list(buffers.drain.take()) == []


def test_restart_empties_in_place() -> None:
    buffers = Buffers()
    increment = buffers.counter_buffer(series(COUNTER), 1).increment
    append = buffers.sample_buffer(series(TIMER)).append
    increment()
    append(1.0)
    buffers.restart()
    assert list(buffers.drain.take()) == []
    increment()
    append(2.0)
    rows = drained(buffers)
    assert (rows.counters[0].count, unpack(rows.timers[0].samples)[0]) == (1, 2.0)


def test_a_clear_says_how_many_it_drops() -> None:
    samples = SampleBuffer()
    samples.append(1)
    samples.append(2)
    assert samples.clear() == 2
    assert len(samples) == 0


def test_eight_threads_lose_nothing_while_another_drains() -> None:
    buffers = Buffers()
    increment = buffers.counter_buffer(series(COUNTER), 1).increment
    append = buffers.sample_buffer(series(TIMER)).append
    times, threads = 20_000, 8
    running = threading.Event()

    def work() -> None:
        for _ in range(times):
            increment()
            append(1.0)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    counted = samples = 0

    def take() -> None:
        nonlocal counted, samples
        rows = drained(buffers)
        counted += sum(row.count for row in rows.counters)
        samples += rows.samples

    for worker in workers:
        worker.start()
    while any(worker.is_alive() for worker in workers):
        take()
        running.wait(0.001)
    take()
    assert (counted, samples) == (times * threads, times * threads)


class Name(str):
    """Text that the encoder takes for something else."""

    __slots__ = ()


def test_an_identity_is_kept_as_plain_text() -> None:
    buffers = Buffers()
    name, tags = Name("n"), ((Name("key"), Name("value")),)
    append = buffers.sample_buffer(Series(GAUGE, name, Name("here"), tags, Name("info"))).append
    append(1)
    buffers.sample_buffer(Series(GAUGE, "n", "here", (("key", "value"),), "info")).append(2)
    (row,) = drained(buffers).gauges
    assert [type(text) for text in (row.name, row.source, row.level, *row.tags)] == [str] * 4
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
def test_an_identity_that_can_not_be_sent_is_rejected(bad: Series) -> None:
    buffers = Buffers()
    for _ in range(2):
        with pytest.raises((TypeError, ValueError)):
            buffers.sample_buffer(bad)
        with pytest.raises((TypeError, ValueError)):
            buffers.counter_buffer(bad, 1)
    assert len(buffers) == 0


@pytest.mark.parametrize("value", [2**63, -(2**70), 1e308, True, 10**400])
def test_a_sum_is_as_the_encoder_takes_it(value: float) -> None:
    buffers = Buffers()
    increment = buffers.counter_buffer(series(COUNTER), value).increment
    for _ in range(3):
        increment()
    rows = drained(buffers)
    (row,) = batch_of(encode(Batch(1, "c", 1, 0, 1, rows.counters))).counters
    assert row.count == 3
    assert row.sum == bounded(3 * value)


def test_what_is_not_finite_does_not_spoil_a_varying_counter() -> None:
    buffers = Buffers()
    append = buffers.sample_buffer(series(COUNTER)).append
    for value in (1, float("nan"), float("inf"), 2):
        append(value)
    (row,) = drained(buffers).counters
    assert (row.count, row.sum) == (2, 3)
    assert buffers.dropped == {"value": 2}


def test_a_finalizer_that_makes_series_does_not_stop_a_drain() -> None:
    """Until Python 3.12 any allocation may collect garbage, those of a drain most likely."""

    class Cycle:
        def __init__(self) -> None:
            self.cycle = self

        def __del__(self) -> None:
            buffers.counter_buffer(series(COUNTER, str(len(buffers))), 1).increment()

    buffers = Buffers()
    for number in range(2000):
        buffers.sample_buffer(series(GAUGE, str(number)))
        buffers.counter_buffer(series(COUNTER, str(number)), 1)
    counted = 0
    for _ in range(20):
        Cycle()
        counted += sum(row.count for row in drained(buffers).counters)
    gc.collect()
    assert counted + sum(row.count for row in drained(buffers).counters) == 20


def test_samples_that_nothing_drains_are_bounded() -> None:
    buffers = Buffers()
    for number in range(3):
        append = buffers.sample_buffer(series(TIMER, str(number))).append
        for _ in range(10):
            append(1.0)
    buffers.limit(30)
    assert not buffers.dropped
    append(1.0)
    buffers.limit(30)
    assert buffers.dropped == {"full": 31}
    assert list(buffers.drain.take()) == []


def test_varying_counters_that_nothing_drains_are_added_up() -> None:
    buffers = Buffers()
    append = buffers.sample_buffer(series(COUNTER)).append
    for _ in range(2):
        for value in (1, 2.5, "no number"):
            append(value)
        buffers.limit(2)
    append(4)
    rows = drained(buffers)
    assert sum(row.count for row in rows.counters) == 5
    assert sum(row.sum for row in rows.counters) == 11
    assert buffers.dropped == {"value": 2}
    assert list(buffers.drain.take()) == []
