"""The interfaces of backends and intakes, and what the daemon hands to them.

A backend provides IBackend, and its maker IBackendMaker. If it has command-line options of its
own, the maker provides IBackendOptions; if it has a page, the backend provides IWebBackend.
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
    """The parts of a reactor that Zibrato uses: clock, timed calls, threads, and its stop.

    `seconds` is the Unix time. Timed calls come on time even if the clock is set. This is not a
    `typing.Protocol`, so that Twisted's own functions accept it.
    """

    def monotonic() -> float:
        """Return the seconds since some moment, to measure durations; no clock step changes it."""

    def callWhenRunning(function: Callable[..., object], *args: object) -> object:
        """Call the function when the reactor runs; at once if it already does."""

    def getThreadPool() -> ThreadPool:
        """Return the reactor's own threads."""

    def stop() -> None:
        """End the process; raises ReactorNotRunning if it is already ending."""


class Counting(Protocol):
    """Adds `value` to one of the daemon's own counters; call it in the reactor's thread."""

    def __call__(self, name: str, value: int = 1, **tags: str) -> None:
        """Count; a tag `reason` marks a loss."""


@dataclass(frozen=True)
class BackendContext:
    """What the daemon hands to every backend."""

    reactor: Reactor
    """The reactor to use; it is also the clock."""
    percentiles: tuple[float, ...]
    """Which percentiles of a timer to ship, each above 0 and at most 100."""
    name: str = ""
    """The backend's name in the log; empty if it has none of its own."""
    files: set[Path] = field(default_factory=set)
    """The resolved paths that backends of this daemon have claimed, with `claim_path`."""
    locks: MutableMapping[Path, FileLock] = field(default_factory=WeakValueDictionary)
    """The locks of such paths: a backend takes over the lock of the backend that it replaces."""
    sockets: Collection[str] = ()
    """The addresses at which this daemon listened at its start."""
    count: Counting = lambda *_value, **_tags: None
    """Counts in the daemon's own series what deliveries don't report."""
    state: Callable[[str], Path | None] = lambda _name: None
    """Returns a path beside the outboxes' file, for a backend's own data; None for no file."""
    is_trial: bool = False
    """Whether settings are only checked: don't open files, since a daemon may be using them."""


class SelfMetric(NamedTuple):
    """The current value of a self-metric: a counter's total since the start, a gauge's reading."""

    kind: str
    name: str
    tags: Tags
    value: float


@dataclass(frozen=True)
class DaemonInfo:
    """What a page needs to know about its daemon."""

    interval: float
    """The length of an interval in seconds."""
    source: str
    """The source of the daemon's self-metrics."""
    started: float
    """The Unix time of its start."""
    addresses: Callable[[], Sequence[str]]
    """Returns the ZeroMQ addresses where clients reach it; none before it has started."""
    self_metrics: Callable[[], Sequence[SelfMetric]]
    """Returns its self-metrics."""
    health: Callable[[], Health] | None = None
    """Returns the daemon's health."""
    otlp: Callable[[IRequest], Deferred[bytes]] | None = None
    """Answers a request with OTLP metrics: returns the body, and sets the rest of the response."""
    metrics: Callable[[IRequest], Deferred[Iterator[bytes]]] | None = None
    """Answers a request for /metrics as IScrapedBackend does; None without such a backend."""


class IIntake(IService):
    """A service that receives measurements and hands them to the daemon while it runs."""

    addresses: Sequence[str] = Attribute("Where clients reach it, as bound, once it has started.")

    def drain() -> Deferred[None]:
        """Accept nothing new, hand over what has already arrived, then fire."""

    def reload() -> None:
        """Read again from files who may send; log and ignore what is wrong."""

    def problem() -> str | None:
        """Return a message that says why nothing can arrive; None while something can."""


class IBackend(Interface):
    """A destination for snapshots."""

    name: str = Attribute("What the backend is called in options, logs and tags: a str.")

    def deliver(delivery: Delivery) -> Deferred[None]:
        """Ship what is pending of `delivery`, and report there what was delivered or dropped.

        It has several snapshots if the backend has to catch up and they are small. Fires when
        nothing is left to try; fails with RetryLater to be called again with the same delivery.
        """

    def reload(settings: Mapping[str, str]) -> None:
        """Apply settings that may change while running, such as secrets.

        Called on HUP and before the last deliveries of a stop, with all settings. Only settings
        that the maker names in `reloaded` may have changed.
        """

    def stop() -> Deferred[None]:
        """Release all resources; called once, after the last delivery."""


class IAnnotationBackend(IBackend):
    """A backend that keeps annotations, such as the events of statsd."""

    def annotate(annotation: Annotation) -> Deferred[None]:
        """Keep an annotation; if this fails, it is not tried again."""


class IUnitBackend(IBackend):
    """A backend that keeps units, such as those of OTLP metrics."""

    def keep_units(units: Mapping[str, str]) -> Deferred[None]:
        """Keep units by names of metrics; if this fails, it is not tried again."""


class IDescribingBackend(IBackend):
    """A backend that knows people's descriptions of metrics."""

    def descriptions() -> Deferred[Mapping[str, str]]:
        """Return descriptions by names of metrics."""


class IScrapedBackend(IBackend):
    """A backend that is scraped at /metrics, as by Prometheus."""

    endpoint: str | None = Attribute("Twisted's of its own; None for that of the daemon's page.")

    def answer(
        request: IRequest, descriptions: Callable[[], Deferred[Mapping[str, str]]]
    ) -> Deferred[Iterator[bytes]]:
        """Set status and headers; return non-empty parts of the body, taken as the client reads.

        If a part raises RetryLater, its client is dropped. `descriptions` is IDescribingBackend's.
        """


class IWebService(IService):
    """The service of a backend's page, which asks for credentials if there are any."""

    def reload(credentials: Path | None) -> None:
        """Read the file of credentials again; log errors, and keep the old ones then."""


class IWebBackend(IBackend):
    """A backend with a page, at the endpoint that `--web` names."""

    def web_service(
        reactor: Reactor, description: str, credentials: Path | None, daemon: DaemonInfo
    ) -> IWebService:
        """Return the service of the page at a Twisted endpoint, given as its description.

        `credentials` is the file with the user:password to ask for. Raises ValueError, with one
        line that names the option, and OSError if it can't listen.
        """


class IBackendMaker(IPlugin):
    """A Twisted plugin, in a module of `twisted/plugins`, that makes backends."""

    name: str = Attribute("What `--backend` calls it: a str.")
    description: str = Attribute("One line for people, with its settings: a str.")
    secrets: Collection[str] = Attribute("Names of settings whose values no repr may show.")
    reloaded: Collection[str] = Attribute("Names of settings that its backend's `reload` takes.")

    def make(settings: Mapping[str, str], context: BackendContext) -> IBackend:
        """Return the backend; raises ValueError, with a one-line message, for bad settings."""


class ICheckingMaker(IBackendMaker):
    """A maker that can check settings, for `zibrato check-config` and before a reload."""

    def check(settings: Mapping[str, str], context: BackendContext) -> IBackend:
        """Make a backend for a trial, and return it stopped; raises ValueError for bad settings."""


class BackendOption(NamedTuple):
    """A command-line option that a backend adds; no repr shows the value of a `secret` one.

    A `secret_file` holds a secret: the daemon checks who else may read or write it.
    """

    name: str
    help: str
    short: str | None = None
    default: str | None = None
    secret: bool = False
    secret_file: bool = False


class IBackendOptions(IBackendMaker):
    """A maker whose backend has command-line options of its own, besides `--backend`.

    The backends of a daemon are those of `--backend` and those that their own options ask for;
    without any, the default one.
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

        Those of `--backend` override them. Called whether or not the backend is asked for. Raises
        ValueError, with a one-line message that names the option.
        """
