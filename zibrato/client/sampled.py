"""Gauges that are read once a second: callables, and how many calls are in progress.

They are read, one by one, for whoever drains the buffers: the sender's thread or the reactor's. For
the sender, the reader's thread calls the callables. A reading is put into the buffers like any
other.
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
"""After a slow reading, a callable rests for this many times the reading's duration."""
Append = Callable[[float], object]
Function = Callable[[], float]
Run = Callable[[Callable[[], bool]], bool]


class InProgressBuffer:
    """How many calls have entered and not left yet; both are C functions that take no lock."""

    __slots__ = ("_base", "_idle", "enter", "leave")

    def __init__(self) -> None:
        self.enter: Callable[[], int] = count().__next__
        self.leave: Callable[[], int] = count().__next__
        self._base = 0
        self._idle: int | None = None

    def read(self) -> int | None:
        """Return how many are in progress; None in a forked child before the first one enters."""
        # Reading the counts advances both, which leaves their difference the same. Read `leave`
        # first: a call that enters and leaves in between must not make the difference negative.
        left = self.leave()
        entered = self.enter()
        if self._idle is not None:
            if entered == self._idle + 1:
                self._idle = entered
                return None
            self._idle = None
        # In a child, a call may leave that has entered in the parent.
        self._base = min(self._base, entered - left)
        return entered - left - self._base

    def restart(self) -> None:
        """Reset in a forked child: the calls in progress are the parent's."""
        left, self._idle = self.leave(), self.enter()
        self._base = self._idle - left


class SampledFunction:
    """A callable that is read; the longer a reading takes, the longer it rests."""

    __slots__ = ("_function", "_ready")

    def __init__(self, function: Function) -> None:
        # A method belongs to its object, which may die: nobody expects a gauge to keep it alive.
        self._function: Callable[[], Function | None] = (
            WeakMethod(function) if type(function) is MethodType else lambda: function
        )
        self._ready = 0.0

    @property
    def gone(self) -> bool:
        """Whether the method's object has died."""
        return self._function() is None

    def restart(self) -> None:
        """End the rest: in a forked child, a reading may be faster."""
        self._ready = 0.0

    def read(self) -> float | None:
        """Return the callable's number, or None while it rests; raises whatever it raises."""
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
    """The gauges of one client that have to be read, by series, and when each was read."""

    def __init__(self, append: Callable[[Series], Append], count_error: Callable[[], None]) -> None:
        self._append = append
        self._count_error = count_error
        self.run: Run = lambda job: job()
        """Runs a job that reads the callables, and returns its result."""
        self._functions: dict[Series, SampledFunction] = {}
        self._in_progress: dict[Series, InProgressBuffer] = {}
        self._moments: dict[Series, object] = {}

    def __len__(self) -> int:
        return len(self._in_progress)

    def in_progress(self, series: Series) -> InProgressBuffer:
        """Return the buffer of a series."""
        return self._in_progress.setdefault(series, InProgressBuffer())

    def adopt(self, series: Series, function: Function) -> None:
        """Read `function` from now on, instead of the previous one of the series."""
        self._functions[series] = SampledFunction(function)
        self._moments.pop(series, None)

    def sample(self, moment: object) -> bool:
        """Read all gauges that weren't read for this `moment`; return whether there were any."""
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
            # While an earlier callable was read, the client may have been closed.
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
        """Stop reading callables."""
        self._functions.clear()

    def restart(self) -> None:
        """Reset in a forked child, which reads the same gauges as its parent."""
        self._moments.clear()
        for gauge in list(self._in_progress.values()):
            gauge.restart()
        for function in list(self._functions.values()):
            function.restart()
