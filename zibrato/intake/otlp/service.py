"""The OTLP intake, as a service: it drains requests, whoever has received them."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.application.service import IService, MultiService
from twisted.internet.defer import Deferred
from zope.interface import implementer

from zibrato.intake.otlp.exports import Exports
from zibrato.interfaces import IIntake, IWebService


@implementer(IIntake)
class OtlpIntake(MultiService):
    """Has `exports` answer what comes to its own `site`, if it has one, and what a page hands on.

    Who made the site has it read its credentials anew, as all pages do.
    """

    addresses: Sequence[str] = ()
    """Clients of ZeroMQ reach it nowhere."""

    def __init__(self, exports: Exports, site: IWebService | None = None) -> None:
        MultiService.__init__(self)
        self._exports = exports
        if site is not None:
            child: IService = site
            child.setServiceParent(self)

    def reload(self) -> None:
        """Do nothing: who may send is up to who receives it."""

    def drain(self) -> Deferred[None]:
        """Listen no more, take in what has arrived, then fire."""
        return Deferred.fromCoroutine(self._drain())

    def problem(self) -> str | None:
        """Return None: the reactor reads what its sockets have."""
        return None

    async def _drain(self) -> None:
        await MultiService.stopService(self)
        await self._exports.stop()
