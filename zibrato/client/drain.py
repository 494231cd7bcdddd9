"""Where measurements leave a client: to its sender, or to callbacks instead.

The callbacks are those of the recordings of tests, see zibrato.testing. They are at this end since
functions that are decorated already have their buffers for good.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from weakref import ref

from zibrato.client.rows import Rows

OnRows = Callable[[Rows], object]


class Drain:
    """Takes away what one client recorded, one thread at a time.

    Nobody gets anything twice: what was recorded before the first callback was added, and after
    the last one was removed, is the sender's; what was recorded in between goes to every callback.
    """

    def __init__(
        self,
        collect: Callable[[], Iterable[Rows]],
        sample: Callable[[object], bool] = lambda _moment: False,
    ) -> None:
        self._collect = collect
        self._sample = sample
        self._turn = threading.Lock()
        self._waiting: list[Rows] = []
        self._callbacks = list(registry.callbacks)
        registry.register(self)

    def take(self, moment: object = None) -> Iterator[Rows]:
        """Yield what is the sender's, with what is read for this `moment`, if it is one."""
        if moment is not None:
            self._sample(moment)
        yield from self._take()
        # Callables come with what is taken: those are read at once.
        if moment is not None and self._sample(moment):
            yield from self._take()

    def _take(self) -> Iterator[Rows]:
        with self._turn:
            # One at a time: where the sender fails at one, the others are still there.
            while self._waiting:
                yield self._waiting.pop(0)
            yield from self._rows()

    def catch_up(self) -> None:
        """Give the callbacks what was recorded so far and is read now, or keep it."""
        moment = object()
        self._sample(moment)
        self._keep()
        if self._sample(moment):
            self._keep()

    def _keep(self) -> None:
        with self._turn:
            self._waiting += self._rows()

    def add(self, on_rows: OnRows) -> None:
        """Have `on_rows` called with what is recorded from now on."""
        with self._turn:
            self._waiting += self._rows()
            if on_rows not in self._callbacks:
                self._callbacks.append(on_rows)

    def remove(self, on_rows: OnRows) -> None:
        """Have `on_rows` called no more, once it has what was recorded so far."""
        self.catch_up()
        with self._turn:
            self._waiting += self._rows()
            self._callbacks.remove(on_rows)

    def restart(self) -> None:
        """Begin anew in a forked child, where the thread whose turn it was is no more."""
        self._turn = threading.Lock()
        self._waiting = []

    def _rows(self) -> Iterator[Rows]:
        """Give what was recorded to the callbacks; where there are none, yield it."""
        for rows in self._collect():
            for on_rows in self._callbacks:
                on_rows(rows)
            if not self._callbacks:
                yield rows


class Registry:
    """Every drain of a process, also those that are yet to come."""

    def __init__(self) -> None:
        self.callbacks: list[OnRows] = []
        self._drains: list[ref[Drain]] = []

    def register(self, drain: Drain) -> None:
        """Have `drain` be one of them for as long as it lives."""
        # A reference's callback is called with that very reference as its drain dies.
        self._drains.append(ref(drain, self._drains.remove))

    def catch_up(self) -> None:
        """Give the callbacks what was recorded so far."""
        for drain in self._living():
            drain.catch_up()

    def add(self, on_rows: OnRows) -> None:
        """Have `on_rows` called with what is recorded from now on."""
        self.callbacks.append(on_rows)
        for drain in self._living():
            drain.add(on_rows)

    def remove(self, on_rows: OnRows) -> None:
        """Have `on_rows` called no more, once it has what was recorded so far."""
        self.callbacks.remove(on_rows)
        for drain in self._living():
            drain.remove(on_rows)

    def _living(self) -> list[Drain]:
        # Of a copy, since a drain may die meanwhile, which changes the list.
        references = list(self._drains)
        return [drain for reference in references if (drain := reference()) is not None]


registry = Registry()
"""The process's own."""
