"""Gauges that are read once a second: callables, and how many calls are in progress.

They are read for whoever drains the buffers, the sender's thread or the reactor's, one after the
other; the callables of the former by the reader's thread. What is read goes into the buffers as a
reading like any other.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from itertools import count
from time import monotonic
from types import MethodType
from weakref import WeakMethod

from zibrato.model import Series

SLOW = 0.01
"""Seconds that a reading may take without a rest after it."""
REST = 10
"""How many times as long as its last reading took a callable isn't called after it."""
Append = Callable[[float], object]
Function = Callable[[], float]
Run = Callable[[Callable[[], bool]], bool]


class InProgressBuffer:
    """How many have entered and not left yet; both are calls of a C function, and take no lock."""

    __slots__ = ("_base", "_idle", "enter", "leave")

    def __init__(self) -> None:
        self.enter: Callable[[], int] = count().__next__
        self.leave: Callable[[], int] = count().__next__
        self._base = 0
        self._idle: int | None = None

    def read(self) -> int | None:
        """Return how many there are; None in a forked child in which none has entered yet."""
        # Both counts are read by advancing them, which leaves their difference as it is. That of
        # those who left comes first: who comes and goes in between must not make it negative.
        left = self.leave()
        entered = self.enter()
        if self._idle is not None:
            if entered == self._idle + 1:
                self._idle = entered
                return None
            self._idle = None
        # In a child one that entered in its parent may leave.
        self._base = min(self._base, entered - left)
        return entered - left - self._base

    def restart(self) -> None:
        """Begin anew in a forked child: who is inside is inside in its parent."""
        left, self._idle = self.leave(), self.enter()
        self._base = self._idle - left


class SampledFunction:
    """A callable that is read; it rests the longer the longer it takes."""

    __slots__ = ("_function", "_ready")

    def __init__(self, function: Function) -> None:
        # A method is its object's, which may go: nobody expects a gauge to keep it.
        self._function: Callable[[], Function | None] = (
            WeakMethod(function) if type(function) is MethodType else lambda: function
        )
        self._ready = 0.0

    @property
    def gone(self) -> bool:
        """Whether the object whose method it is has gone."""
        return self._function() is None

    def restart(self) -> None:
        """Rest no longer: in a forked child it may take less."""
        self._ready = 0.0

    def read(self) -> float | None:
        """Return its number, None where it rests; raises whatever it raises."""
        function, start = self._function(), monotonic()
        if function is None or start < self._ready:
            return None
        try:
            return array("d", (function(),))[0]
        finally:
            end = monotonic()
            if end - start > SLOW:
                self._ready = end + REST * (end - start)


class Sampled:
    """The gauges of one client that are read, by series, and when each was."""

    def __init__(self, append: Callable[[Series], Append], count_error: Callable[[], None]) -> None:
        self._append = append
        self._count_error = count_error
        self.run: Run = lambda job: job()
        """Has the callables read, and returns what that returns."""
        self._functions: dict[Series, SampledFunction] = {}
        self._in_progress: dict[Series, InProgressBuffer] = {}
        self._moments: dict[Series, object] = {}

    def __len__(self) -> int:
        return len(self._in_progress)

    def in_progress(self, series: Series) -> InProgressBuffer:
        """Return the buffer of a series."""
        return self._in_progress.setdefault(series, InProgressBuffer())

    def adopt(self, series: Series, function: Function) -> None:
        """Have `function` read from now on, in place of the one that the series had."""
        self._functions[series] = SampledFunction(function)
        self._moments.pop(series, None)

    def sample(self, moment: object) -> bool:
        """Read all that have not been read for this `moment`; return whether there were any."""
        is_any = False
        for series, gauge in {**self._in_progress}.items():
            if self._moments.get(series) != moment:
                self._moments[series] = moment
                is_any = True
                self._read(series, gauge)
        if self._functions and self.run(lambda: self._call(moment)):
            return True
        return is_any

    def _call(self, moment: object) -> bool:
        """Read the callables; return whether there were any to be read."""
        is_any = False
        for series, function in {**self._functions}.items():
            if function.gone:
                self._functions.pop(series, None)
                self._moments.pop(series, None)
            # Who waited for an earlier one may have closed the client meanwhile.
            elif series in self._functions and self._moments.get(series) != moment:
                self._moments[series] = moment
                is_any = True
                self._read(series, function)
        return is_any

    def _read(self, series: Series, gauge: SampledFunction | InProgressBuffer) -> None:
        try:
            value = gauge.read()
        except BaseException:  # a foreign function may raise anything, in our own thread
            self._count_error()
            return
        if value is not None:
            self._append(series)(value)

    def clear(self) -> None:
        """Read no callable any more."""
        self._functions.clear()

    def restart(self) -> None:
        """Begin anew in a forked child, which reads what its parent does."""
        self._moments.clear()
        for gauge in list(self._in_progress.values()):
            gauge.restart()
        for function in list(self._functions.values()):
            function.restart()
