"""A PULL socket in the daemon's place, to be asked for what arrived: `Recording([Pull(…)])`."""

from __future__ import annotations

from typing import Any

import zmq

from zibrato.buffers import Rows
from zibrato.outlet import Listener
from zibrato.wire import decode

PATIENCE = 50


class Pull:
    """Gives a recording what arrived at `endpoint`; waits `PATIENCE` ms for more."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._context: zmq.Context[Any] = zmq.Context()
        self._socket = self._context.socket(zmq.PULL)
        self._socket.set(zmq.RCVHWM, 0)
        self._socket.bind(endpoint)

    def add(self, listener: Listener, /) -> None:
        """Have `listener` called with what arrives."""
        self._listener = listener

    def catch_up(self) -> None:
        """Take what has arrived."""
        while self._socket.poll(PATIENCE):
            for batch in decode(self._socket.recv(), 0).batches:
                rows = Rows()
                rows.counters.extend(batch.counters)
                rows.timers.extend(batch.timers)
                rows.gauges.extend(batch.gauges)
                self._listener(rows)

    def remove(self, _: Listener, /) -> None:
        """Close."""
        self._socket.close(linger=0)
        self._context.term()
