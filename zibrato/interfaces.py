"""Every seam of the daemon, declared once: all that an author of a backend or an intake needs.

A backend needs IBackend and its maker IBackendMaker. Where it is to have command-line options of
its own the maker provides IBackendOptions, and where it has a page, it is an IWebBackend.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol
from weakref import WeakValueDictionary

from twisted.application.service import IService
from twisted.internet.interfaces import IReactorFromThreads, IReactorTime
from twisted.plugin import IPlugin
from zope.interface import Attribute, Interface

from zibrato.delivery import Delivery, RetryLater

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred
    from twisted.python.threadpool import ThreadPool
    from twisted.web.iweb import IRequest

    from zibrato.files.file_lock import FileLock
    from zibrato.health import Health
    from zibrato.model import Annotation, Tags

__all__ = [
    "BackendContext",
    "BackendOption",
    "Commits",
    "Counting",
    "DaemonInfo",
    "Delivery",
    "IAnnotationBackend",
    "IBackend",
    "IBackendMaker",
    "IBackendOptions",
    "ICheckingMaker",
    "IDescribingBackend",
    "IIntake",
    "IScrapedBackend",
    "IUnitBackend",
    "IWebBackend",
    "IWebService",
    "Reactor",
    "RetryLater",
    "SelfMetric",
]


class Reactor(IReactorTime, IReactorFromThreads):
    """What Zibrato uses of a reactor: the time, and the ways back into its thread and out of it.

    `seconds` is the Unix time, which may be set; timed calls come in spite of that.
    No `typing.Protocol`, so that Twisted's own functions take it as what they ask for.
    """

    def monotonic() -> float:
        """Return the seconds since some moment, for how long things take: no step changes it."""

    def callWhenRunning(function: Callable[..., object], *args: object) -> object:
        """Call the function once the reactor runs, at once if it does."""

    def getThreadPool() -> ThreadPool:
        """Return the reactor's own threads."""

    def stop() -> None:
        """End the process; raises ReactorNotRunning where that is under way."""


class Counting(Protocol):
    """Counts `value` more in a series of the daemon's own; for the reactor's thread."""

    def __call__(self, name: str, value: int = 1, **tags: str) -> None:
        """Count; what has a `reason` among its tags is a loss."""


@dataclass(frozen=True)
class BackendContext:
    """What the daemon hands to every backend."""

    reactor: Reactor
    """The reactor: the clock, and the ways out."""
    percentiles: tuple[float, ...]
    """Which percentiles of a timer to ship, each above 0 and at most 100."""
    name: str = ""
    """What the daemon calls this backend, for its log; empty where nobody has said."""
    files: set[Path] = field(default_factory=set)
    """The resolved paths that backends of this daemon have for themselves alone: `claim_path`."""
    locks: MutableMapping[Path, FileLock] = field(default_factory=WeakValueDictionary)
    """The locks of such paths: a backend has that of the one in whose place it is put."""
    sockets: Collection[str] = ()
    """The addresses at which this daemon listened at its start."""
    count: Counting = lambda *_value, **_tags: None
    """Counts in the daemon's own series what no delivery tells of."""
    state: Callable[[str], Path | None] = lambda _name: None
    """Returns the file beside the outbox for what a backend keeps, None where none is wanted."""
    is_trial: bool = False
    """Whether only settings are looked at: a daemon may have all files, and none may be opened."""


class SelfMetric(NamedTuple):
    """A self-metric as it is now: what a counter has counted since the start, a gauge's reading."""

    kind: str
    name: str
    tags: Tags
    value: float


@dataclass(frozen=True)
class DaemonInfo:
    """What a page can tell of the daemon that it belongs to."""

    interval: float
    """The seconds that are summed up."""
    source: str
    """What the daemon calls itself: the source of its self-metrics."""
    started: float
    """The Unix time of its start."""
    addresses: Callable[[], Sequence[str]]
    """Returns where clients reach it, as ZeroMQ writes it; none before it has started."""
    self_metrics: Callable[[], Sequence[SelfMetric]]
    """Returns its self-metrics."""
    health: Callable[[], Health] | None = None
    """Returns how it is."""
    otlp: Callable[[IRequest], Deferred[bytes]] | None = None
    """Returns the body of the response to a request with OTLP's metrics, having set the rest."""
    metrics: Callable[[IRequest], Deferred[Iterator[bytes]]] | None = None
    """Answers a request for /metrics as IScrapedBackend does, where there is such a backend."""


class Commits(Protocol):
    """What an intake asks before it acknowledges a batch; for the reactor's thread.

    Once a second, and with each snapshot, measurements and how far each client has come are
    committed in one transaction. A client that was silent for seven days is forgotten.
    """

    def highest(self, client: str) -> int | None:
        """Return the highest number taken in, None of an unknown client; repeats are no higher."""

    def take(self, client: str, sequence: int) -> None:
        """Note that all of a client up to a number is aggregated; call it in the same turn."""

    def committed(self) -> Deferred[None]:
        """Return a Deferred that fires, and never fails, once all taken in by now is committed."""


class IIntake(IService):
    """A service that hands what it receives to whom it was made for, between start and stop."""

    addresses: Sequence[str] = Attribute("Where clients reach it, as bound, once it has started.")

    def drain() -> Deferred[None]:
        """Accept nothing new, hand over what has arrived already, then fire."""

    def reload() -> None:
        """Read anew who may send, where that is in files; what is wrong is logged and left out."""

    def problem() -> str | None:
        """Return why nothing can arrive, in words for people; None while it can."""


class IBackend(Interface):
    """Somewhere to ship snapshots to."""

    name: str = Attribute("What the backend is called in options, logs and tags: a str.")

    def deliver(delivery: Delivery) -> Deferred[None]:
        """Ship what is still pending of `delivery`, noting there what was delivered or dropped.

        It has several snapshots where the backend has to catch up and they are small.
        Fires when nothing is left to try; fails with RetryLater to be called again with the same.
        """

    def reload(settings: Mapping[str, str]) -> None:
        """Take over what may change while running: secrets.

        Called on HUP and before the last deliveries of a stop, with all settings; those that
        it doesn't take over have not changed.
        """

    def stop() -> Deferred[None]:
        """Release everything; called once, after the last delivery."""


class IAnnotationBackend(IBackend):
    """A backend that keeps annotations, such as statsd's events become."""

    def annotate(annotation: Annotation) -> Deferred[None]:
        """Keep it; what fails is not tried again."""


class IUnitBackend(IBackend):
    """A backend that keeps units, such as OTLP's metrics have."""

    def keep_units(units: Mapping[str, str]) -> Deferred[None]:
        """Keep units, words for people, by names of metrics; what fails is not tried again."""


class IDescribingBackend(IBackend):
    """A backend that knows what people said of metrics."""

    def descriptions() -> Deferred[Mapping[str, str]]:
        """Return descriptions, words for people, by names of metrics."""


class IScrapedBackend(IBackend):
    """A backend that is asked for what it has, at /metrics."""

    endpoint: str | None = Attribute("Twisted's of its own; None for that of the daemon's page.")

    def answer(
        request: IRequest, descriptions: Callable[[], Deferred[Mapping[str, str]]]
    ) -> Deferred[Iterator[bytes]]:
        """Return parts of a body, none empty, taken as the client reads; what else it says is set.

        `descriptions` returns what is known of metrics, as IDescribingBackend does.
        """


class IWebService(IService):
    """The service of a backend's page, which asks for credentials where there are any."""

    def reload(credentials: Path | None) -> None:
        """Read the file of credentials anew; what is wrong is logged, and the old ones stay."""


class IWebBackend(IBackend):
    """A backend with a page, at the endpoint that `--web` names."""

    def web_service(
        reactor: Reactor, description: str, credentials: Path | None, daemon: DaemonInfo
    ) -> IWebService:
        """Return the service of the page at an endpoint, in Twisted's words.

        `credentials` is the file with the user:password to ask for. Raises ValueError, with one
        line for people that names the option, and OSError where it can't listen.
        """


class IBackendMaker(IPlugin):
    """A Twisted plugin, in a module of `twisted/plugins`, that makes backends."""

    name: str = Attribute("What `--backend` calls it: a str.")
    description: str = Attribute("One line for people, with its settings: a str.")
    secrets: Collection[str] = Attribute("Names of settings whose values no repr may show.")
    reloaded: Collection[str] = Attribute("Names of settings that its backend's `reload` takes.")

    def make(settings: Mapping[str, str], context: BackendContext) -> IBackend:
        """Return the backend; raises ValueError with one line for people for bad settings."""


class ICheckingMaker(IBackendMaker):
    """A maker that can tell of settings whether they are good, for `zibrato check-config`."""

    def check(settings: Mapping[str, str], context: BackendContext) -> IBackend:
        """Return what was made for a trial, stopped; raises ValueError for bad settings."""


class BackendOption(NamedTuple):
    """An option of the command line that a backend adds; what is `secret` shows in no repr.

    A `secret_file` is one that holds a secret: who else may read or write it is looked at.
    """

    name: str
    help: str
    short: str | None = None
    default: str | None = None
    secret: bool = False
    secret_file: bool = False


class IBackendOptions(IBackendMaker):
    """A maker whose backend has options of its own on the command line, not only `--backend`'s.

    The backends of a daemon are those of `--backend`, then those that their own options ask for,
    else the one that is the default.
    """

    options: Sequence[BackendOption] = Attribute("What it adds to the command line.")
    asked_by: str = Attribute("Name of the one of its options that, if given, asks for it: a str.")
    is_default: bool = Attribute("Whether it is what there is if nothing else is asked for.")
    summary: str = Attribute("What it ships to, and how one gets there, for `--help`: a str.")
    web: str | None = Attribute("The endpoint of its page unless `--web` names one; None for none.")

    def settings(
        options: Mapping[str, str | None], environment: Mapping[str, str]
    ) -> Mapping[str, str]:
        """Return the settings that its options and the environment imply.

        They hold beneath those of `--backend`. Called whether or not the backend is asked for;
        raises ValueError with one line for people, which names the option.
        """
