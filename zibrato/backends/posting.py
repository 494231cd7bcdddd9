"""What backends share that post items by the request, which may be rejected for one of them."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Protocol, TypeVar

from twisted.internet.task import deferLater

from zibrato.backends.bisection import Outcome
from zibrato.backends.rejection_log import Named, RejectionLog
from zibrato.interfaces import Delivery, Reactor

__all__ = ["Item", "in_turns", "measurements", "note"]

T = TypeVar("T")


class Item(Named, Protocol):
    """What is sent: some measurements of a name from a source."""

    @property
    def measurements(self) -> int:
        """How many measurements arrive with it."""


ItemT = TypeVar("ItemT", bound=Item)


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
