"""What backends share that post items in requests, which may be rejected because of one item."""

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
"""Counters and gauges whose conversion takes a few milliseconds."""
_TIMER_EFFORT = 16
"""A timer with many buckets takes as long as this many counters."""
T = TypeVar("T")


class Item(Named, Protocol):
    """Something that is sent: measurements of a name from a source."""

    @property
    def measurements(self) -> int:
        """How many measurements arrive with this item."""


class SeriesItem(msgspec.Struct, frozen=True):
    """An Item for one series, which is also its key for muting; subclasses add what is sent."""

    series: Series
    measurements: int

    @property
    def name(self) -> str:
        """The metric's name."""
        return self.series.name

    @property
    def source(self) -> str:
        """The source that the measurements are from."""
        return self.series.source

    @property
    def key(self) -> Series:
        """What identifies the item."""
        return self.series


class Verdict(NamedTuple):
    """Why a request was rejected as a whole, or else how many of its `items` were, and why."""

    rejection: str | None = None
    items: int = 0
    message: str = ""


ItemT = TypeVar("ItemT", bound=Item)


class Effort:
    """Counts the work since the reactor had its turn; generators ask `is_due` when to yield."""

    __slots__ = ("_done",)

    def __init__(self) -> None:
        self._done = 0

    def is_due(self, kind: str) -> bool:
        """Return whether to yield after the work for one more series of a kind."""
        self._done += _TIMER_EFFORT if kind == TIMER else 1
        if self._done < _EFFORT:
            return False
        self._done = 0
        return True


async def in_turns(work: Generator[None, None, T], reactor: Reactor) -> T:
    """Return what a generator returns; whenever it yields, the reactor gets its turn."""
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
    """Return about how many measurements an accepted request has lost: no server says which.

    The loss is logged; the log calls the items `what`.
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
    """Account for the items whose fate a request has decided; items with a fault are muted.

    `reason` is why the request was rejected, or None. Even if the request was accepted, `lost`
    measurements of it are lost.
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
