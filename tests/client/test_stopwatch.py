"""Stopwatches: one object, any number of bodies, times that don't mix."""

import asyncio
import itertools
import random
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from zibrato.client import stopwatch
from zibrato.client.stopwatch import Stopwatch


class FakeClock:
    """A `perf_counter` that stands still until it is told to move."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    fake = FakeClock()
    monkeypatch.setattr(stopwatch, "perf_counter", fake)
    return fake


def test_bodies_nest(clock: FakeClock) -> None:
    times: list[float] = []
    watch = Stopwatch(times.append)
    with watch:
        clock.now += 1
        with watch:
            clock.now += 2
        clock.now += 4
    assert times == [2, 7]


def test_an_exception_passes_and_is_timed(clock: FakeClock) -> None:
    times: list[float] = []
    with pytest.raises(KeyError), Stopwatch(times.append):
        clock.now += 3
        raise KeyError
    assert times == [3]


def test_interleaved_generators_keep_their_stopwatches_apart(clock: FakeClock) -> None:
    slow: list[float] = []
    fast: list[float] = []

    def body(watch: Stopwatch) -> Iterator[None]:
        with watch:
            yield

    first, second = body(Stopwatch(slow.append)), body(Stopwatch(fast.append))
    next(first)
    clock.now += 10
    next(second)
    clock.now += 1
    assert list(first) == []
    clock.now += 1
    assert list(second) == []
    assert (slow, fast) == ([11], [2])


def test_an_exit_stack_and_bare_calls_work(clock: FakeClock) -> None:
    times: list[float] = []
    watch = Stopwatch(times.append)
    with ExitStack() as stack:
        stack.enter_context(watch)
        clock.now += 5
    watch.__enter__()
    clock.now += 6
    watch.__exit__(None, None, None)
    assert times == [5, 6]


def test_an_exit_below_others_leaves_them_in_their_order(clock: FakeClock) -> None:
    """What was entered by name is a stack in each context; generators leave it in any order."""
    outer: list[float] = []
    inner: list[float] = []
    below, above = Stopwatch(outer.append), Stopwatch(inner.append)
    below.__enter__()
    for _ in range(3):
        clock.now += 1
        above.__enter__()
    clock.now += 10
    below.__exit__(None, None, None)
    for _ in range(3):
        above.__exit__(None, None, None)
        clock.now += 100
    assert outer == [13]
    assert inner == [10, 111, 212]


def test_of_a_stopwatch_entered_twice_the_newest_body_ends_first(clock: FakeClock) -> None:
    times: list[float] = []
    watch, other = Stopwatch(times.append), Stopwatch(times.append)
    watch.__enter__()
    clock.now += 1
    watch.__enter__()
    clock.now += 1
    other.__enter__()
    watch.__exit__(None, None, None)
    clock.now += 1
    watch.__exit__(None, None, None)
    other.__exit__(None, None, None)
    assert times == [1, 3, 1]


def test_an_exit_without_an_entry_records_nothing(clock: FakeClock) -> None:
    times: list[float] = []
    Stopwatch(times.append).__exit__(None, None, None)
    assert times == []


def test_tasks_at_once_do_not_mix(clock: FakeClock) -> None:
    times: list[float] = []
    watch = Stopwatch(times.append)

    async def body(enter: asyncio.Event, leave: asyncio.Event, entered: asyncio.Event) -> None:
        await enter.wait()
        async with watch:
            entered.set()
            await leave.wait()

    async def main() -> None:
        events = [[asyncio.Event() for _ in range(3)] for _ in range(2)]
        with watch:  # what a task inherits from its maker must not be mistaken for its own
            tasks = [asyncio.create_task(body(*step)) for step in events]
            for enter, _, entered in events:
                enter.set()
                await entered.wait()
                clock.now += 1
            events[0][1].set()  # first in, first out
            await tasks[0]
            clock.now += 10
            events[1][1].set()
            await tasks[1]

    asyncio.run(main())
    assert times == [2, 11, 12]


def test_threads_at_once_do_not_mix(clock: FakeClock) -> None:
    times: list[float] = []
    watch = Stopwatch(times.append)
    inside, leave = threading.Event(), threading.Event()

    def body() -> None:
        with watch:
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=body)
    thread.start()
    assert inside.wait(10)
    clock.now += 1
    with watch:
        clock.now += 1
    leave.set()
    thread.join()
    assert times == [1, 2]


class Pairs:
    """A clock that never gives the same time twice, and a record that checks whose start it has.

    A body notes the time at which it began, and again as it ends: the record that follows must
    span just that. What is noted is a thread's own.
    """

    def __init__(self) -> None:
        self._times = itertools.count()
        self.noted = threading.local()
        self.records = 0
        self.wrong = 0

    def clock(self) -> float:
        self.noted.now = float(next(self._times))
        return float(self.noted.now)

    def record(self, seconds: float) -> None:
        self.records += 1
        self.wrong += self.noted.now - seconds != self.noted.start


def at_random(watch: Stopwatch, pairs: Pairs, chance: random.Random, depth: int) -> None:
    """Use `watch` in one of all ways, with others in its body."""

    def body() -> Iterator[None]:
        began = pairs.noted.now
        if depth:
            at_random(watch, pairs, chance, depth - 1)
        yield
        if depth:
            at_random(watch, pairs, chance, depth - 1)
        pairs.noted.start = began

    def in_a_generator() -> Iterator[None]:
        with watch:
            yield from body()

    way = chance.randrange(5)
    if way == 0:
        with watch:
            list(body())
    elif way == 1:
        with ExitStack() as stack:
            stack.enter_context(watch)
            list(body())
    elif way == 2:
        watch.__enter__()
        list(body())
        watch.__exit__(None, None, None)
    elif way == 3:
        with pytest.raises(KeyError), watch:
            list(body())
            raise KeyError
    else:
        list(in_a_generator())


def test_in_eight_threads_every_record_has_the_start_of_its_own_body(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pairs = Pairs()
    monkeypatch.setattr(stopwatch, "perf_counter", pairs.clock)
    watch = Stopwatch(pairs.record)

    def work(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(30):
            at_random(watch, pairs, chance, 3)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert pairs.records == 8 * 30 * 15
    assert pairs.wrong == 0
