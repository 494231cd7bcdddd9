"""A reactor whose clock only a test advances."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.task import Clock
from twisted.python.threadpool import ThreadPool
from zope.interface import implementer

from zibrato.interfaces import Reactor


@implementer(Reactor)
class FakeReactor(Clock):
    """Twisted's Clock, with the other methods of a reactor that the daemon needs."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[Callable[[], object]] = []
        self.stops = 0
        self._step = 0.0

    def seconds(self) -> float:
        """Return the time of the wall clock."""
        return super().seconds() + self._step

    def monotonic(self) -> float:
        """Return the time that has passed."""
        return super().seconds()

    def set_clock(self, step: float) -> None:
        """Set the wall clock `step` seconds forward; scheduled calls keep their distance."""
        self._step += step
        for call in self.getDelayedCalls():
            call.delay(step)

    def callFromThread(
        self, callable: Callable[..., object], *args: object, **kwargs: object
    ) -> None:
        """Keep the call until `run_calls`."""
        self.waiting.append(lambda: callable(*args, **kwargs))

    def callWhenRunning(self, function: Callable[..., object], *args: object) -> object:
        """Keep the call until `run_calls`."""
        self.waiting.append(lambda: function(*args))
        return None

    def getThreadPool(self) -> ThreadPool:
        """Raise NotImplementedError: a test that needs threads has to use a real reactor."""
        raise NotImplementedError

    def stop(self) -> None:
        """Count the call."""
        self.stops += 1

    def run_calls(self) -> None:
        """Make the waiting calls."""
        while self.waiting:
            self.waiting.pop(0)()
