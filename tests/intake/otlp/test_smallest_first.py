"""Who gets the lock, and when."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from zibrato.intake.otlp.smallest_first import SmallestFirst


def test_the_smallest_is_next_and_of_these_the_first() -> None:
    lock, got = SmallestFirst(), list[str]()
    work: dict[str, Deferred[None]] = {}

    async def use(name: str, size: float) -> None:
        async with lock.turn(size):
            got.append(name)
            await work.setdefault(name, Deferred())

    for name, size in (("first", 9), ("large", 5), ("small", 1), ("also small", 1)):
        Deferred.fromCoroutine(use(name, size))
    assert got == ["first"]
    for name in ("first", "small", "also small"):
        work[name].callback(None)
    assert got == ["first", "small", "also small", "large"]
    Deferred.fromCoroutine(use("last", 0))
    work["large"].callback(None)
    assert got[-1] == "last"


def test_any_number_may_have_nothing_to_do() -> None:
    lock, done = SmallestFirst(), list[int]()
    held: Deferred[None] = Deferred()

    async def hold() -> None:
        async with lock.turn(1):
            await held

    async def pass_through(number: int) -> None:
        async with lock.turn(1):
            done.append(number)

    Deferred.fromCoroutine(hold())
    for number in range(2000):
        Deferred.fromCoroutine(pass_through(number))
    held.callback(None)
    assert done == [*range(2000)]


def test_an_error_hands_it_on() -> None:
    lock = SmallestFirst()

    async def fail() -> None:
        async with lock.turn(1):
            raise LookupError

    async def work() -> str:
        async with lock.turn(1):
            return "done"

    Deferred.fromCoroutine(fail()).addErrback(lambda failure: failure.trap(LookupError))
    results = list[str]()
    Deferred.fromCoroutine(work()).addCallback(results.append)
    assert results == ["done"]
