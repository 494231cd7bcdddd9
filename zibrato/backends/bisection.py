"""Track what is left to send of a delivery, and find the items that an API rejects; pure.

Such an API accepts a request as a whole or not at all, and seldom says which item it rejects.
Therefore a rejected request is halved until the rejected item is alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

MAX_ITEMS = 300
"""Default maximum of items in a request, which is Librato's bound."""
PROBES = 16
"""About how many items, spread over all, are sent alone after the first rejection."""
T = TypeVar("T")

__all__ = ["MAX_ITEMS", "PROBES", "Bisection", "Outcome", "Rejection", "packed"]


@dataclass(frozen=True)
class Rejection(Generic[T]):
    """An item that is rejected for a fault of its own, and the API's message about it."""

    item: T
    reason: str


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """The result of a request; every item is in exactly one outcome, and only once.

    `dropped` items were rejected for no fault of their own.
    """

    accepted: Sequence[T] = ()
    rejected: Sequence[Rejection[T]] = ()
    dropped: Sequence[T] = ()


class Bisection(Generic[T]):
    """The items of a delivery: send `request`, report how it went, until nothing is left.

    Once the API has accepted a request, rejections are confirmed to be about single items. Before
    that, a rejection of a single item is unconfirmed: the reason may be one that all items share,
    such as their age, and halving all requests would take two requests for each item. Therefore the
    first rejection is followed by a few probes, which are spread over all items. If one is
    accepted, the search continues; if all are rejected, all items are given up. A request has at
    `most` so many items.
    """

    def __init__(self, items: Sequence[T], most: int = MAX_ITEMS) -> None:
        self._most = most
        self._requests = packed(items, most)
        self._confirmed = False
        self._unconfirmed: list[Rejection[T]] = []

    @property
    def request(self) -> Sequence[T]:
        """The items to send next; empty if nothing is left."""
        return self._requests[0] if self._requests else ()

    def accepted(self) -> Outcome[T]:
        """Note that the request was accepted, which confirms earlier rejections of single items."""
        self._confirmed = True
        rejected, self._unconfirmed = self._unconfirmed, []
        return Outcome(accepted=self._requests.popleft(), rejected=rejected)

    def rejected(self, reason: str) -> Outcome[T]:
        """Note that the request was rejected for `reason`; the next ones search for the fault."""
        if len(self._requests[0]) == 1:
            return self._rejected_alone(reason)
        if self._confirmed:
            self._halve()
        elif self._unconfirmed:  # all probes were rejected before
            return self.give_up()
        else:
            self._probe()
        return Outcome()

    def halve_by(self, key: Callable[[T], float]) -> bool:
        """Put the half with the higher keys first; return whether there were several keys."""
        keys = sorted({key(item) for item in self._requests[0]})
        if len(keys) == 1:
            return False
        middle = keys[len(keys) // 2]
        request = self._requests.popleft()
        self._requests.appendleft([item for item in request if key(item) < middle])
        self._requests.appendleft([item for item in request if key(item) >= middle])
        return True

    def give_up(self, concerns: Callable[[T], bool] = lambda _item: True) -> Outcome[T]:
        """Stop sending items that this `concerns`; they are rejected for no fault of their own."""
        dropped = [item for request in self._requests for item in request if concerns(item)]
        kept = ([item for item in request if not concerns(item)] for request in self._requests)
        self._requests = deque(request for request in kept if request)
        if not self._requests:  # nothing is left that could confirm these
            dropped += [rejection.item for rejection in self._unconfirmed]
            self._unconfirmed.clear()
        return Outcome(dropped=dropped)

    def _rejected_alone(self, reason: str) -> Outcome[T]:
        (item,) = self._requests.popleft()
        if self._confirmed:
            return Outcome(rejected=[Rejection(item, reason)])
        self._unconfirmed.append(Rejection(item, reason))
        return Outcome() if self._requests else self.give_up()

    def _halve(self) -> None:
        request = self._requests.popleft()
        middle = len(request) // 2
        # extendleft reverses its argument, so the first half is sent first.
        self._requests.extendleft((request[middle:], request[:middle]))

    def _probe(self) -> None:
        """Put a few items from all over first, each in its own request, and then the others."""
        items = [item for request in self._requests for item in request]
        step = -(-len(items) // PROBES)  # rounded up
        probes = items[::step]
        del items[::step]
        self._requests = deque([probe] for probe in probes)
        self._requests.extend(packed(items, self._most))


def packed(items: Sequence[T], most: int = MAX_ITEMS) -> deque[list[T]]:
    """Divide items into requests of at most `most` items, none of them empty."""
    starts = range(0, len(items), most)
    return deque(list(items[start : start + most]) for start in starts)
