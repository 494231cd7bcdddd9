"""Makes the daemon from its options: for twistd, for .tac files, for any application's tree."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from twisted.logger import Logger
from twisted.python import usage

from zibrato.daemon.acknowledging import Acknowledger
from zibrato.daemon.aggregation import Aggregator
from zibrato.daemon.annotations import Annotations
from zibrato.daemon.client_rejections import ClientRejections
from zibrato.daemon.client_sequences import ClientSequences
from zibrato.daemon.garbage import LongLived
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
    DaemonInfo,
    IIntake,
    Reactor,
)
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
    outboxes = _outboxes(reactor, options, metrics)
    journal = _journal(reactor, options, outboxes, metrics)
    acknowledger = Acknowledger(journal.sequences, metrics, reactor, journal.tick)
    receiver = Receiver(aggregator, metrics, reactor, journal.note, acknowledger.take)
    rejections = ClientRejections(metrics, reactor, settings.flush_interval)
    annotations = Annotations(metrics)
    units = Units()
    exports = Exports(reactor, receiver, units, in_threads(reactor))

    def health() -> Health:
        return daemon.health.report()

    intakes = [
        *_intakes(reactor, settings, receiver.receive, rejections.reject, acknowledger),
        *_statsd(reactor, settings, receiver, metrics, annotations),
        _otlp_intake(reactor, settings, exports, health),
    ]
    annotations.send_to(outbox.backend for outbox in outboxes)
    units.send_to(outbox.backend for outbox in outboxes)
    daemon = Daemon(
        reactor, options, aggregator, metrics,
        intakes=intakes, outboxes=outboxes, flush_lines=receiver.flush, journal=journal,
    )  # fmt: skip
    watch: IService = ClockWatch(reactor, daemon.clock_stepped)
    watch.setServiceParent(daemon)
    info = DaemonInfo(
        interval=settings.flush_interval,
        source=settings.source,
        started=reactor.seconds(),
        addresses=lambda: [address for intake in intakes for address in intake.addresses],
        self_metrics=metrics.current,
        health=health,
        otlp=exports.answer,
    )
    for page in pages(reactor, settings, [outbox.backend for outbox in outboxes], info):
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


def _intakes(
    reactor: Reactor,
    settings: Settings,
    receive: Callable[[bytes], None],
    rejected: Callable[[str, str], None],
    acknowledging: Acknowledging,
) -> Sequence[IIntake]:
    """Return all intakes; each hands `receive` frames of the wire format."""
    curve = _curve_server(settings.curve_keys, rejected) if settings.curve_keys else None
    try:
        return zeromq.make(
            reactor,
            settings.endpoints,
            receive,
            ipc_mode=settings.ipc_mode,
            curve=curve,
            acknowledging=acknowledging if settings.acknowledges else None,
            acknowledgements=settings.acknowledgements,
        )
    except ValueError as error:
        raise usage.UsageError(str(error)) from None


def _statsd(
    reactor: Reactor,
    settings: Settings,
    receiver: Receiver,
    metrics: SelfMetrics,
    annotations: Annotations,
) -> Sequence[IIntake]:
    """Return the intake of statsd's lines, where it is asked for."""
    if not settings.statsd:
        return []
    lines = receiver.gatherer(StatsdLines(settings.statsd_level, annotations.add))
    try:
        intake = statsd.make(
            reactor,
            settings.statsd,
            lines.extend,
            receiver.reject,
            metrics.count,
            mode=settings.ipc_mode,
        )
    except ValueError as error:
        raise usage.UsageError(str(error)) from None
    return [intake]


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


def _outboxes(reactor: Reactor, options: Options, metrics: SelfMetrics) -> Sequence[Outbox]:
    settings = options.settings
    context = BackendContext(
        reactor, settings.percentiles, count=metrics.count,
        state=lambda name: state_beside(settings, options.environment, name),
    )  # fmt: skip
    outboxes = []
    for choice in settings.backends:
        maker = choice.maker
        try:
            backend = maker.make(choice.settings, context)
        except ValueError as error:
            raise usage.UsageError(f"--backend {maker.name}: {error}") from None
        outboxes.append(
            Outbox(
                backend, reactor, metrics, wanted=choice.filter,
                max_file_bytes=choice.outbox_size, max_age=choice.outbox_age,
            )
        )  # fmt: skip
    return outboxes


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
