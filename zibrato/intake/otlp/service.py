"""The OTLP intake, as a service: it listens at an endpoint of its own, if it has one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from twisted.application.service import Service
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import (
    IAddress,
    IListeningPort,
    IProtocolFactory,
    IStreamServerEndpoint,
)
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from zibrato.intake.otlp.exports import Exports
from zibrato.interfaces import IIntake


class Listening(NamedTuple):
    """An endpoint, how the command line describes it, what serves there, and reads secrets anew."""

    description: str
    endpoint: IStreamServerEndpoint
    site: IProtocolFactory
    reload: Callable[[], None]


@implementer(IIntake)
class OtlpIntake(Service):
    """Has `exports` answer what comes to its endpoint, and whatever a page hands to them."""

    _log = Logger()
    addresses: Sequence[str] = ()
    """Clients of ZeroMQ reach it nowhere."""

    def __init__(self, exports: Exports, listening: Listening | None = None) -> None:
        self._exports = exports
        self._listening = listening
        self._port: IListeningPort | None = None
        self.address = ""

    def startService(self) -> None:
        """Listen; raises OSError where that can't be, and the endpoint knows at once."""
        Service.startService(self)
        if self._listening is None:
            return
        description, endpoint, site, _ = self._listening
        port = endpoint.listen(site)
        port.addCallback(self._listens)
        failure = getattr(port, "result", None)
        if isinstance(failure, Failure):
            port.addErrback(lambda _: None)
            raise OSError(_why(description, failure))
        port.addErrback(lambda late: self._log.error("{why}", why=_why(description, late)))

    def reload(self) -> None:
        """Read the credentials anew."""
        if self._listening is not None:
            self._listening.reload()

    def drain(self) -> Deferred[None]:
        """Listen no more, take in what has arrived, then fire."""
        return Deferred.fromCoroutine(self._drain())

    def problem(self) -> str | None:
        """Return None: the reactor reads what its sockets have."""
        return None

    def stopService(self) -> Deferred[None]:
        """Listen no more."""
        Service.stopService(self)
        return Deferred.fromCoroutine(self._close())

    def _listens(self, port: IListeningPort) -> None:
        self._port = port
        self.address = _url(port.getHost())
        self._log.info("OTLP's metrics are taken at {address}", address=self.address)

    async def _drain(self) -> None:
        await self._close()
        await self._exports.stop()

    async def _close(self) -> None:
        if self._port is not None:
            port, self._port = self._port, None
            await maybeDeferred(port.stopListening)


def _url(host: IAddress) -> str:
    """Return what is to be exported to, or what a socket is called that has no URL."""
    if not isinstance(host, IPv4Address | IPv6Address):
        return str(host)
    name = f"[{host.host}]" if ":" in host.host else host.host
    return f"http://{name}:{host.port}/v1/metrics"


def why_not(description: str, reason: object) -> str:
    """Return the line for people where an endpoint can't be listened at."""
    return f"--otlp: can't listen at {description}: {reason}; give another endpoint"


def _why(description: str, failure: Failure) -> str:
    return why_not(description, failure.getErrorMessage().rstrip("."))
