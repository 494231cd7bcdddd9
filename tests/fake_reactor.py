"""A reactor whose time stands still until a test moves it."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.task import Clock
from twisted.python.threadpool import ThreadPool
from zope.interface import implementer

from zibrato.interfaces import Reactor


@implementer(Reactor)
class FakeReactor(Clock):
    """Twisted's Clock with what else the daemon asks of a reactor; its calls wait for a test."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[Callable[[], object]] = []
        self.stops = 0
        self._step = 0.0

    def seconds(self) -> float:
        """Return the wall clock's time."""
        return super().seconds() + self._step

    def monotonic(self) -> float:
        """Return the time that has passed."""
        return super().seconds()

    def set_clock(self, step: float) -> None:
        """Set the wall clock `step` seconds forward; what was scheduled keeps its distance."""
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
        """Raise NotImplementedError: what needs threads is tested with a real reactor."""
        raise NotImplementedError

    def stop(self) -> None:
        """Count the call."""
        self.stops += 1

    def run_calls(self) -> None:
        """Make the calls that wait."""
        while self.waiting:
            self.waiting.pop(0)()
