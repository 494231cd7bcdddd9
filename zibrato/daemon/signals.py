"""Signals that would kill the process, and that the daemon acts on instead."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Collection, Mapping

from twisted.application.service import Service

from zibrato.interfaces import Reactor


class Signals(Service):
    """Runs the action of a signal in the reactor's thread, from start to stop.

    A handler of the host's stays. So does a signal that the process was told to ignore, as nohup
    does with HUP, unless it is one of `wanted`.
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
        """Take the signals; Python lets only the main thread do that."""
        Service.startService(self)
        if threading.current_thread() is threading.main_thread():
            for number in self._actions:
                before = signal.getsignal(number)
                ignored = before is signal.SIG_IGN and number in self._wanted
                if before is signal.SIG_DFL or ignored:
                    signal.signal(number, self._handle)
                    self._taken[number] = signal.SIG_IGN if ignored else signal.SIG_DFL

    def stopService(self) -> None:
        """Leave the signals as they were."""
        Service.stopService(self)
        while self._taken:
            number, before = self._taken.popitem()
            if signal.getsignal(number) == self._handle:  # else somebody took it since
                signal.signal(number, before)

    def _handle(self, number: int, _frame: object) -> None:
        # A handler interrupts any code, also the reactor's own: the action waits for its turn.
        self._reactor.callFromThread(self._actions[number])
