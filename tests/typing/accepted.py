"""What type checkers make of instruments and of code that uses them: all of it is right."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path

import zmq
from typing_extensions import assert_type

from zibrato import Zibrato
from zibrato.client.instruments import CountExceptions, CountMe, InProgress, TimeMe

TAGS: Mapping[str, str] = {"status": "500"}


def clients(context: zmq.Context[zmq.Socket[bytes]]) -> None:
    Zibrato("ipc://socket", level="warning", source="box", tags=TAGS, bind=True)
    Zibrato(curve="keys")
    Zibrato(curve=(Path("web-1.key_secret"), "server.key"))
    with Zibrato(level=30, context=context, linger=0.5, max_pending=10) as inner:
        assert_type(inner, Zibrato)
        assert_type(inner.flush(0.5), bool)
        assert_type(inner.dropped, Counter[str])


z = Zibrato()
assert_type(z.count_me(name="c", value=0.5, level=10, mtype="gauge", source="s"), CountMe)
assert_type(z.Count_me(name="c", value=4, tags=TAGS), CountMe)
assert_type(z.time_me(name="t", value=0, level="debug", mtype="timer", source=None), TimeMe)
assert_type(z.Time_me(name="t", tags={"status": "500"}), TimeMe)
assert_type(z.bind_gauge("g", level="debug", source="s", tags=TAGS), Callable[[float], object])
assert_type(z.count_me(name="c").count, Callable[[], object])
assert_type(z.time_me(name="t").record(0.5), object)
assert_type(z.count_me("c", value=2), CountMe)
assert_type(z.time_me("t", level="debug"), TimeMe)
assert_type(z.time_me("t", outcome=True), TimeMe)
assert_type(z.count_exceptions("e", exceptions=(OSError, KeyError), value=2), CountExceptions)
assert_type(z.count_exceptions(name="e", exceptions=BaseException).count, Callable[[], object])
assert_type(z.in_progress("p", level=10, source="s", tags=TAGS), InProgress)
z.gauge("g", lambda: 0.5)
z.gauge("g", [1].__len__, level="debug")
z.count("c", 2)
z.count("c", value=2)
z.count(name="c", value=-0.5, level="error", tags=TAGS)
z.timing("t", 0.25)
z.timing(name="t", value=1, source="s")
z.gauge("g", 3)
z.gauge("g", value=3)
z.gauge(name="g", value=0.5, mtype="timer")


@z.time_me(level="debug", name="render_timer")
@z.count_me(name="render_counter")
def render(page: str, *, bold: bool = False) -> str:
    return page


@z.count_me()
@z.time_me()
async def fetch(url: str) -> bytes:
    return url.encode()


@z.time_me()
def numbers(limit: int) -> Iterator[int]:
    yield from range(limit)


@z.time_me()
async def ticks(limit: int) -> AsyncIterator[int]:
    yield limit


@z.time_me
@z.count_me
def bare(page: str, *, bold: bool = False) -> str:
    return page


@z.in_progress
@z.count_exceptions
@z.time_me
async def bare_coroutine(url: str) -> bytes:
    return url.encode()


async def use() -> None:
    assert_type(bare("home", bold=True), str)
    assert_type(await bare_coroutine("url"), bytes)
    assert_type(render("home", bold=True), str)
    assert_type(await fetch("url"), bytes)
    assert_type(list(numbers(limit=3)), list[int])
    assert_type([tick async for tick in ticks(limit=3)], list[int])


class Store:
    @z.time_me(name="store.get")
    def get(self, key: str) -> int:
        return len(key)

    @z.count_me
    def has(self, key: str) -> bool:
        return bool(key)

    @classmethod
    @z.count_me()
    def open(cls, path: str) -> Store:
        return cls()

    @staticmethod
    @z.count_me()
    def valid(key: str) -> bool:
        return bool(key)


assert_type(Store.open("path").get(key="k"), int)
assert_type(Store.valid("k"), bool)
assert_type(Store.open("path").has("k"), bool)


def a_block_swallows_nothing() -> int:
    """So no checker may say that this function can end without a result."""
    with z.in_progress("p") as entering:
        assert_type(entering, None)
    with z.count_exceptions("e") as catching:
        assert_type(catching, None)
    with z.time_me(name="t") as timing, z.count_me(name="c") as counting:
        assert_type(timing, None)
        assert_type(counting, None)
        return 1


async def an_asynchronous_block_swallows_nothing() -> int:
    async with z.time_me(name="t") as timing, z.count_me(name="c") as counting:
        assert_type(timing, None)
        assert_type(counting, None)
        return 1
