"""Looks up the names of hosts in threads of their own.

Twisted does so in the reactor's few threads. If a name's server doesn't answer, a look-up takes up
to minutes, and each retry of a backend takes another thread, until nothing else gets one. Twisted
also waits for those threads at the end of the process.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from socket import getaddrinfo
from typing import Any

from twisted.internet._resolver import GAIResolver, HostResolution
from twisted.internet.interfaces import (
    IAddress,
    IHostnameResolver,
    IHostResolution,
    IResolutionReceiver,
)
from twisted.python.failure import Failure
from zope.interface import implementer

from zibrato.interfaces import Reactor

MAX_LOOKUPS = 2
"""The most look-ups of one name at once; with more, the name counts as not found."""
# Any: what is looked up, and what is found, are Twisted's own business.
LookUp = Callable[..., Any]
OnResult = Callable[[bool, Any], object]


@implementer(IHostnameResolver)
class NameResolver:
    """Looks up each name with `look_up`, in a thread for which the end of the process won't wait.

    It acts as the thread pool of Twisted's own resolver.
    """

    def __init__(self, reactor: Reactor, look_up: LookUp = getaddrinfo) -> None:
        self._look_up = look_up
        self._lock = threading.Lock()
        self._running: Counter[object] = Counter()
        self._resolver = GAIResolver(reactor, lambda: self, self._looked_up)  # type: ignore[arg-type, return-value]  # it needs only this method of a pool

    def resolveHostName(
        self,
        resolutionReceiver: IResolutionReceiver,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Sequence[type[IAddress]] | None = None,
        transportSemantics: str = "TCP",
    ) -> IHostResolution:
        """Look up a name, unless earlier look-ups of it take too long already."""
        if self._running[hostName] >= MAX_LOOKUPS:
            resolution = HostResolution(hostName)
            resolutionReceiver.resolutionBegan(resolution)
            resolutionReceiver.resolutionComplete()
            return resolution
        return self._resolver.resolveHostName(
            resolutionReceiver, hostName, portNumber, addressTypes, transportSemantics
        )

    def callInThreadWithCallback(
        self, onResult: OnResult, function: LookUp, *args: object, **kwargs: object
    ) -> None:
        """Call a function in a thread of its own, and then `onResult`.

        If no thread can be started, nothing is found.
        """

        def run() -> None:
            try:
                result = function(*args, **kwargs)
            except Exception:
                onResult(False, Failure())
            else:
                onResult(True, result)

        try:
            threading.Thread(target=run, name="zibrato-name", daemon=True).start()
        except RuntimeError:
            onResult(True, [])

    def _looked_up(self, host: object, *where: object) -> Any:
        with self._lock:
            self._running[host] += 1
        try:
            return self._look_up(host, *where)
        finally:
            with self._lock:
                self._running[host] -= 1
