"""Where measurements leave a client: to its sender, or to those who listen instead.

Listeners are the recordings of tests, see zibrato.testing. They are at this end, since functions
that are decorated already have their buffers for good.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING
from weakref import ref

if TYPE_CHECKING:
    from zibrato.client.buffers import Rows

Listener = Callable[["Rows"], object]


class Outlet:
    """Takes away what one client recorded, one thread at a time.

    Nobody gets anything twice: what was recorded before the first listener came, and after the
    last one left, is the sender's; what was recorded in between is given to every listener.
    """

    def __init__(self, take: Callable[[], Iterable[Rows]]) -> None:
        self._take = take
        self._turn = threading.Lock()
        self._senders: list[Rows] = []
        self._listeners = list(everywhere.listeners)
        everywhere.join(self)

    def drain(self) -> Iterator[Rows]:
        """Yield what is the sender's."""
        with self._turn:
            while self._senders:
                yield self._senders.pop(0)
            yield from self._unheard()

    def catch_up(self) -> None:
        """Give the listeners what was recorded so far, or keep it for the sender."""
        with self._turn:
            self._senders += self._unheard()

    def add(self, listener: Listener) -> None:
        """Have `listener` called with what is recorded from now on."""
        with self._turn:
            self._senders += self._unheard()
            if listener not in self._listeners:
                self._listeners.append(listener)

    def remove(self, listener: Listener) -> None:
        """Have `listener` called no more, once it has what was recorded so far."""
        with self._turn:
            self._senders += self._unheard()
            self._listeners.remove(listener)

    def restart(self) -> None:
        """Begin anew in a forked child, where the thread whose turn it was is no more."""
        self._turn = threading.Lock()
        self._senders = []

    def _unheard(self) -> Iterator[Rows]:
        for rows in self._take():
            for listener in self._listeners:
                listener(rows)
            if not self._listeners:
                yield rows


class Everywhere:
    """Every outlet of this process, also those that are yet to come."""

    def __init__(self) -> None:
        self.listeners: list[Listener] = []
        self._outlets: list[ref[Outlet]] = []

    def join(self, outlet: Outlet) -> None:
        """Have `outlet` be one of them for as long as it lives."""
        self._outlets.append(ref(outlet, self._outlets.remove))

    def catch_up(self) -> None:
        """Give the listeners what was recorded so far."""
        for outlet in self._living():
            outlet.catch_up()

    def add(self, listener: Listener) -> None:
        """Have `listener` called with what is recorded from now on."""
        self.listeners.append(listener)
        for outlet in self._living():
            outlet.add(listener)

    def remove(self, listener: Listener) -> None:
        """Have `listener` called no more, once it has what was recorded so far."""
        self.listeners.remove(listener)
        for outlet in self._living():
            outlet.remove(listener)

    def _living(self) -> list[Outlet]:
        return [outlet for each in list(self._outlets) if (outlet := each()) is not None]


everywhere = Everywhere()
"""The process's own."""
