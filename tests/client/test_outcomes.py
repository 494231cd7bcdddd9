"""How a call ended, as every kind of function tells it: its exceptions counted, its outcome."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest
from twisted.internet import defer

from zibrato.client.outcomes import is_cancellation, matches
from zibrato.testing import RecordingZibrato


class Odd(type):
    """A class of exceptions that lies about itself."""

    def __eq__(cls, other: object) -> bool:
        raise AssertionError

    def __hash__(cls) -> int:
        raise AssertionError

    def __getattribute__(cls, name: str) -> Any:
        raise AssertionError

    def __instancecheck__(cls, instance: object) -> bool:
        raise AssertionError


class OddError(Exception, metaclass=Odd):
    def __str__(self) -> str:
        raise AssertionError


def function(error: BaseException | None) -> object:
    if error is not None:
        raise error
    return object()


def procedure(error: BaseException | None) -> None:
    if error is not None:
        raise error


async def coroutine(error: BaseException | None) -> None:
    await asyncio.sleep(0)
    procedure(error)


def generator(error: BaseException | None) -> Iterator[int]:
    yield 1
    procedure(error)


async def async_generator(error: BaseException | None) -> AsyncIterator[int]:
    yield 1
    procedure(error)


def deferred(error: BaseException | None) -> defer.Deferred[None]:
    return defer.succeed(None) if error is None else defer.fail(error)


@defer.inlineCallbacks
def inline(error: BaseException | None) -> Generator[defer.Deferred[None], None, None]:
    yield defer.succeed(None)
    procedure(error)


def awaitable(error: BaseException | None) -> Awaitable[None]:
    return coroutine(error)


def future(error: BaseException | None) -> asyncio.Future[None]:
    made: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    if error is None:
        made.set_result(None)
    elif is_cancellation(error):
        made.cancel()
    else:
        made.set_exception(error)
    return made


KINDS = (
    *(function, procedure, coroutine, generator, async_generator, deferred, inline, awaitable),
    future,
)


async def ended(result: object) -> None:
    """Wait for what a call returned."""
    if isinstance(result, Iterator):
        list(result)
    elif isinstance(result, AsyncIterator):
        [item async for item in result]
    elif isinstance(result, Awaitable):
        await result


def called(function: Callable[..., object], error: BaseException | None) -> None:
    """Call a function to its end; what it raises must be the error."""

    async def main() -> None:
        try:
            await ended(function(error))
        except BaseException as raised:
            assert raised is error or is_cancellation(raised)  # noqa: PT017 - of any class

    asyncio.run(main())


def outcomes(z: RecordingZibrato) -> dict[str, int]:
    return {one.tags["outcome"]: one.count for one in z.measurements if one.kind == "timer"}


def odd_error(kind: object) -> BaseException:
    """Return an odd error, or a plain one for a Twisted of 2024, which can't hold an odd one."""
    try:
        if kind in (deferred, inline):
            deferred(OddError()).addErrback(lambda _: None)
    except AssertionError:
        return ValueError()
    return OddError()


@pytest.mark.parametrize("kind", KINDS)
def test_exceptions_are_counted_where_they_are_of_those_asked_for(kind: Any) -> None:
    z = RecordingZibrato()
    for error in (None, KeyError("k"), odd_error(kind), asyncio.CancelledError()):
        called(z.count_exceptions("all")(kind), error)
        called(z.count_exceptions("some", exceptions=LookupError)(kind), error)
        called(z.count_exceptions("two", exceptions=(OSError, KeyError), value=3)(kind), error)
    assert (z.counted("all"), z.counted("some"), z.counted("two")) == (2, 1, 3)


@pytest.mark.parametrize("kind", KINDS)
def test_the_outcome_is_a_tag(kind: Any) -> None:
    z = RecordingZibrato(tags={"app": "shop"})
    timed = z.time_me("t", outcome=True, tags={"outcome": "?", "part": "a"})(kind)
    cancellations = [defer.CancelledError(), asyncio.CancelledError()]
    errors = [None, KeyError("k"), odd_error(kind), *cancellations]
    for error in errors:
        called(timed, error)
    assert outcomes(z) == {"ok": 1, "error": 2, "cancelled": 2}
    assert len(z.timed("t", tags={"app": "shop", "part": "a"})) == len(errors)


def test_what_is_closed_early_is_cancelled() -> None:
    z = RecordingZibrato()

    @z.count_exceptions("e")
    @z.time_me("t", outcome=True)
    def endless() -> Iterator[int]:
        while True:
            yield 1

    next(endless())
    assert outcomes(z) == {"cancelled": 1}


def test_a_deferred_that_is_cancelled_and_an_executor_s_future() -> None:
    z = RecordingZibrato()
    waiting: defer.Deferred[None] = defer.Deferred()
    result = z.time_me("t", outcome=True)(lambda: waiting)()
    result.addErrback(lambda failure: failure.trap(defer.CancelledError))
    waiting.cancel()
    assert outcomes(z) == {"cancelled": 1}
    assert is_cancellation(concurrent.futures.CancelledError())
    assert is_cancellation(KeyboardInterrupt())
    assert not is_cancellation(OddError())


def test_a_future_that_nobody_asks_is_still_warned_of() -> None:
    z = RecordingZibrato()
    warnings: Counter[str] = Counter()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: warnings.update([context["message"]]))
        z.count_exceptions("e")(z.time_me("t", outcome=True)(future))(KeyError())
        await asyncio.sleep(0)

    asyncio.run(main())
    assert (z.counted("e"), outcomes(z)["error"]) == (1, 1)
    assert warnings == {"Future exception was never retrieved": 1}


@pytest.mark.parametrize("by_name", [False, True])
@pytest.mark.parametrize("asynchronous", [False, True])
def test_blocks(by_name: bool, asynchronous: bool) -> None:
    z = RecordingZibrato()

    async def block(error: BaseException | None) -> None:
        blocks: list[Any] = [z.count_exceptions("e"), z.time_me("t", outcome=True)]
        with suppress(KeyError, asyncio.CancelledError), ExitStack() as stack:
            if asynchronous:
                async with blocks[0], blocks[1]:
                    procedure(error)
            elif by_name:
                for instrument in blocks:
                    stack.enter_context(instrument)
                procedure(error)
            else:
                with blocks[0], blocks[1]:
                    procedure(error)

    for error in (None, None, KeyError(), asyncio.CancelledError()):
        asyncio.run(block(error))
    assert z.counted("e") == 1
    assert outcomes(z) == {"ok": 2, "error": 1, "cancelled": 1}


def test_a_function_below_the_threshold_is_returned_itself() -> None:
    z = RecordingZibrato(level="error")
    assert z.count_exceptions("e")(procedure) is procedure
    assert z.time_me("t", outcome=True)(procedure) is procedure


@pytest.mark.parametrize("wrong", [3, "KeyError", (KeyError, 3), KeyError(), [KeyError], int])
def test_wrong_exceptions_raise_at_decoration_and_are_counted_in_a_call(wrong: Any) -> None:
    z = RecordingZibrato()
    with pytest.raises(TypeError, match="exceptions: expected a class, or a tuple of classes, got"):
        z.count_exceptions("e", exceptions=wrong)(procedure)
    with pytest.raises(KeyError), z.count_exceptions("e", exceptions=wrong):
        raise KeyError
    assert z.dropped == {"argument": 1}


def test_a_wrong_outcome_raises_at_decoration() -> None:
    z: Any = RecordingZibrato()
    with pytest.raises(TypeError, match="outcome: expected True or False, got 'ok'"):
        z.time_me("t", outcome="ok")(procedure)
    for instrument in (z.count_me, z.count_exceptions):
        with pytest.raises(TypeError, match="unknown argument outcome; expected some of level"):
            instrument("t", outcome=True)(procedure)


def test_seconds_of_one_s_own_are_ok() -> None:
    z = RecordingZibrato()
    z.time_me("t", outcome=True).record(0.5)
    assert z.timed("t", tags={"outcome": "ok"}) == [0.5]


def test_what_matches() -> None:
    assert matches(KeyError(), (OSError, LookupError))
    assert not matches(OddError(), (OSError, LookupError))
    assert matches(OddError(), (Exception,))
