"""Results that are not finished yet: recorded once, when they are."""

import asyncio
from collections.abc import Generator
from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred, fail, inlineCallbacks, succeed

from zibrato.client.awaitables import (
    Adapters,
    adapt_coroutine,
    adapt_deferred,
    adapt_future,
    adapters,
)
from zibrato.client.decorators import time_calls


def test_a_type_is_looked_at_once_and_known_by_its_methods() -> None:
    own = Adapters()
    assert own[int] is None
    assert own[Deferred] is adapt_deferred
    assert own[asyncio.Future] is adapt_future
    assert dict(own) == {int: None, Deferred: adapt_deferred, asyncio.Future: adapt_future}

    async def coroutine() -> None: ...

    result = coroutine()
    assert own[type(result)] is adapt_coroutine
    result.close()


def test_types_made_at_run_time_do_not_pile_up() -> None:
    for number in range(20_100):
        adapters[type(str(number), (), {})]
    assert len(adapters) <= 10_000


def timed(result: Any) -> tuple[Any, list[float]]:
    """Return what a timed function that returns `result` returns, and its records."""
    times: list[float] = []
    return time_calls(lambda: result, times.append)(), times


def test_a_deferred_is_timed_until_it_fires_and_stays_the_same() -> None:
    waiting: Deferred[int] = Deferred()
    result, times = timed(waiting)
    assert result is waiting
    assert times == []
    seen: list[int] = []
    result.addCallback(seen.append)
    waiting.callback(3)
    assert (seen, len(times)) == ([3], 1)


def test_a_fired_a_failed_and_a_cancelled_deferred_are_recorded() -> None:
    assert len(timed(succeed(1))[1]) == 1
    failed, times = timed(fail(KeyError()))
    failed.addErrback(lambda failure: failure.trap(KeyError))
    assert len(times) == 1
    waiting: Deferred[None] = Deferred()
    result, times = timed(waiting)
    result.addErrback(lambda failure: failure.trap(CancelledError))
    waiting.cancel()
    assert len(times) == 1


def test_inline_callbacks_are_timed_to_their_end() -> None:
    waiting: Deferred[int] = Deferred()

    @inlineCallbacks
    def chain() -> Generator[Deferred[int], int, int]:
        got = yield waiting
        return got + 1

    times: list[float] = []
    results: list[int] = []
    time_calls(chain, times.append)().addCallback(results.append)
    assert times == []
    waiting.callback(1)
    assert (results, len(times)) == ([2], 1)


def test_a_future_is_timed_until_it_is_done() -> None:
    async def main() -> None:
        future = asyncio.get_running_loop().create_future()
        result, times = timed(future)
        assert result is future
        future.set_result(1)
        assert await result == 1
        await asyncio.sleep(0)
        assert len(times) == 1

    asyncio.run(main())


def test_a_returned_coroutine_is_timed_until_it_is_done() -> None:
    async def coroutine() -> int:
        return 1

    result, times = timed(coroutine())
    assert times == []
    assert asyncio.run(result) == 1
    assert len(times) == 1


class Request:
    """Awaitable and an asynchronous context manager, as HTTP clients' requests are."""

    status = 200

    def __await__(self) -> Generator[Any, Any, str]:
        yield from asyncio.sleep(0).__await__()
        return "response"

    async def __aenter__(self) -> str:
        return "entered"

    async def __aexit__(self, *_: object) -> bool:
        return True


def test_another_awaitable_keeps_what_else_it_is() -> None:
    async def main() -> None:
        result, times = timed(Request())
        assert result.status == 200
        assert await result == "response"
        assert len(times) == 1
        result, times = timed(Request())
        async with result as entered:
            assert entered == "entered"
            assert times == []
            raise KeyError  # suppressed by the request's own __aexit__
        assert len(times) == 1

    asyncio.run(main())


@pytest.mark.parametrize("result", [None, 0, "text", [], object()])
def test_what_is_finished_is_recorded_at_once(result: object) -> None:
    returned, times = timed(result)
    assert returned is result
    assert len(times) == 1


class Silent(type):
    """Makes types that don't say what they have."""

    def __getattr__(cls, name: str) -> object:
        raise RuntimeError(name)


def test_a_result_that_can_t_be_watched_is_handed_on() -> None:
    loop = asyncio.new_event_loop()
    done = loop.create_future()
    done.set_result(3)
    loop.close()
    for result in (done, Silent("Odd", (), {})()):
        returned, times = timed(result)
        assert returned is result
        assert len(times) == 1
    assert done.result() == 3
