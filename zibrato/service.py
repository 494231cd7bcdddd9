"""Makes the daemon from its options: for twistd, for .tac files, for any application's tree."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Hashable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from twisted.logger import Logger
from twisted.python import usage

from zibrato.daemon.acknowledging import Acknowledger
from zibrato.daemon.aggregation import Aggregator
from zibrato.daemon.annotations import Annotations
from zibrato.daemon.backend_set import BackendSet
from zibrato.daemon.client_rejections import ClientRejections
from zibrato.daemon.client_sequences import ClientSequences
from zibrato.daemon.garbage import LongLived
from zibrato.daemon.gathering import Gatherer
from zibrato.daemon.intake_set import IntakeSet, Opened
from zibrato.daemon.journal import Journal
from zibrato.daemon.options import Options
from zibrato.daemon.outbox import Outbox
from zibrato.daemon.outbox_place import outbox_disk, state_beside
from zibrato.daemon.receiver import Receiver
from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.daemon.service import Daemon
from zibrato.daemon.settings import Settings
from zibrato.daemon.units import Units
from zibrato.health import Health
from zibrato.intake import statsd, zeromq
from zibrato.intake.curve import CurveServer
from zibrato.intake.otlp.exports import Exports, in_threads
from zibrato.intake.otlp.service import OtlpIntake
from zibrato.intake.statsd_lines import StatsdLines
from zibrato.intake.way_back import Acknowledging
from zibrato.interfaces import (
    BackendContext,
    Counting,
    DaemonInfo,
    IIntake,
    Reactor,
)
from zibrato.line_address import LineAddress
from zibrato.pages import pages
from zibrato.threads import Threads
from zibrato.tx.monotonic import ClockWatch, MonotonicReactor

if TYPE_CHECKING:
    from twisted.application.service import IService

__all__ = ["Options", "makeService", "make_service"]

_log = Logger()


def make_service(options: Options) -> Daemon:
    """Return the daemon of parsed `options`, to be put into any application's service tree.

    Raises usage.UsageError for settings that a backend refuses and endpoints that can't be had.
    """
    from twisted.internet import reactor as installed  # noqa: PLC0415 - here and nowhere else

    # It has all that is asked of it but doesn't say so, and no `monotonic`, which this adds.
    reactor = MonotonicReactor(cast(Reactor, installed))
    settings, metrics = options.settings, SelfMetrics()
    aggregator = Aggregator(
        metrics,
        interval=settings.flush_interval,
        source=settings.source,
        levels=settings.levels,
        max_series=settings.max_series,
    )
    backends = _backends(reactor, options, metrics)
    journal = _journal(reactor, options, backends.outboxes, metrics)
    acknowledger = Acknowledger(journal.sequences, metrics, reactor, journal.tick)
    receiver = Receiver(aggregator, metrics, reactor, journal.note, acknowledger.take)
    rejections = ClientRejections(metrics, reactor, settings.flush_interval)
    annotations = Annotations(metrics)
    units = Units()
    exports = Exports(reactor, receiver, units, in_threads(reactor))

    def health() -> Health:
        return daemon.health.report()

    statsd_lines = receiver.gatherer(StatsdLines(settings.statsd_level, annotations.add))

    def make(settings: Settings, known: Collection[Hashable]) -> Opened:
        return {
            **_sockets(
                reactor,
                settings,
                known,
                receiver.receive,
                rejected=rejections.reject,
                acknowledging=acknowledger,
            ),
            **_statsd(reactor, settings, known, receiver, lines=statsd_lines, count=metrics.count),
        }

    intakes = IntakeSet(make, settings, [_otlp_intake(reactor, settings, exports, health)])

    def tell_backends() -> None:
        annotations.send_to(backends.backends)
        units.send_to(backends.backends)

    tell_backends()
    daemon = Daemon(
        reactor, options, aggregator, metrics,
        intakes=intakes, backends=backends, flush_lines=receiver.flush, journal=journal,
    )  # fmt: skip
    daemon.reloader.backends_changed = tell_backends
    watch: IService = ClockWatch(reactor, daemon.clock_stepped)
    watch.setServiceParent(daemon)
    info = DaemonInfo(
        interval=settings.flush_interval,
        source=settings.source,
        started=reactor.seconds(),
        addresses=lambda: intakes.addresses,
        self_metrics=metrics.current,
        health=health,
        otlp=exports.answer,
    )
    for page in pages(reactor, settings, backends.backends, info):
        daemon.show_page(page)
    return daemon


def makeService(options: Options) -> Daemon:
    """Return the daemon for twistd; what is wrong is one line on stderr and exit status 1."""
    try:
        daemon = make_service(options)
    except usage.UsageError as error:
        raise SystemExit(f"zibrato: {error}") from None
    # Not where an application has the daemon: the collector is one for the process.
    garbage: IService = LongLived()
    garbage.setServiceParent(daemon)
    daemon.start_failed = _tell
    return daemon


def _tell(error: OSError) -> None:
    """Say in one line what fails only now; twistd then ends with its exit status 1.

    twistd's log has what is written to sys.stderr by now. It ends by letting the error through,
    after it has told the process that waits for a daemon: a traceback would tell nothing more.
    """
    line = f"zibrato: {error.strerror or error}"
    _log.critical("{line}", line=line)
    print(line, file=sys.__stderr__)
    sys.excepthook = lambda *_: None


def _sockets(
    reactor: Reactor,
    settings: Settings,
    known: Collection[Hashable],
    receive: Callable[[bytes], None],
    *,
    rejected: Callable[[str, str], None],
    acknowledging: Acknowledging,
) -> Opened:
    """Return the intakes of sockets that are not known; each hands on frames of the wire format."""
    endpoints = [endpoint for endpoint in settings.endpoints if endpoint not in known]
    mode, place = settings.ipc_mode, settings.acknowledgements

    def curve() -> CurveServer | None:
        return _curve_server(settings.curve_keys, rejected) if settings.curve_keys else None

    try:
        if place is None or not endpoints:
            own = zeromq.make_each(
                reactor, endpoints, receive, ipc_mode=mode, curve=curve,
                acknowledging=acknowledging if settings.acknowledges else None,
            )  # fmt: skip
            return {**own}
        made = zeromq.make(
            reactor, endpoints, receive, ipc_mode=mode, curve=curve(),
            acknowledging=acknowledging, acknowledgements=place,
        )  # fmt: skip
    except ValueError as error:
        raise usage.UsageError(str(error)) from None
    return {endpoint: intake for intake in made for endpoint in intake.endpoints}


def _statsd(
    reactor: Reactor,
    settings: Settings,
    known: Collection[Hashable],
    receiver: Receiver,
    *,
    lines: Gatherer,
    count: Counting,
) -> Opened:
    """Return the intakes of statsd's lines that are not known."""

    def make(addresses: Sequence[LineAddress]) -> IIntake:
        return statsd.make(
            reactor, addresses, lines.extend, receiver.reject, count,
            mode=settings.ipc_mode,
        )  # fmt: skip

    addresses = [address for address in settings.statsd if address not in known]
    try:
        make(addresses)  # whether all can be had beside each other
        return {address: make([address]) for address in addresses}
    except ValueError as error:
        raise usage.UsageError(str(error)) from None


def _curve_server(directory: Path, rejected: Callable[[str, str], None]) -> CurveServer:
    try:
        return CurveServer(directory, rejected)
    except ValueError as error:
        raise usage.UsageError(f"--curve-keys: {error}") from None


def _otlp_intake(
    reactor: Reactor, settings: Settings, exports: Exports, health: Callable[[], Health]
) -> OtlpIntake:
    """Return what drains OTLP's requests: those of its own endpoint, if there is one, and a page's.

    The module is imported here alone, as Klein imports the global reactor.
    """
    if settings.otlp is None:
        return OtlpIntake(exports)
    from zibrato.otlp_site import listening  # noqa: PLC0415 - only with --otlp

    try:
        served = listening(
            reactor, exports, health, settings.otlp, settings.web_credentials,
            anybody=settings.insecure_tcp,
        )  # fmt: skip
    except ValueError as error:
        raise usage.UsageError(str(error)) from None
    return OtlpIntake(exports, served)


def _backends(reactor: Reactor, options: Options, metrics: SelfMetrics) -> BackendSet:
    settings = options.settings
    context = BackendContext(
        reactor, settings.percentiles, count=metrics.count,
        sockets=[endpoint.address for endpoint in settings.endpoints],
        state=lambda name: state_beside(settings, options.environment, name),
    )  # fmt: skip
    return BackendSet(context, metrics, settings.backends)


def _journal(
    reactor: Reactor, options: Options, outboxes: Sequence[Outbox], metrics: SelfMetrics
) -> Journal:
    """Return what commits to the outbox's file; raises usage.UsageError where that can't be had."""
    try:
        disk = outbox_disk(reactor, options.settings, options.environment)
    except ValueError as error:
        raise usage.UsageError(f"--outbox: {error}") from None
    threads = Threads(reactor, "zibrato outbox", 1)
    return Journal(ClientSequences(reactor), outboxes, metrics, threads, disk)
