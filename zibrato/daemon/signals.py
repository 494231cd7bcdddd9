"""Handles signals that would otherwise kill the process."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Collection, Mapping
from types import FrameType

from twisted.application.service import Service

from zibrato.interfaces import Reactor

Handler = Callable[[int, FrameType | None], object]


def twisted_handlers(reactor: object) -> Mapping[int, Handler]:
    """Return the handlers of signals that Twisted installs once its reactor runs."""
    names = {signal.SIGINT: "sigInt", signal.SIGTERM: "sigTerm"}
    return {n: getattr(reactor, name) for n, name in names.items() if hasattr(reactor, name)}


class Signals(Service):
    """Runs the actions of signals in the reactor's thread, while the service runs.

    A handler that the host process has installed stays. A signal that the process ignores, such as
    HUP after nohup, stays ignored unless it is in `wanted`.

    `early` are handlers that Twisted installs once the reactor runs. They are installed at the
    start, since clients can already connect then, and stay, as Twisted leaves them.
    """

    def __init__(
        self,
        reactor: Reactor,
        actions: Mapping[int, Callable[[], object]],
        wanted: Collection[int] = (),
    ) -> None:
        self._reactor = reactor
        self._actions = actions
        self._wanted = wanted
        self.early: Mapping[int, Handler] = {}
        self._taken: dict[int, signal.Handlers] = {}

    def startService(self) -> None:
        """Install the handlers that aren't yet."""
        Service.startService(self)
        for number, handler in self.early.items():
            if self._is_free(number):
                signal.signal(number, handler)
        for number in self._actions:
            before = signal.getsignal(number)
            if self.take(number):
                ignored = before is signal.SIG_IGN
                self._taken[number] = signal.SIG_IGN if ignored else signal.SIG_DFL

    def take(self, number: int) -> bool:
        """Install the handler of a signal; return whether it is installed.

        Before the start it is for good: for a process that ends with the daemon. Python allows it
        only in the main thread.
        """
        if self._is_free(number):
            signal.signal(number, self._handle)
            return True
        return False

    def stopService(self) -> None:
        """Restore the previous handlers."""
        Service.stopService(self)
        while self._taken:
            number, before = self._taken.popitem()
            if signal.getsignal(number) == self._handle:  # else somebody replaced the handler
                signal.signal(number, before)

    def _is_free(self, number: int) -> bool:
        """Return whether a handler of the signal may be installed, here and now."""
        before = signal.getsignal(number)
        ignored = before is signal.SIG_IGN and number in self._wanted
        default = before in (signal.SIG_DFL, signal.default_int_handler)
        return threading.current_thread() is threading.main_thread() and (default or ignored)

    def _handle(self, number: int, _frame: object) -> None:
        # A handler interrupts any code, even the reactor's, so the reactor runs the action later.
        self._reactor.callFromThread(self._actions[number])
