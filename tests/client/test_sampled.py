"""Gauges that are read: callables once a second, and how many calls are in progress."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from tests.client.connections import Fixture
from zibrato.client import sampled
from zibrato.client.sampled import InProgressBuffer, SampledFunction
from zibrato.model import Series
from zibrato.testing import RecordingZibrato
from zibrato.wire import unpack


def readings(z: RecordingZibrato, name: str) -> float:
    """Return the newest reading."""
    return z.readings(name)[-1]


class Pool:
    """Something with a size."""

    def __init__(self, size: int) -> None:
        self.items = [0] * size

    def size(self) -> int:
        return len(self.items)


def test_a_callable_is_read_whenever_one_asks() -> None:
    z = RecordingZibrato()
    pool = Pool(3)
    z.gauge("pool", pool.size, tags={"of": "test"})
    assert z.readings("pool", tags={"of": "test"}) == [3]
    pool.items.pop()
    assert z.readings("pool") == [3, 2]


def test_a_method_is_held_weakly_and_a_function_is_not() -> None:
    z = RecordingZibrato()
    pool = Pool(3)
    z.gauge("method", pool.size)
    z.gauge("function", lambda: 5)
    assert (z.readings("method"), z.readings("function")) == ([3], [5, 5])
    del pool
    gc.collect()
    assert (z.readings("method"), readings(z, "function")) == ([3, 3], 5)
    assert z.dropped == {}


def test_the_newest_callable_of_a_series_counts_however_it_comes() -> None:
    z: Any = RecordingZibrato()
    z.gauge("g", lambda: 1)
    z.gauge(name="g", value=2)  # recorded as ever
    assert z.readings("g") == [2, 1]
    z.bind_gauge("g")(lambda: 3)
    assert sorted(z.readings("g")) == [1, 1, 2, 3]


@pytest.mark.parametrize("wrong", [lambda: 1 / 0, lambda: "3", sys.exit, lambda one: one])
def test_what_raises_or_is_no_number_is_counted_and_goes_on(wrong: Any) -> None:
    z = RecordingZibrato()
    z.gauge("bad", wrong)
    z.gauge("good", lambda: 1)
    assert z.readings("good") == [1]
    assert z.dropped == {"value": 2}  # to ask for the drops reads as well
    assert z.readings("bad") == []


@pytest.mark.parametrize("instrument", ["count", "timing"])
def test_only_a_gauge_takes_callables(instrument: str) -> None:
    z = RecordingZibrato()
    getattr(z, instrument)("n", lambda: 1)
    assert z.dropped == {"value": 1}
    assert z.dropped == {"value": 1}


def test_what_takes_long_rests_ten_times_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(sampled, "monotonic", lambda: now[0])

    def slow() -> float:
        now[0] += 2
        return 1

    function = SampledFunction(slow)
    assert function.read() == 1
    now[0] += 19.9
    assert function.read() is None
    now[0] += 0.2
    assert function.read() == 1
    assert function.read() is None
    function.restart()
    assert function.read() == 1


def test_a_connection_reads_once_a_second_and_not_when_it_is_closed() -> None:
    fixture = Fixture()
    connection = fixture.connection
    calls: list[int] = []

    def read() -> int:
        calls.append(1)
        return len(calls)

    connection.acquire(1.0, 1000)
    connection.buffers.in_progress_buffer(Series("gauge", "p", ""))
    connection.buffers.sample_buffer(Series("gauge", "g", "")).append(read)
    for when in (10.0, 10.4, 10.9, 11.1, 12.0):
        connection.step(when)
    assert len(calls) == 3
    sent = {row.name: unpack(row.samples) for row in fixture.batches[-1].gauges}
    assert {name: list(values) for name, values in sent.items()} == {"g": [3], "p": [0]}
    connection.users = 0
    connection.step(12.5)
    connection.close(0)
    connection.step(13.5)
    assert (len(calls), connection.dropped) == (3, {})


def test_how_many_are_inside() -> None:
    z = RecordingZibrato()
    block = z.in_progress("p")

    @z.in_progress("p")
    def inside(depth: int) -> float:
        return inside(depth - 1) if depth > 1 else readings(z, "p")

    with block, block:
        assert inside(3) == 5
    with pytest.raises(TypeError), block:
        inside("3")  # type: ignore[arg-type]
    assert readings(z, "p") == 0


def test_every_kind_of_function_is_inside_to_its_end() -> None:
    z = RecordingZibrato()
    track = z.in_progress("p")
    waiting: Deferred[None] = Deferred()

    @track
    def generator() -> Iterator[int]:
        yield 1

    @track
    async def async_generator() -> AsyncIterator[int]:
        yield 1

    @track
    async def coroutine(future: asyncio.Future[None]) -> None:
        await future

    track(lambda: waiting)()
    assert readings(z, "p") == 1
    waiting.callback(None)
    assert [readings(z, "p") for _ in generator()] == [1]

    async def main() -> None:
        async with track:
            assert [readings(z, "p") async for _ in async_generator()] == [2]
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(coroutine(future))
        await asyncio.sleep(0)
        assert readings(z, "p") == 1
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(main())
    assert readings(z, "p") == 0


def test_no_reading_is_below_zero_whatever_threads_do() -> None:
    buffer = InProgressBuffer()
    end = threading.Event()

    def churn() -> None:
        while not end.is_set():
            buffer.enter()
            buffer.leave()

    threads = [threading.Thread(target=churn) for _ in range(2)]
    for thread in threads:
        thread.start()
    seen = {buffer.read() for _ in range(2000)}
    end.set()
    for thread in threads:
        thread.join()
    assert seen <= {0, 1, 2, 3}  # one thread may come and go between the two counts
    assert buffer.read() == 0


def test_a_child_begins_anew() -> None:
    buffer = InProgressBuffer()
    buffer.enter()
    buffer.enter()
    assert buffer.read() == 2
    buffer.restart()
    assert [buffer.read(), buffer.read()] == [None, None]
    buffer.enter()
    assert buffer.read() == 1
    buffer.leave()
    assert buffer.read() == 0
    buffer.leave()  # of who entered in the parent
    assert buffer.read() == 0
    buffer.enter()
    assert buffer.read() == 1


def test_series_without_end_are_counted_as_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zibrato.client.buffers.MAX_SERIES", 2)
    z = RecordingZibrato()
    for number in range(3):
        with z.in_progress(f"p{number}"):
            pass
    assert z.dropped == {"max_series": 1}


def test_below_the_threshold_and_wrong() -> None:
    z: Any = RecordingZibrato(level="error")

    def function() -> None: ...

    calls: list[int] = []
    assert z.in_progress("p")(function) is function
    z.gauge("g", lambda: calls.append(1))
    with z.in_progress("p"):
        assert (z.measurements, calls) == ([], [])
    with pytest.raises(TypeError, match="unknown argument value; expected some of level, name"):
        z.in_progress("p", value=1)(function)
    with z.in_progress(3):
        pass
    assert z.dropped == {"argument": 1}


def test_a_child_reads_what_its_parent_was_about_to() -> None:
    z = RecordingZibrato()
    read: Callable[[], float] = Pool(2).items.__len__
    z.gauge("g", read)
    z.gauge("g", 7)
    z._buffers.restart()
    assert z.readings("g") == [2]
