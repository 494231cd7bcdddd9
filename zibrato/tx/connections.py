"""txZMQ's connections, with budgets, bounds and fixes that measurements showed to be necessary.

txZMQ imports the global reactor, so import this module only after a reactor has been installed.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from time import perf_counter

import zmq
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from txzmq import ZmqConnection, ZmqFactory, ZmqPullConnection, ZmqPushConnection

from zibrato.client.connector import Context
from zibrato.client.reconnecting import Reconnecting
from zibrato.wire import MAX_FRAME

READ_BUDGET = 0.005
"""Seconds of reading in one turn of the reactor."""
READ_ALL = 0.1
"""The most seconds of `read_all`, in case frames arrive faster than they can be read."""
AT_ONCE = 64 * 1024
"""Bytes of frames between two looks at the clock; each frame counts `FRAME_COST` more."""
FRAME_COST = 1024
PULL_BYTES = 64 * 1024 * 1024
"""The most bytes of one sender that wait inside ZeroMQ, if all its frames have the maximum size."""
PULL_HIGH_WATER = PULL_BYTES // MAX_FRAME
"""ZeroMQ bounds the number of frames, not of bytes. Further frames wait at the sender."""
ERROR_PAUSE = 1.0
"""Seconds between an error of ZeroMQ and the next attempt to read."""
STUCK = 5.0
"""Seconds without reading waiting frames after which a connection counts as stuck."""
_log = Logger()


class Factory(ZmqFactory):  # type: ignore[misc]  # txZMQ has no types
    """Holds any reactor, and a ZeroMQ context, which its owner has to terminate."""

    def __init__(self, reactor: IReactorTime, context: Context) -> None:
        self.reactor = reactor
        self.context = context
        self.connections: set[object] = set()


class BudgetedConnection(ZmqConnection):  # type: ignore[misc]  # txZMQ has no types
    """Reads for at most about `READ_BUDGET` seconds in each turn of the reactor."""

    read_scheduled: IDelayedCall | None

    def take(self) -> None:
        """Read one message without waiting; raises zmq.Again if there is none."""
        raise NotImplementedError

    def doRead(self) -> None:
        """Read for a while; the next turn of the reactor reads what is left."""
        self.read(READ_BUDGET)

    def read(self, seconds: float) -> bool:
        """Read for `seconds`, and at least once; return whether nothing is left.

        ZeroMQ's descriptor is edge-triggered: it doesn't signal messages that were already there
        when reading stopped. So a partial read must schedule the next one itself. An error isn't
        raised, because the reactor would then stop reading for ever.
        """
        scheduled, self.read_scheduled = self.read_scheduled, None
        if scheduled is not None and scheduled.active():
            scheduled.cancel()
        if self.socket is None:
            return True
        deadline = perf_counter() + seconds
        pause = 0.0
        take, now = self.take, perf_counter
        try:
            take()  # even if other processes used the CPU until the deadline
            while now() < deadline:
                take()
        except zmq.Again:
            return True
        except zmq.ZMQError:
            _log.failure("reading from ZeroMQ failed; trying again")
            pause = ERROR_PAUSE
        self._read_later(pause)
        return False

    def _read_later(self, pause: float) -> None:
        if self.socket is not None and self.read_scheduled is None:
            self.read_scheduled = self.factory.reactor.callLater(pause, self.doRead)


class PullConnection(BudgetedConnection, ZmqPullConnection):  # type: ignore[misc]  # txZMQ has no types
    """Hands frames to `receive`, several at once.

    `frames` counts them. The bounds of the queue and of a message are set in the constructor,
    because they only apply to endpoints that are added later.
    """

    highWaterMark = PULL_HIGH_WATER

    def __init__(self, factory: Factory, receive: Callable[[Sequence[bytes]], None]) -> None:
        self.frames = 0
        self._receive = receive
        self._seen = 0
        self._unread_since: float | None = None
        super().__init__(factory)
        self.socket.set(zmq.MAXMSGSIZE, MAX_FRAME)

    def take(self) -> None:
        """Hand over several frames together; the next call gets those that come meanwhile.

        One by one would be slow: a turn of the reactor costs as much as some dozen frames.
        """
        read, room = self.socket.recv, AT_ONCE
        frames: list[bytes] = []
        try:
            while room > 0:
                frame = read(zmq.NOBLOCK)
                frames.append(frame)
                room -= len(frame) + FRAME_COST
        except zmq.Again:
            if not frames:
                raise
        finally:
            self._hand_over(frames)

    def _hand_over(self, frames: Sequence[bytes]) -> None:
        if frames:
            self.frames += len(frames)
            self._receive(frames)

    def is_stuck(self) -> bool:
        """Return whether frames have been waiting for `STUCK` seconds, and none was read."""
        waiting = bool(self.socket.get(zmq.EVENTS) & zmq.POLLIN)
        if waiting:
            self._read_later(0.0)  # after EVENTS was read, the reactor isn't told of these frames
        now = perf_counter()
        if not waiting or self.frames != self._seen:
            self._seen, self._unread_since = self.frames, None
        elif self._unread_since is None:
            self._unread_since = now
        return self._unread_since is not None and now - self._unread_since >= STUCK

    def read_all(self) -> bool:
        """Read everything, for at most `READ_ALL` seconds; return whether nothing is left."""
        return self.read(READ_ALL)


class ReplyConnection(BudgetedConnection):
    """Answers each request with what `answer` returns for its parts."""

    socketType = zmq.REP

    def __init__(
        self, factory: Factory, answer: Callable[[Sequence[bytes]], Sequence[bytes]]
    ) -> None:
        self._answer = answer
        super().__init__(factory)

    def take(self) -> None:
        """Answer one request."""
        request = self.socket.recv_multipart(zmq.NOBLOCK)
        self.socket.send_multipart(self._answer(request), zmq.NOBLOCK)


class AuthenticatedPullConnection(PullConnection):
    """Hands over only the frames of senders whose user id `is_accepted` accepts."""

    def __init__(
        self,
        factory: Factory,
        receive: Callable[[Sequence[bytes]], None],
        is_accepted: Callable[[str], bool],
    ) -> None:
        self._is_accepted = is_accepted
        super().__init__(factory, receive)

    def take(self) -> None:
        """Hand over one frame, or drop it."""
        frame = self.socket.recv(zmq.NOBLOCK, copy=False)
        self.frames += 1
        if self._is_accepted(frame.get("User-Id")):
            self._receive([frame.bytes])


class EventConnection(BudgetedConnection):
    """Hands the values of an `event` of another socket to `receive` (zmq_socket_monitor).

    If nobody read the events, ZeroMQ's thread would wait, and with it all connections. So the
    queue of events is unbounded, and this connection must be shut down before the watched one.
    """

    socketType = zmq.PAIR

    def __init__(
        self,
        factory: Factory,
        watched: zmq.Socket[bytes],
        event: int,
        receive: Callable[[int], None],
    ) -> None:
        self._watched = watched
        self._receive = receive
        super().__init__(factory)
        address = f"inproc://events-{id(self):x}"
        watched.monitor(address, event)
        self.socket.connect(address)
        self.doRead()  # ZeroMQ signals nothing about a new pipe until a read has found it empty

    def take(self) -> None:
        """Hand over one event."""
        head, _address = self.socket.recv_multipart(zmq.NOBLOCK)
        self._receive(struct.unpack("=hi", head)[1])

    def shutdown(self) -> None:
        """Stop the events, and close the socket."""
        self._watched.disable_monitor()
        super().shutdown()


class PushConnection(ZmqPushConnection):  # type: ignore[misc]  # txZMQ has no types
    """Pushes without ever waiting; raises zmq.Again if ZeroMQ's queue is full."""

    def __init__(self, factory: Factory, high_water: int) -> None:
        self.highWaterMark = high_water
        self.reconnecting: Reconnecting | None = None
        """What watches the socket's connection, once it is attached."""
        super().__init__(factory)

    def send(self, message: bytes, flags: int = zmq.NOBLOCK) -> None:
        """Send; unlike txZMQ's method, schedules no read, since a PUSH socket has none."""
        self.socket.send(message, flags)

    def poll(self, timeout: int, flags: int) -> int:
        """Wait up to `timeout` milliseconds for events in `flags`; return those that occurred."""
        events: int = self.socket.poll(timeout, flags)
        return events

    def revive(self) -> bool:
        """Connect again if ZeroMQ has given up; return whether it had. Raises zmq.ZMQError."""
        return self.reconnecting is not None and self.reconnecting.revive()

    def close(self, linger: int) -> None:
        """Close the socket; ZeroMQ goes on sending for at most `linger` milliseconds."""
        if self.reconnecting is not None:
            self.reconnecting.close()
        self.factory.lingerPeriod = linger
        self.socket.set(zmq.LINGER, linger)
        self.shutdown()
