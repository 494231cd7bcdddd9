"""Timed calls that keep their time while the wall clock is set, and who notices that it was.

Twisted's reactors schedule by `time.time()`: after a step of one hour back nothing that was
scheduled runs for an hour, after one forward every timeout ends at once.
"""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import cast

from twisted.application.service import Service
from twisted.internet.base import ReactorBase
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.threadpool import ThreadPool
from zope.interface import directlyProvides, implementer, providedBy

from zibrato.interfaces import Reactor

PERIOD = 1.0
"""Seconds between looks at the clocks: by so much a step back delays what is due, at most."""
MIN_STEP = 0.5
"""Seconds between two looks that make a step: slewing, as NTP does it, is far slower."""
_TOLERANCE = 0.001


@implementer(Reactor)
class MonotonicReactor:
    """A reactor whose timed calls come by `monotonic`; all else is `reactor`'s own.

    `seconds` remains the wall clock's: what is aligned to that, as a LoopingCall is, finds its
    place again with its next call.
    """

    def __init__(self, reactor: Reactor, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.wall = reactor
        self._monotonic = monotonic
        self.calls: set[_Call] = set()
        # Who gets a reactor may ask it for an interface of Twisted's, such as that of TCP.
        directlyProvides(self, providedBy(reactor))

    def __getattr__(self, name: str) -> object:
        """Return what else the reactor has, which Twisted's own and txZMQ ask for."""
        return getattr(self.wall, name)

    def seconds(self) -> float:
        """Return the Unix time."""
        return self.wall.seconds()

    def monotonic(self) -> float:
        """Return the seconds since some moment, which no step changes."""
        return self._monotonic()

    def callLater(
        self, delay: float, callable: Callable[..., object], *args: object, **kwargs: object
    ) -> IDelayedCall:
        """Call after `delay` seconds."""
        return _Call(self, delay, partial(callable, *args, **kwargs))

    def getDelayedCalls(self) -> Sequence[IDelayedCall]:
        """Return all timed calls of the reactor."""
        return self.wall.getDelayedCalls()

    def reschedule(self) -> None:
        """Set right, after a step, when the reactor will make the calls."""
        for call in list(self.calls):
            call.reschedule()

    def callFromThread(
        self, callable: Callable[..., object], *args: object, **kwargs: object
    ) -> None:
        """Call in the reactor's thread, from any."""
        self.wall.callFromThread(callable, *args, **kwargs)

    def callWhenRunning(self, function: Callable[..., object], *args: object) -> object:
        """Call once the reactor runs, at once if it does."""
        return self.wall.callWhenRunning(function, *args)

    def getThreadPool(self) -> ThreadPool:
        """Return the reactor's own threads."""
        return self.wall.getThreadPool()

    def stop(self) -> None:
        """End the process."""
        self.wall.stop()


def monotonic(reactor: IReactorTime) -> MonotonicReactor:
    """Return `reactor` as one whose timed calls keep their time.

    Twisted's own go by the wall clock. Any other, such as a Clock in a test, goes by what it says
    itself, since nobody sets that.
    """
    if isinstance(reactor, MonotonicReactor):
        return reactor
    # Twisted says of its reactors no more than IReactorTime, though they have all of it.
    whole = cast(Reactor, reactor)
    if is_by_wall_clock(reactor):
        return MonotonicReactor(whole)
    return MonotonicReactor(whole, reactor.seconds)


def is_by_wall_clock(reactor: IReactorTime) -> bool:
    """Return whether a step of the wall clock changes when the reactor makes its calls."""
    return isinstance(reactor, ReactorBase)


@implementer(IDelayedCall)
class _Call:
    """A call that is due at a time of `monotonic`, by one of the reactor's that may be early."""

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
        """Have the reactor make the call when it is due by a wall clock that was set."""
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

    That gets the seconds, below 0 for a step back. A machine that was suspended is one forward.
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
        """Begin to look, in a thread: after a step back the reactor's own timers don't come."""
        Service.startService(self)
        self._offset = self._wall() - self._reactor.monotonic()
        self._thread = threading.Thread(target=self._watch, name="zibrato-clock", daemon=True)
        self._thread.start()

    def stopService(self) -> None:
        """Look no more; the thread ends by itself within `PERIOD`."""
        Service.stopService(self)
        self._thread = None

    def look(self) -> None:
        """Compare the clocks; what follows from it happens in the reactor's thread."""
        offset = self._wall() - self._reactor.monotonic()
        step, self._offset = offset - self._offset, offset
        if abs(step) >= MIN_STEP:
            self._reactor.callFromThread(self._tell, step)

    def _watch(self) -> None:
        # No Event: its timeout is by the wall clock, too, where the C library has no sem_clockwait,
        # as musl and macOS have none. select's never is.
        while self._thread is threading.current_thread():
            self.look()
            select.select((), (), (), PERIOD)

    def _tell(self, step: float) -> None:
        # The service may have been stopped since the thread sent this on its way.
        if self.running:
            self._reactor.reschedule()
            self._stepped(step)
