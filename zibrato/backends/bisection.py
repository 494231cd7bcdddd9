"""What is left to send of a delivery, and the search for what an API rejects of it; pure.

An API of this kind takes a request whole or not at all, and seldom says which item it means. So a
rejected request is halved until what is rejected stands alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

MAX_ITEMS = 300
"""Items of a request by default, which is Librato's bound."""
PROBES = 16
T = TypeVar("T")

__all__ = ["MAX_ITEMS", "PROBES", "Bisection", "Outcome", "Rejection", "packed"]


@dataclass(frozen=True)
class Rejection(Generic[T]):
    """An item that is rejected for a fault of its own, and what the API says of it."""

    item: T
    reason: str


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """What is known after a request; every item is in just one outcome, and there once.

    `dropped` are those that turned out to be rejected for no fault of their own.
    """

    accepted: Sequence[T] = ()
    rejected: Sequence[Rejection[T]] = ()
    dropped: Sequence[T] = ()


class Bisection(Generic[T]):
    """The items of a delivery: send `request`, say how it went, until there is none.

    It is confirmed that the API takes anything of it once it has taken some. Until then what was
    rejected alone is unconfirmed: the fault may be one of all, such as their age, and halving every
    request would take two requests an item. So the first rejection is followed by a few probes from
    all over: with one accepted the search goes on, with none all is given up. A request has at
    `most` so many items.
    """

    def __init__(self, items: Sequence[T], most: int = MAX_ITEMS) -> None:
        self._most = most
        self._requests = packed(items, most)
        self._confirmed = False
        self._unconfirmed: list[Rejection[T]] = []

    @property
    def request(self) -> Sequence[T]:
        """The items to send next; none where nothing is left."""
        return self._requests[0] if self._requests else ()

    def accepted(self) -> Outcome[T]:
        """Note that the request was accepted: what was rejected alone before is at fault itself."""
        self._confirmed = True
        rejected, self._unconfirmed = self._unconfirmed, []
        return Outcome(accepted=self._requests.popleft(), rejected=rejected)

    def rejected(self, reason: str) -> Outcome[T]:
        """Note that the request was rejected for `reason`; the next ones find out what of it."""
        if len(self._requests[0]) == 1:
            return self._rejected_alone(reason)
        if self._confirmed:
            self._halve()
        elif self._unconfirmed:  # all the probes were rejected before
            return self.give_up()
        else:
            self._probe()
        return Outcome()

    def halve_by(self, key: Callable[[T], float]) -> bool:
        """Put the half of the request with the higher keys first; return whether it has several."""
        keys = sorted({key(item) for item in self._requests[0]})
        if len(keys) == 1:
            return False
        middle = keys[len(keys) // 2]
        request = self._requests.popleft()
        self._requests.appendleft([item for item in request if key(item) < middle])
        self._requests.appendleft([item for item in request if key(item) >= middle])
        return True

    def give_up(self, concerns: Callable[[T], bool] = lambda _item: True) -> Outcome[T]:
        """Send no more of what this `concerns`, which is rejected for no fault of any item."""
        dropped = [item for request in self._requests for item in request if concerns(item)]
        kept = ([item for item in request if not concerns(item)] for request in self._requests)
        self._requests = deque(request for request in kept if request)
        if not self._requests:  # then nothing is left to confirm these
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
        # extendleft turns what it is given around: so the first half is sent first.
        self._requests.extendleft((request[middle:], request[:middle]))

    def _probe(self) -> None:
        """Put a few items from all over first, each alone, and the others behind them."""
        items = [item for request in self._requests for item in request]
        step = -(-len(items) // PROBES)  # rounded up
        probes = items[::step]
        del items[::step]
        self._requests = deque([probe] for probe in probes)
        self._requests.extend(packed(items, self._most))


def packed(items: Sequence[T], most: int = MAX_ITEMS) -> deque[list[T]]:
    """Return the items in requests, each of at most so many and none empty."""
    starts = range(0, len(items), most)
    return deque(list(items[start : start + most]) for start in starts)
