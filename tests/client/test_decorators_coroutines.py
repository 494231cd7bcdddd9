"""Wrapped coroutines and generators: still what they were, and recorded once they have ended."""

import asyncio
import inspect
import types
from collections.abc import AsyncGenerator, Generator
from typing import Any

import pytest

from tests.client.wrapped import Log, both
from zibrato.client.decorators import time_calls


def test_a_coroutine_function_stays_one_and_is_timed_to_its_end() -> None:
    async def function(x: int) -> int:
        await asyncio.sleep(0)
        log.append("inside")
        return x

    for wrapped, log in both(function):
        assert inspect.iscoroutinefunction(wrapped)
        assert asyncio.run(wrapped(3)) == 3
        assert len(log) == 2
    assert log[0] == "inside"


def test_a_cancelled_coroutine_is_recorded() -> None:
    async def function() -> None:
        await asyncio.get_running_loop().create_future()

    log = Log()
    wrapped = time_calls(function, log.append)

    async def main() -> None:
        task = asyncio.create_task(wrapped())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert len(log) == 1


def generator() -> Generator[Any, Any, str]:
    """Echo what is sent, return 'end'."""
    got = None
    try:
        while got != "stop":
            got = yield got
    except KeyError:
        yield "caught"
    return "end"


def test_a_generator_is_timed_until_it_is_exhausted() -> None:
    for wrapped, log in both(generator):
        assert inspect.isgeneratorfunction(wrapped)
        running = wrapped()
        assert log == []
        assert next(running) is None
        assert running.send("echo") == "echo"
        with pytest.raises(StopIteration, match="end"):
            running.send("stop")
        assert len(log) == 1


def test_a_generator_passes_exceptions_in_and_is_recorded_when_closed() -> None:
    for wrapped, log in both(generator):
        running = wrapped()
        next(running)
        assert running.throw(KeyError()) == "caught"
        running.close()
        assert len(log) == 1


def test_an_abandoned_generator_is_recorded_when_it_is_collected() -> None:
    log = Log()
    running = time_calls(generator, log.append)()
    next(running)
    del running
    assert len(log) == 1


def test_a_generator_based_coroutine_stays_awaitable() -> None:
    @types.coroutine
    def old_style() -> Any:
        yield
        return 7

    async def main(function: Any) -> Any:
        return await function()

    for wrapped, log in both(old_style):
        assert asyncio.run(main(wrapped)) == 7
        assert len(log) == 1


async def asynchronous() -> AsyncGenerator[Any, Any]:
    """Echo what is sent."""
    got = None
    try:
        while got != "stop":
            got = yield got
    except KeyError:
        yield "caught"


def test_an_asynchronous_generator_is_timed_until_it_is_exhausted() -> None:
    for wrapped, log in both(asynchronous):
        assert inspect.isasyncgenfunction(wrapped)

        async def run(function: Any = wrapped) -> None:
            running = function()
            assert await anext(running) is None
            assert await running.asend("echo") == "echo"
            with pytest.raises(StopAsyncIteration):
                await running.asend("stop")

        asyncio.run(run())
        assert len(log) == 1


def test_an_asynchronous_generator_passes_exceptions_in_and_closes_its_inner_one() -> None:
    closed = []

    async def function() -> AsyncGenerator[int, None]:
        try:
            yield 1
            yield 2
        finally:
            closed.append(True)

    for wrapped, log in both(function):

        async def run(function: Any = wrapped) -> None:
            running = function()
            assert await anext(running) == 1
            await running.aclose()

        asyncio.run(run())
        assert len(log) == 1
    assert closed == [True, True]
    for wrapped, log in both(asynchronous):

        async def throw(function: Any = wrapped) -> None:
            running = function()
            await anext(running)
            assert await running.athrow(KeyError()) == "caught"
            await running.aclose()

        asyncio.run(throw())
        assert len(log) == 1
