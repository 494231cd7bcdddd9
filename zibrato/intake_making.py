"""Private: makes a daemon's intakes from its settings."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

from twisted.python import usage

from zibrato.daemon.aggregation.gathering import Gatherer
from zibrato.daemon.aggregation.receiver import Receiver
from zibrato.daemon.intake_set import Opened
from zibrato.daemon.settings import Settings
from zibrato.health import Health
from zibrato.intake import statsd, zeromq
from zibrato.intake.curve import CurveServer
from zibrato.intake.otlp.exports import Exports
from zibrato.intake.way_back import Acknowledging
from zibrato.interfaces import Counting, IIntake, IWebService, Reactor
from zibrato.line_address import LineAddress

__all__ = ["IntakeMaker", "otlp_site"]


@dataclass(frozen=True)
class IntakeMaker:
    """Makes the ZeroMQ and statsd intakes, which hand frames and lines to the receiver.

    `rejected` is called for each client that CURVE refuses, with the reason and a text.
    """

    reactor: Reactor
    receiver: Receiver
    statsd_lines: Gatherer
    acknowledging: Acknowledging
    rejected: Callable[[str, str], None]
    count: Counting

    def make(self, settings: Settings, known: Collection[Hashable]) -> Opened:
        """Return intakes for the addresses in `settings` that aren't `known`.

        Raises usage.UsageError.
        """
        try:
            return {**self._sockets(settings, known), **self._statsd(settings, known)}
        except ValueError as error:
            raise usage.UsageError(str(error)) from None

    def _sockets(self, settings: Settings, known: Collection[Hashable]) -> Opened:
        endpoints = [endpoint for endpoint in settings.endpoints if endpoint not in known]
        mode, place = settings.ipc_mode, settings.acknowledgements

        def curve() -> CurveServer | None:
            return self._curve_server(settings.curve_keys) if settings.curve_keys else None

        if place is None or not endpoints:
            own = zeromq.make_each(
                self.reactor, endpoints, self.receiver.receive, ipc_mode=mode, curve=curve,
                acknowledging=self.acknowledging if settings.acknowledges else None,
            )  # fmt: skip
            return {**own}
        made = zeromq.make(
            self.reactor, endpoints, self.receiver.receive, ipc_mode=mode, curve=curve(),
            acknowledging=self.acknowledging, acknowledgements=place,
        )  # fmt: skip
        return {endpoint: intake for intake in made for endpoint in intake.endpoints}

    def _statsd(self, settings: Settings, known: Collection[Hashable]) -> Opened:
        def make(addresses: Sequence[LineAddress]) -> IIntake:
            return statsd.make(
                self.reactor, addresses, self.statsd_lines.extend, self.receiver.reject, self.count,
                mode=settings.ipc_mode,
            )  # fmt: skip

        addresses = [address for address in settings.statsd if address not in known]
        make(addresses)  # only to find out whether all are available together
        return {address: make([address]) for address in addresses}

    def _curve_server(self, directory: Path) -> CurveServer:
        try:
            return CurveServer(directory, self.rejected)
        except ValueError as error:
            raise ValueError(f"--curve-keys: {error}") from None


def otlp_site(
    reactor: Reactor, settings: Settings, exports: Exports, health: Callable[[], Health]
) -> IWebService | None:
    """Return the service of OTLP's own endpoint, if there is one; raises usage.UsageError.

    Its module is imported only here, because Klein imports the global reactor.
    """
    if settings.otlp is None:
        return None
    from zibrato.web.otlp_site import otlp_service  # noqa: PLC0415 - only with --otlp

    try:
        return otlp_service(
            reactor, exports, health, settings.otlp, settings.web_credentials,
            anybody=settings.insecure_tcp,
        )  # fmt: skip
    except ValueError as error:
        raise usage.UsageError(str(error)) from None
