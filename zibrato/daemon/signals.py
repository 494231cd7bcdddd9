"""Handles signals that would otherwise kill the process."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Collection, Mapping

from twisted.application.service import Service

from zibrato.interfaces import Reactor


class Signals(Service):
    """Runs the actions of signals in the reactor's thread, while the service runs.

    A handler that the host process has installed stays. A signal that the process ignores, such as
    HUP after nohup, stays ignored unless it is in `wanted`.
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
        self._taken: dict[int, signal.Handlers] = {}

    def startService(self) -> None:
        """Install the handlers that aren't yet."""
        Service.startService(self)
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
        before = signal.getsignal(number)
        ignored = before is signal.SIG_IGN and number in self._wanted
        in_main = threading.current_thread() is threading.main_thread()
        if not in_main or not (before is signal.SIG_DFL or ignored):
            return False
        signal.signal(number, self._handle)
        return True

    def stopService(self) -> None:
        """Restore the previous handlers."""
        Service.stopService(self)
        while self._taken:
            number, before = self._taken.popitem()
            if signal.getsignal(number) == self._handle:  # else somebody replaced the handler
                signal.signal(number, before)

    def _handle(self, number: int, _frame: object) -> None:
        # A handler interrupts any code, even the reactor's, so the reactor runs the action later.
        self._reactor.callFromThread(self._actions[number])
