"""A service that listens at a Twisted endpoint; test_service.py tests it, too."""

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
    """Serves what is behind `access` at an endpoint, while the service runs.

    `option` is the option that people set the endpoint with, `description` is its value, and
    `advice` says what they can do if it can't be opened.
    """

    served = "the page"
    """What is served, in words for the log."""
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
        """The URL, or empty before the service listens."""

    def startService(self) -> None:
        """Listen; raises OSError if that fails at once."""
        Service.startService(self)
        listening = self._endpoint.listen(self.site)
        listening.addCallback(self._listens)
        failure = getattr(listening, "result", None)
        if isinstance(failure, Failure):
            # The error is raised below. Without this, Twisted would log it as an unhandled error,
            # too.
            listening.addErrback(lambda _: None)
            raise OSError(self._why(failure))
        listening.addErrback(lambda late: self._log.error("{why}", why=self._why(late)))

    def stopService(self) -> Deferred[None]:
        """Stop listening, and end every connection."""
        Service.stopService(self)
        return Deferred.fromCoroutine(self._close())

    def reload(self, credentials: Path | None) -> None:
        """Read the credentials again; if they are invalid, log that and keep the old ones."""
        if credentials is None:
            return
        try:
            self._access.reload(Credentials(credentials))
        except ValueError as error:
            self._log.error(
                "{served} keeps its credentials: {why}", served=self.served, why=str(error)
            )

    def listens(self) -> None:
        """Called when the service listens; a subclass can override it."""

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
