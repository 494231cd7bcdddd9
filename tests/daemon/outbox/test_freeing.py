"""Freeing what snapshots hold, in parts."""

from __future__ import annotations

import weakref
from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import Clock

from zibrato.daemon.outbox.freeing import PART, contents, free, free_in_turns
from zibrato.distribution import Distribution
from zibrato.model import TIMER, Series, Snapshot, Summary


class Known(Distribution):
    """One of which it can be asked whether it is there."""

    __slots__ = ("__weakref__",)


def made(number: int) -> tuple[Snapshot, Callable[[], int]]:
    """Return a snapshot of so many series, and what counts how many there are of them."""
    parts = [Known([0.5]) for _ in range(number)]
    references = [weakref.ref(part) for part in parts]
    summaries = {
        Series(TIMER, str(place), "here"): Summary(1, 0.5, 0.5, 0.5, 0.25, 0.5, part)
        for place, part in enumerate(parts)
    }
    left = lambda: sum(1 for reference in references if reference() is not None)  # noqa: E731
    return Snapshot(0.0, 10.0, summaries), left


class Turns(Clock):
    """Notes what is left whenever another turn is asked for."""

    def __init__(self, left: Callable[[], int]) -> None:
        Clock.__init__(self)
        self.left = left
        self.noted: list[int] = []

    def callLater(
        self, delay: float, callable: Callable[..., object], *args: object, **kw: object
    ) -> IDelayedCall:
        """Call later, and note what is left."""
        self.noted.append(self.left())
        call: IDelayedCall = Clock.callLater(self, delay, callable, *args, **kw)
        return call


def test_each_turn_frees_a_part() -> None:
    snapshot, left = made(2 * PART)
    clock = Turns(left)
    free_in_turns(contents([snapshot, None]), clock)
    del snapshot
    clock.advance(0)
    assert clock.noted == [2 * PART, PART, 0]
    assert not clock.getDelayedCalls()


def test_a_thread_frees_all() -> None:
    snapshot, left = made(PART + 1)
    snapshots = [snapshot]
    del snapshot
    assert left() == PART + 1
    free(snapshots)
    assert left() == 0


def test_what_others_have_stays() -> None:
    snapshot, left = made(10)
    free([snapshot])
    assert len(snapshot.summaries) == left() == 10
