"""Every seam of the daemon, declared once: all that an author of a backend needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from twisted.internet.interfaces import IReactorFromThreads, IReactorTime
from twisted.plugin import IPlugin
from zope.interface import Attribute, Interface

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred
    from twisted.python.threadpool import ThreadPool

    from zibrato.model import Snapshot

__all__ = [
    "BackendContext",
    "Delivery",
    "IBackend",
    "IBackendMaker",
    "IIntake",
    "Reactor",
    "RetryLater",
]


class Reactor(IReactorTime, IReactorFromThreads):
    """What Zibrato uses of a reactor: the time, and the ways back into its thread and out of it.

    An interface and no `typing.Protocol`, so that Twisted's own functions take it as the
    interfaces that they ask for. Every reactor of Twisted's has all of it.
    """

    def callWhenRunning(function: Callable[..., object], *args: object) -> object:
        """Call the function once the reactor runs, at once if it does."""

    def getThreadPool() -> ThreadPool:
        """Return the reactor's own threads."""

    def stop() -> None:
        """End the process; raises ReactorNotRunning where that is under way."""


class RetryLater(Exception):
    """A backend can't deliver now: try again, no sooner than `after` seconds where that is known.

    `reason` is one line for the log; it holds no secret.
    """

    def __init__(self, reason: str, after: float = 0.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.after = after


class Delivery:
    """A snapshot on its way to one backend, and the account of what became of it.

    `pending` are the measurements not accounted for yet, `size` about its bytes in memory.
    """

    __slots__ = ("_note", "faults", "pending", "requests", "size", "snapshot")

    def __init__(self, snapshot: Snapshot, note: Callable[[int, str | None], None]) -> None:
        self.snapshot = snapshot
        self.size = snapshot.size
        self.pending = snapshot.measurements
        self.faults = 0
        self.requests: object = None
        """The backend's own note of what is left to send; None before its first attempt."""
        self._note = note

    def delivered(self, measurements: int) -> None:
        """Note that so many measurements have arrived."""
        self.pending -= measurements
        self._note(measurements, None)

    def dropped(self, measurements: int, reason: str) -> None:
        """Note that so many measurements are dropped, for a `reason` of one word."""
        self.pending -= measurements
        self._note(measurements, reason)


class BackendContext(NamedTuple):
    """What the daemon hands to every backend."""

    reactor: Reactor
    """The reactor: the clock, and the ways out."""
    percentiles: tuple[float, ...]
    """Which percentiles of a timer to ship, each above 0 and at most 100."""


class IIntake(Interface):
    """A service that receives frames and hands each to a callable `receive(frame: bytes)`."""

    def drain() -> Deferred[None]:
        """Accept nothing new, hand over what has arrived already, then fire."""


class IBackend(Interface):
    """Somewhere to ship snapshots to."""

    name: str = Attribute("What the backend is called in options, logs and tags: a str.")

    def deliver(delivery: Delivery) -> Deferred[None]:
        """Ship what is still pending of `delivery`, noting there what was delivered or dropped.

        Fires when nothing is left to try. Fails with RetryLater to be called again with the same
        delivery, whose `requests` are the backend's own note of what is left.
        """

    def reload(settings: Mapping[str, str]) -> None:
        """Take over what may change while running: secrets."""

    def stop() -> Deferred[None]:
        """Release everything; called once, after the last delivery."""


class IBackendMaker(IPlugin):
    """A Twisted plugin, in a module of `twisted/plugins`, that makes backends."""

    name: str = Attribute("What `--backend` calls it: a str.")
    description: str = Attribute("One line for people, with its settings: a str.")

    def make(settings: Mapping[str, str], context: BackendContext) -> IBackend:
        """Return the backend; raises ValueError with one line for people for bad settings."""
