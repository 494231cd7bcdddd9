"""Timed calls that come on time even if the wall clock is set, and detection of clock steps.

Twisted's reactors schedule by `time.time()`. After a step of one hour back, scheduled calls don't
run for an hour. After a step forward, all timeouts end at once.
"""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import cast

from twisted.application.service import Service
from twisted.internet._resolver import GAIResolver
from twisted.internet.base import ReactorBase
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.threadpool import ThreadPool
from zope.interface import directlyProvides, implementer, providedBy

from zibrato.interfaces import Reactor
from zibrato.tx.names import NameResolver

PERIOD = 1.0
"""Seconds between two looks at the clocks; a step back delays calls by at most that."""
MIN_STEP = 0.5
"""Seconds by which the clocks must drift apart between two looks to count as a step; slewing, as
NTP does it, is far slower."""
_TOLERANCE = 0.001


@implementer(Reactor)
class MonotonicReactor:
    """A reactor whose timed calls go by `monotonic`; everything else is delegated to `reactor`.

    `seconds` is still the wall clock. Whatever is aligned to it, such as a LoopingCall, is aligned
    again with its next call.
    """

    def __init__(self, reactor: Reactor, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.wall = reactor
        self._monotonic = monotonic
        self.calls: set[_Call] = set()
        # Users of a reactor may ask whether it provides an interface, such as IReactorTCP.
        directlyProvides(self, providedBy(reactor))
        # Another resolver than Twisted's default was chosen by the application.
        if type(getattr(reactor, "nameResolver", None)) is GAIResolver:
            self.nameResolver = NameResolver(self)

    def __getattr__(self, name: str) -> object:
        """Return any other attribute of the reactor, since Twisted and txZMQ need more of them."""
        return getattr(self.wall, name)

    def seconds(self) -> float:
        """Return the Unix time."""
        return self.wall.seconds()

    def monotonic(self) -> float:
        """Return the seconds since some moment; no clock step changes it."""
        return self._monotonic()

    def callLater(
        self, delay: float, callable: Callable[..., object], *args: object, **kwargs: object
    ) -> IDelayedCall:
        """Call a function after `delay` seconds."""
        return _Call(self, delay, partial(callable, *args, **kwargs))

    def getDelayedCalls(self) -> Sequence[IDelayedCall]:
        """Return all timed calls of the reactor."""
        return self.wall.getDelayedCalls()

    def reschedule(self) -> None:
        """Correct the times of all calls in the reactor after a clock step."""
        for call in list(self.calls):
            call.reschedule()

    def callFromThread(
        self, callable: Callable[..., object], *args: object, **kwargs: object
    ) -> None:
        """Call a function in the reactor's thread, from any thread."""
        self.wall.callFromThread(callable, *args, **kwargs)

    def callWhenRunning(self, function: Callable[..., object], *args: object) -> object:
        """Call the function when the reactor runs; at once if it already does."""
        return self.wall.callWhenRunning(function, *args)

    def getThreadPool(self) -> ThreadPool:
        """Return the reactor's own threads."""
        return self.wall.getThreadPool()

    def stop(self) -> None:
        """End the process."""
        self.wall.stop()


def monotonic(reactor: IReactorTime) -> MonotonicReactor:
    """Return a reactor like `reactor` whose timed calls come on time even if the clock is set.

    Twisted's own reactors go by the wall clock. Any other, such as a Clock in a test, goes by its
    own `seconds`, which nobody sets.
    """
    if isinstance(reactor, MonotonicReactor):
        return reactor
    # In Twisted's types reactors only provide IReactorTime, but they have the rest of Reactor, too.
    whole = cast(Reactor, reactor)
    if is_by_wall_clock(reactor):
        return MonotonicReactor(whole)
    return MonotonicReactor(whole, reactor.seconds)


def is_by_wall_clock(reactor: IReactorTime) -> bool:
    """Return whether a step of the wall clock affects the reactor's timed calls."""
    return isinstance(reactor, ReactorBase)


@implementer(IDelayedCall)
class _Call:
    """A call that is due by `monotonic`, made by a call of the reactor, which may come early."""

    def __init__(
        self, reactor: MonotonicReactor, delay: float, function: Callable[[], object]
    ) -> None:
        self._owner = reactor
        self._due = reactor.monotonic() + delay
        self._function = function
        self._timer = reactor.wall.callLater(delay, self._fire)
        reactor.calls.add(self)

    def getTime(self) -> float:
        return self._timer.getTime()

    def cancel(self) -> None:
        self._timer.cancel()
        self._owner.calls.discard(self)

    def active(self) -> bool:
        return bool(self._timer.active())

    def delay(self, secondsLater: float) -> None:
        self._timer.delay(secondsLater)
        self._due += secondsLater

    def reset(self, secondsFromNow: float) -> None:
        self._timer.reset(secondsFromNow)
        self._due = self._owner.monotonic() + secondsFromNow

    def reschedule(self) -> None:
        """Correct the time of the reactor's call after the wall clock was set."""
        self._timer.reset(max(0.0, self._due - self._owner.monotonic()))

    def _fire(self) -> None:
        left = self._due - self._owner.monotonic()
        if left > _TOLERANCE:  # the wall clock was set forward
            self._timer = self._owner.wall.callLater(left, self._fire)
            return
        self._owner.calls.discard(self)
        self._function()


class ClockWatch(Service):
    """Notices steps of the wall clock, has `reactor` reschedule, then calls `stepped`.

    `stepped` gets the seconds of the step, below 0 for a step back. After a machine was suspended,
    there is a step forward.
    """

    def __init__(
        self,
        reactor: MonotonicReactor,
        stepped: Callable[[float], None],
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._reactor = reactor
        self._stepped = stepped
        self._wall = wall
        self._offset = 0.0
        self._thread: threading.Thread | None = None

    def startService(self) -> None:
        """Start the thread that looks; after a step back, the reactor's own timers don't come."""
        Service.startService(self)
        self._offset = self._measure()
        self._thread = threading.Thread(target=self._watch, name="zibrato-clock", daemon=True)
        self._thread.start()

    def stopService(self) -> None:
        """Stop looking; the thread ends by itself within `PERIOD`."""
        Service.stopService(self)
        self._thread = None

    def look(self) -> None:
        """Compare the clocks; a step is handled in the reactor's thread."""
        offset = self._measure()
        step, self._offset = offset - self._offset, offset
        if abs(step) >= MIN_STEP:
            self._reactor.callFromThread(self._tell, step)

    def _measure(self) -> float:
        """Return how far the wall clock is ahead of the other one.

        On a busy machine the process may stand still between two readings, which would look like a
        step. Then it reads again.
        """
        before = self._reactor.monotonic()
        while True:
            wall, after = self._wall(), self._reactor.monotonic()
            if after - before < MIN_STEP / 4:
                return wall - after
            before = after

    def _watch(self) -> None:
        # Not by Event.wait: its timeout goes by the wall clock, too, if the C library has no
        # sem_clockwait, as on musl and macOS. That of select never does.
        while self._thread is threading.current_thread():
            self.look()
            select.select((), (), (), PERIOD)

    def _tell(self, step: float) -> None:
        # The service may have been stopped after the thread scheduled this call.
        if self.running:
            self._reactor.reschedule()
            self._stepped(step)
