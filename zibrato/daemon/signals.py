"""Signals that would kill the process, and that the daemon acts on instead."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Mapping

from twisted.application.service import Service

from zibrato.interfaces import Reactor


class Signals(Service):
    """Runs the action of a signal in the reactor's thread, from start to stop.

    A handler of the host's stays, and so does a signal that the process was told to ignore.
    """

    def __init__(self, reactor: Reactor, actions: Mapping[int, Callable[[], object]]) -> None:
        self._reactor = reactor
        self._actions = actions
        self._taken: list[int] = []

    def startService(self) -> None:
        """Take the signals; Python lets only the main thread do that."""
        Service.startService(self)
        if threading.current_thread() is threading.main_thread():
            for number in self._actions:
                if signal.getsignal(number) is signal.SIG_DFL:
                    signal.signal(number, self._handle)
                    self._taken.append(number)

    def stopService(self) -> None:
        """Leave the signals as they were."""
        Service.stopService(self)
        while self._taken:
            signal.signal(self._taken.pop(), signal.SIG_DFL)

    def _handle(self, number: int, _frame: object) -> None:
        self._reactor.callFromThread(self._actions[number])
