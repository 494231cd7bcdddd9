"""txZMQ's PULL connection, with what was measured to be missing from it.

txZMQ imports the global reactor: import this module only where there is one already.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

import zmq
from twisted.logger import Logger
from txzmq import ZmqFactory, ZmqPullConnection

from ..wire import MAX_FRAME

READ_BUDGET = 0.005
HIGH_WATER = 256
ERROR_PAUSE = 1.0
_log = Logger()


class Factory(ZmqFactory):  # type: ignore[misc]
    """Hands out the process's shared ZeroMQ context, and leaves it to the process to end."""

    def __init__(self, reactor: Any) -> None:
        self.reactor = reactor
        self.connections: set[Any] = set()
        self.context: zmq.Context[Any] = zmq.Context.instance()


class PullConnection(ZmqPullConnection):  # type: ignore[misc]
    """Hands frames to `receive`, at most `READ_BUDGET` seconds a turn of the reactor.

    `frames` counts them. Both bounds, of the queue and of a message, are set before any endpoint
    can be added.
    """

    highWaterMark = HIGH_WATER
    read_scheduled: Any

    def __init__(self, factory: Factory, receive: Callable[[bytes], None]) -> None:
        self.frames = 0
        self._receive = receive
        super().__init__(factory)
        self.socket.set(zmq.MAXMSGSIZE, MAX_FRAME)

    def doRead(self) -> None:
        """Read for a while; what is left is read in the next turn.

        ZeroMQ's descriptor is edge-triggered: it stays silent about messages that were there when
        reading stopped, so a partial read must schedule the next itself. An error is no reason to
        stop reading for ever, as the reactor would if it were raised.
        """
        scheduled, self.read_scheduled = self.read_scheduled, None
        if scheduled is not None and scheduled.active():
            scheduled.cancel()
        if self.socket is None:
            return
        deadline = perf_counter() + READ_BUDGET
        pause = 0.0
        try:
            while perf_counter() < deadline:
                for frame in self.socket.recv_multipart(zmq.NOBLOCK):
                    self.frames += 1
                    self._receive(frame)
        except zmq.Again:
            return
        except zmq.ZMQError:
            _log.failure("reading from ZeroMQ failed; trying again")
            pause = ERROR_PAUSE
        self._read_later(pause)

    def _read_later(self, pause: float) -> None:
        if self.socket is not None and self.read_scheduled is None:
            self.read_scheduled = self.factory.reactor.callLater(pause, self.doRead)
