"""Makes the daemon from its options, for twistd, .tac files, or an application's service tree."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, cast

from twisted.logger import Logger
from twisted.python import usage

from zibrato.config_problems import config_problems
from zibrato.daemon.acknowledging import Acknowledger
from zibrato.daemon.aggregation.aggregator import Aggregator
from zibrato.daemon.aggregation.receiver import Receiver
from zibrato.daemon.annotations import Annotations
from zibrato.daemon.backend_context import backend_context
from zibrato.daemon.backend_set import BackendSet
from zibrato.daemon.client_rejections import ClientRejections
from zibrato.daemon.garbage import LongLived
from zibrato.daemon.intake_set import IntakeSet
from zibrato.daemon.large_blocks import map_large_blocks
from zibrato.daemon.options import Options
from zibrato.daemon.outbox import frame_log
from zibrato.daemon.outbox.client_sequences import ClientSequences
from zibrato.daemon.outbox.journal import Journal
from zibrato.daemon.outbox.outbox import Outbox
from zibrato.daemon.outbox.place import outbox_disk
from zibrato.daemon.outbox.removed_backends import RemovedBackends
from zibrato.daemon.reload import Reloader
from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.daemon.service import Daemon
from zibrato.daemon.settings import Settings
from zibrato.daemon.signals import twisted_handlers
from zibrato.daemon.units import Units
from zibrato.health import Health
from zibrato.intake.otlp.exports import Exports, in_threads
from zibrato.intake.otlp.service import OtlpIntake
from zibrato.intake.statsd_lines import StatsdLines
from zibrato.intake_making import IntakeMaker, otlp_site
from zibrato.interfaces import DaemonInfo, Reactor
from zibrato.threads import Threads
from zibrato.tx.monotonic import ClockWatch, MonotonicReactor
from zibrato.web.clashes import clashes, clashes_with_running
from zibrato.web.pages import pages

if TYPE_CHECKING:
    from twisted.application.service import IService

__all__ = ["Options", "makeService", "make_service"]

_log = Logger()


def make_service(options: Options) -> Daemon:
    """Return a daemon for parsed `options`: a service for any application's service tree.

    Raises usage.UsageError for settings that a backend refuses and endpoints that can't be used.
    """
    from twisted.internet import reactor as installed  # noqa: PLC0415 - imported only here

    # Cast, because Twisted doesn't declare all that reactors provide; `monotonic` is added here.
    reactor = MonotonicReactor(cast(Reactor, installed))
    settings, metrics = options.settings, SelfMetrics()
    aggregator = _aggregator(settings, metrics)
    backends = _backends(reactor, options, metrics)
    for clash in clashes(settings, backends.backends):
        raise usage.UsageError(clash)
    journal = _journal(reactor, options, backends.outboxes, metrics)
    acknowledger = Acknowledger(journal.sequences, metrics, reactor, journal.tick)
    receiver = Receiver(aggregator, metrics, reactor, journal.note, acknowledger.take)
    rejections = ClientRejections(metrics, reactor, settings.flush_interval)
    annotations, units = Annotations(metrics), Units()
    exports = Exports(reactor, receiver, units, in_threads(reactor))

    def health() -> Health:
        return daemon.health.report()

    lines = receiver.gatherer(StatsdLines(settings.statsd_level, annotations.add))
    maker = IntakeMaker(reactor, receiver, lines, acknowledger, rejections.reject, metrics.count)
    site = otlp_site(reactor, settings, exports, health)
    intakes = IntakeSet(maker.make, settings, [OtlpIntake(exports, site)])
    daemon = Daemon(
        reactor, options, aggregator, metrics,
        intakes=intakes, backends=backends, flush_lines=receiver.flush, journal=journal,
    )  # fmt: skip
    daemon.signals.early = twisted_handlers(installed)
    daemon.reloader.check = _check(reactor, options, daemon)
    _tell_backends(daemon.reloader, backends, annotations, units)
    daemon.reloader.pages += [] if site is None else [site]
    watch: IService = ClockWatch(reactor, daemon.clock_stepped)
    watch.setServiceParent(daemon)
    _show_pages(daemon, reactor, options, metrics, exports)
    return daemon


def _check(
    reactor: Reactor, options: Options, daemon: Daemon
) -> Callable[[Settings, Settings], Iterator[str]]:
    """Return what checks a reload: it finds the problems that a start, or check-config, finds."""

    def check(read: Settings, after: Settings) -> Iterator[str]:
        found = [*config_problems(reactor, read, options.environment)]
        running = daemon.reloader.settings
        yield from found or clashes_with_running(after, running, daemon.backends.backends)

    return check


def _tell_backends(
    reloader: Reloader, backends: BackendSet, annotations: Annotations, units: Units
) -> None:
    """Send annotations and units to the backends that store them, now and after each reload."""

    def send() -> None:
        annotations.send_to(backends.backends)
        units.send_to(backends.backends)

    send()
    reloader.backends_changed = send


def _show_pages(
    daemon: Daemon, reactor: Reactor, options: Options, metrics: SelfMetrics, exports: Exports
) -> None:
    """Serve the pages of backends, and give them the information about the daemon."""
    settings = options.settings
    info = DaemonInfo(
        interval=settings.flush_interval,
        source=settings.source,
        started=reactor.seconds(),
        addresses=daemon.addresses,
        self_metrics=metrics.current,
        health=daemon.health.report,
        otlp=exports.answer,
    )
    for page in pages(reactor, settings, daemon.backends.backends, info):
        daemon.show_page(page)


def makeService(options: Options) -> Daemon:
    """Return the daemon for twistd; on errors, print one line on stderr and exit with status 1."""
    try:
        daemon = make_service(options)
    except usage.UsageError as error:
        raise SystemExit(f"zibrato: {error}") from None
    # Not in `make_service`: garbage collector and allocator belong to the application's process.
    garbage: IService = LongLived()
    garbage.setServiceParent(daemon)
    map_large_blocks()
    daemon.start_failed = _tell
    # The pid file is there before the daemon starts, and after it has stopped. twistd takes USR1
    # only if it isn't taken yet.
    daemon.signals.take(signal.SIGHUP)
    return daemon


def _tell(error: OSError) -> None:
    """Print an error of the start in one line; twistd then exits with status 1.

    sys.stderr goes to twistd's log by now, so the line is also printed to the original stderr.
    twistd tells the process that waits for the daemon, and then raises the error. The traceback is
    suppressed, because it would say nothing more.
    """
    line = f"zibrato: {error.strerror or error}"
    _log.critical("{line}", line=line)
    print(line, file=sys.__stderr__)
    sys.excepthook = lambda *_: None


def _aggregator(settings: Settings, metrics: SelfMetrics) -> Aggregator:
    return Aggregator(
        metrics,
        interval=settings.flush_interval,
        source=settings.source,
        levels=settings.levels,
        max_series=settings.max_series,
    )


def _backends(reactor: Reactor, options: Options, metrics: SelfMetrics) -> BackendSet:
    settings = options.settings
    context = backend_context(reactor, settings, options.environment, metrics.count)
    return BackendSet(context, metrics, settings.backends)


def _journal(
    reactor: Reactor, options: Options, outboxes: Sequence[Outbox], metrics: SelfMetrics
) -> Journal:
    """Return the journal; raises usage.UsageError if the outboxes' file can't be used."""
    try:
        disk = outbox_disk(reactor, options.settings, options.environment)
    except ValueError as error:
        raise usage.UsageError(f"--outbox: {error}") from None
    threads = Threads(reactor, "zibrato outbox", 1)
    log_bytes = frame_log.bound(options.settings.flush_interval)
    sequences = ClientSequences(reactor)
    spare = Threads(reactor, "zibrato outbox spare", 1)
    max_age = max(choice.outbox_age for choice in options.settings.backends)
    removed = RemovedBackends(reactor, metrics, max_age=max_age)
    return Journal(sequences, outboxes, removed, threads, disk, spare=spare, log_bytes=log_bytes)
