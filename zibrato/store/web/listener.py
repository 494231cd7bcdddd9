"""A service that listens at a Twisted endpoint; covered by test_service.py, too."""

from __future__ import annotations

from pathlib import Path

from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IListeningPort, IStreamServerEndpoint
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from zibrato.interfaces import IWebService, Reactor
from zibrato.store.web.access_control import AccessControl, Credentials
from zibrato.store.web.endpoint import url_of
from zibrato.store.web.site import BoundedSite


@implementer(IWebService)
class Listener(Service):
    """Serves what is behind `access` at an endpoint, from the start of the service to its stop.

    `option` is what people name the endpoint by, `description` what they gave, and `advice` what
    they can do where it can't be had.
    """

    served = "the page"
    """What the log calls what is served."""
    _log = Logger()

    def __init__(
        self,
        reactor: Reactor,
        option: str,
        description: str,
        endpoint: IStreamServerEndpoint,
        access: AccessControl,
        *,
        advice: str,
    ) -> None:
        self._option = option
        self._description = description
        self._endpoint = endpoint
        self.site = BoundedSite(access, reactor)
        self._access = access
        self._advice = advice
        self._port: IListeningPort | None = None
        self.address = ""
        """The URL, once it listens."""

    def startService(self) -> None:
        """Listen; raises OSError where that can't be, and the endpoint knows at once."""
        Service.startService(self)
        listening = self._endpoint.listen(self.site)
        listening.addCallback(self._listens)
        failure = getattr(listening, "result", None)
        if isinstance(failure, Failure):
            # It is raised in place of that; else Twisted would log it as an error that nobody
            # handled.
            listening.addErrback(lambda _: None)
            raise OSError(self._why(failure))
        listening.addErrback(lambda late: self._log.error("{why}", why=self._why(late)))

    def stopService(self) -> Deferred[None]:
        """Listen no more, and end every connection."""
        Service.stopService(self)
        return Deferred.fromCoroutine(self._close())

    def reload(self, credentials: Path | None) -> None:
        """Read the credentials anew; where they are no good, that is logged, and the old stay."""
        if credentials is None:
            return
        try:
            self._access.reload(Credentials(credentials))
        except ValueError as error:
            self._log.error(
                "{served} keeps its credentials: {why}", served=self.served, why=str(error)
            )

    def listens(self) -> None:
        """Do what is to be done once it listens; nothing here."""

    def _listens(self, port: IListeningPort) -> None:
        self._port = port
        self.address = url_of(port.getHost())
        self.listens()

    def _why(self, failure: Failure) -> str:
        return (
            f"{self._option}: can't listen at {self._description}: "
            f"{failure.getErrorMessage().rstrip('.')}; {self._advice}"
        )

    async def _close(self) -> None:
        if self._port is not None:
            port, self._port = self._port, None
            await maybeDeferred(port.stopListening)
