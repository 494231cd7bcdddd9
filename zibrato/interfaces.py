"""Every seam of the daemon, declared once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from twisted.plugin import IPlugin
from zope.interface import Attribute, Interface

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred

    from zibrato.delivery import Delivery


class RetryLater(Exception):
    """A backend can't deliver now: try again, no sooner than `after` seconds where that is known.

    `reason` is one line for the log; it holds no secret.
    """

    def __init__(self, reason: str, after: float = 0.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.after = after


class BackendContext(NamedTuple):
    """What the daemon hands to every backend."""

    reactor: Any
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
        """Ship what is still pending of `delivery`, noting there what was delivered or lost.

        Fires when nothing is left to try. Fails with RetryLater to be called again with the same
        delivery, whose `parcels` are the backend's own note of what is left.
        """

    def reload(settings: Mapping[str, str]) -> None:
        """Take over what may change while running: secrets."""

    def stop() -> Deferred[None]:
        """Release everything; called once, after the last delivery."""


class IBackendMaker(IPlugin):
    """A Twisted plugin, in a module of `twisted/plugins`, that makes backends."""

    name: str = Attribute("What `--backend` calls it: a str.")
    description: str = Attribute("One line for people, with its settings: a str.")

    def make(settings: Mapping[str, str], context: BackendContext) -> Any:
        """Return an IBackend; raises ValueError with one line for people for bad settings."""
