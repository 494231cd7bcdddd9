"""How measurements leave a client: to its sender, or to callbacks instead.

The callbacks are the recordings of tests, see zibrato.testing. They are attached here, at the end,
because decorated functions keep their buffers for ever.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from weakref import ref

from zibrato.client.rows import Rows

OnRows = Callable[[Rows], object]


class Drain:
    """Takes what one client has recorded, for one thread at a time.

    Nothing is delivered twice. The sender gets what was recorded before the first callback was
    added and after the last one was removed. All callbacks get what was recorded in between.
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
        """Yield rows for the sender, after reading callables for this `moment`, if there is one."""
        if moment is not None:
            self._sample(moment)
        yield from self._take()
        # New callables may be among what was taken: read them at once.
        if moment is not None and self._sample(moment):
            yield from self._take()

    def _take(self) -> Iterator[Rows]:
        with self._turn:
            # One at a time: if the sender fails at one, the others are kept.
            while self._waiting:
                yield self._waiting.pop(0)
            yield from self._rows()

    def catch_up(self) -> None:
        """Give the callbacks what was recorded so far and is read now, or keep it for later."""
        moment = object()
        self._sample(moment)
        self._keep()
        if self._sample(moment):
            self._keep()

    def _keep(self) -> None:
        with self._turn:
            self._waiting += self._rows()

    def add(self, on_rows: OnRows) -> None:
        """Call `on_rows` with what is recorded from now on."""
        with self._turn:
            self._waiting += self._rows()
            if on_rows not in self._callbacks:
                self._callbacks.append(on_rows)

    def remove(self, on_rows: OnRows) -> None:
        """Give `on_rows` what was recorded so far, and then call it no more."""
        self.catch_up()
        with self._turn:
            self._waiting += self._rows()
            self._callbacks.remove(on_rows)

    def restart(self) -> None:
        """Reset in a forked child, which doesn't have the thread that may hold the lock."""
        self._turn = threading.Lock()
        self._waiting = []

    def _rows(self) -> Iterator[Rows]:
        """Give what was recorded to the callbacks; without callbacks, yield it."""
        for rows in self._collect():
            for on_rows in self._callbacks:
                on_rows(rows)
            if not self._callbacks:
                yield rows


class Registry:
    """All drains of a process, including future ones."""

    def __init__(self) -> None:
        self.callbacks: list[OnRows] = []
        self._drains: list[ref[Drain]] = []

    def register(self, drain: Drain) -> None:
        """Add `drain` as long as it lives."""
        # When the drain dies, the reference calls its callback with itself.
        self._drains.append(ref(drain, self._drains.remove))

    def catch_up(self) -> None:
        """Give the callbacks what was recorded so far."""
        for drain in self._living():
            drain.catch_up()

    def add(self, on_rows: OnRows) -> None:
        """Call `on_rows` with what is recorded from now on."""
        self.callbacks.append(on_rows)
        for drain in self._living():
            drain.add(on_rows)

    def remove(self, on_rows: OnRows) -> None:
        """Give `on_rows` what was recorded so far, and then call it no more."""
        self.callbacks.remove(on_rows)
        for drain in self._living():
            drain.remove(on_rows)

    def _living(self) -> list[Drain]:
        # Copy the list, because it changes if a drain dies meanwhile.
        references = list(self._drains)
        return [drain for reference in references if (drain := reference()) is not None]


registry = Registry()
"""The registry of the process."""
