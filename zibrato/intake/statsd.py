"""The statsd intake: datagrams and streams of lines, on any number of addresses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import cast

from twisted.application.service import Service
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.internet.interfaces import IListeningPort, IReactorFDSet, IReactorSocket
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger
from zope.interface import implementer

from zibrato.intake.datagrams import READ_BUDGET, DatagramReader
from zibrato.intake.line_sockets import BoundSocket
from zibrato.intake.line_streams import LineFactory
from zibrato.interfaces import Counting, IIntake, Reactor
from zibrato.line_address import LineAddress

REPORT = 1.0
"""Seconds between two counts of the datagrams that the kernel dropped."""
QUIET = 0.1
"""Seconds without a line after which the connections are assumed to be empty."""
DRAIN_LIMIT = 2.0
"""Seconds after which a drain ends even if more arrives: a stop must not wait for a flood."""
_log = Logger()


def make(
    reactor: Reactor,
    addresses: Sequence[LineAddress],
    receive: Callable[[Sequence[bytes]], None],
    reject: Callable[[int, str], None],
    count: Counting,
    *,
    mode: int,
) -> StatsdIntake:
    """Return the intake; raises ValueError, with one line for people, if an address is unavailable.

    Addresses are only tried here. The service opens its sockets when it starts.
    """
    with ExitStack() as trials:
        for address in addresses:
            try:
                trials.callback(BoundSocket(address, mode).close)
            except OSError as error:
                raise ValueError(_complaint(address, error)) from None
    return StatsdIntake(reactor, addresses, receive, reject, count, mode=mode)


@implementer(IIntake)
class StatsdIntake(Service):
    """Hands datagrams and lines to `receive`; `mode` is the permissions of its sockets' files.

    `reject` is called with a number of rejected datagrams, lines or connections, and the reason.
    """

    def __init__(
        self,
        reactor: Reactor,
        addresses: Sequence[LineAddress],
        receive: Callable[[Sequence[bytes]], None],
        reject: Callable[[int, str], None],
        count: Counting,
        *,
        mode: int,
    ) -> None:
        self._reactor = reactor
        self._addresses = addresses
        self._receive = receive
        self._reject = reject
        self._count = count
        self._mode = mode
        self._bound: list[BoundSocket] = []
        self._readers: list[DatagramReader] = []
        self._ports: list[IListeningPort] = []
        self._streams = LineFactory(receive, reject)
        self._reports = LoopingCall(self._report)
        self._reports.clock = reactor

    @property
    def addresses(self) -> Sequence[str]:
        """The bound addresses, with port 0 replaced by the real port."""
        return tuple(bound.name for bound in self._bound)

    def startService(self) -> None:
        """Bind and listen; raises OSError if an address is unavailable."""
        Service.startService(self)
        for address in self._addresses:
            try:
                self._open(BoundSocket(address, self._mode))
            except OSError as error:
                self.stopService()
                raise OSError(error.errno, _complaint(address, error)) from None
        self._reports.start(REPORT, now=False)

    def drain(self) -> Deferred[None]:
        """Accept no new connections, hand over what arrives until nothing more does, then fire."""
        return Deferred.fromCoroutine(self._drain())

    def reload(self) -> None:
        """Do nothing: there are no keys to reload, since whoever reaches an address may send."""

    def problem(self) -> str | None:
        """Return why nothing can arrive: a socket's file is gone."""
        for bound in self._bound:
            if bound.is_gone:
                return f"the socket {bound.name} is gone: no new client can connect"
        return None

    def stopService(self) -> None:
        """Close the sockets."""
        if self.running:
            Service.stopService(self)
        if self._reports.running:
            self._reports.stop()
            self._report()
        self._close()

    def _open(self, bound: BoundSocket) -> None:
        self._bound.append(bound)
        if bound.is_stream:
            adopting = cast(IReactorSocket, self._reactor)  # which all reactors on Unix provide
            descriptor = bound.socket.fileno()
            port = adopting.adoptStreamPort(descriptor, bound.socket.family, self._streams)
            self._ports.append(port)
        else:
            reader = DatagramReader(
                bound.socket, self._receive, self._reject, cast(IReactorFDSet, self._reactor)
            )
            self._readers.append(reader)
        _log.info("listening on {address} for statsd", address=bound.name)

    async def _drain(self) -> None:
        ports, self._ports = self._ports, []
        await gatherResults([maybeDeferred(port.stopListening) for port in ports])
        for bound in self._bound:
            if bound.is_stream:
                bound.close()  # stopListening closed only a copy
        deadline = self._reactor.monotonic() + DRAIN_LIMIT
        while self._read_datagrams() and self._reactor.monotonic() < deadline:
            await deferLater(self._reactor, 0)
        received = -1
        while self._streams.connections and received != self._streams.received:
            received = self._streams.received
            await deferLater(self._reactor, QUIET)
            if self._reactor.monotonic() >= deadline:
                break
        self._streams.hang_up()
        self._report()
        self._close()

    def _read_datagrams(self) -> bool:
        """Read for a turn of the reactor; return whether there may be more."""
        more = [reader.read_for(READ_BUDGET) for reader in self._readers]
        return any(more)

    def _close(self) -> None:
        for port in self._ports:
            port.stopListening()
        for reader in self._readers:
            reader.stop()
        for bound in self._bound:
            bound.close()
        self._ports, self._readers, self._bound = [], [], []
        self._streams.hang_up()

    def _report(self) -> None:
        """Count the datagrams that the kernel dropped, each as one measurement."""
        for reader in self._readers:
            dropped = reader.take_drops()
            if dropped:
                self._count("zibrato.intake.received", dropped)
                self._count("zibrato.intake.dropped", dropped, reason="kernel")


def _complaint(address: LineAddress, error: OSError) -> str:
    return (
        f"--statsd: can't use {address}: {error.strerror or error}; give another address, or stop "
        "what has it"
    )
