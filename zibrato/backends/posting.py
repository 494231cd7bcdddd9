"""What backends share that post items by the request, which may be rejected for one of them."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from typing import NamedTuple, Protocol, TypeVar

import msgspec
from twisted.internet.task import deferLater

from zibrato.backends.bisection import Outcome
from zibrato.backends.rejection_log import Named, RejectionLog
from zibrato.interfaces import Delivery, Reactor
from zibrato.model import TIMER, Series

__all__ = [
    "Effort", "Item", "SeriesItem", "Verdict",
    "in_turns", "measurements", "note", "rejected_share",
]  # fmt: skip

_EFFORT = 250
"""Counters and gauges that take a few milliseconds."""
_TIMER_EFFORT = 16
"""Counters that a timer with many buckets takes as long as."""
T = TypeVar("T")


class Item(Named, Protocol):
    """What is sent: some measurements of a name from a source."""

    @property
    def measurements(self) -> int:
        """How many measurements arrive with it."""


class SeriesItem(msgspec.Struct, frozen=True):
    """An Item that is of one series, and muted by that: what more is sent, a subclass has."""

    series: Series
    measurements: int

    @property
    def name(self) -> str:
        """The metric's name."""
        return self.series.name

    @property
    def source(self) -> str:
        """Where it is from."""
        return self.series.source

    @property
    def key(self) -> Series:
        """What tells it from others."""
        return self.series


class Verdict(NamedTuple):
    """Why a request is rejected as a whole; else how many of its `items` are, and why."""

    rejection: str | None = None
    items: int = 0
    message: str = ""


ItemT = TypeVar("ItemT", bound=Item)


class Effort:
    """How much work was done since the reactor had its turn: what yields asks `is_due`."""

    __slots__ = ("_done",)

    def __init__(self) -> None:
        self._done = 0

    def is_due(self, kind: str) -> bool:
        """Whether to yield after the work for one more series of a kind."""
        self._done += _TIMER_EFFORT if kind == TIMER else 1
        if self._done < _EFFORT:
            return False
        self._done = 0
        return True


async def in_turns(work: Generator[None, None, T], reactor: Reactor) -> T:
    """Return what a generator returns, leaving the reactor its turns where it yields."""
    while True:
        try:
            next(work)
        except StopIteration as done:
            result: T = done.value
            return result
        await deferLater(reactor, 0)


def measurements(items: Iterable[Item]) -> int:
    """Return how many measurements arrive with items."""
    return sum(item.measurements for item in items)


def rejected_share(
    items: Sequence[Item], verdict: Verdict, what: str, rejections: RejectionLog
) -> int:
    """Return about how many measurements an accepted request has lost: nobody says which.

    They are told of in the log, where items are called `what`.
    """
    if verdict.rejection is not None or verdict.items <= 0:
        return 0
    names = [item.name for item in items]
    lost = -(-measurements(items) * min(verdict.items, len(items)) // len(items))  # rounded up
    rejections.rejected_some(names, f"{verdict.items} {what}: {verdict.message}", lost)
    return lost


def note(
    delivery: Delivery,
    outcome: Outcome[ItemT],
    rejections: RejectionLog,
    reason: str | None,
    *,
    lost: int = 0,
) -> None:
    """Account for what a request brought to an end; what is rejected for a fault is muted.

    `reason` is why the request was rejected, if it was. Of an accepted one so many measurements
    are `lost` all the same.
    """
    if outcome.accepted:
        delivery.delivered(measurements(outcome.accepted) - lost)
    if lost:
        delivery.dropped(lost, "rejected")
    for rejected in outcome.rejected:
        delivery.dropped(rejected.item.measurements, "rejected")
        rejections.mute(rejected.item, rejected.reason)
    if outcome.dropped and reason is not None:
        count = measurements(outcome.dropped)
        delivery.dropped(count, "rejected")
        rejections.rejected_all([item.name for item in outcome.dropped], reason, count)
