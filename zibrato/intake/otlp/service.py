"""The OTLP intake as a service: drains requests of its own endpoint and of the page."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.application.service import IService, MultiService
from twisted.internet.defer import Deferred
from zope.interface import implementer

from zibrato.intake.otlp.exports import Exports
from zibrato.interfaces import IIntake, IWebService


@implementer(IIntake)
class OtlpIntake(MultiService):
    """Runs the intake's own `site`, if it has one; a drain also finishes requests of `exports`.

    `exports` also answers requests that the page hands on. Reloading the site's credentials is up
    to whoever made the site, as with all pages.
    """

    addresses: Sequence[str] = ()
    """Empty, since ZeroMQ's clients can't reach this intake."""

    def __init__(self, exports: Exports, site: IWebService | None = None) -> None:
        MultiService.__init__(self)
        self._exports = exports
        if site is not None:
            child: IService = site
            child.setServiceParent(self)

    def reload(self) -> None:
        """Do nothing: the site or the page decides who may send."""

    def drain(self) -> Deferred[None]:
        """Stop listening, finish the request in progress, then fire."""
        return Deferred.fromCoroutine(self._drain())

    def problem(self) -> str | None:
        """Return None: the reactor reads the sockets by itself, so they can't get stuck."""
        return None

    async def _drain(self) -> None:
        await MultiService.stopService(self)
        await self._exports.stop()
