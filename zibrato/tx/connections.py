"""txZMQ's connections, with what was measured to be missing from them.

txZMQ imports the global reactor: import this module only where there is one already.
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
from zibrato.wire import MAX_FRAME

READ_BUDGET = 0.005
READ_ALL = 0.1
"""Seconds for what comes faster than it can be read."""
AT_ONCE = 64 * 1024
"""Bytes of frames between looks at the clock, where each counts as `FRAME_COST` more."""
FRAME_COST = 1024
PULL_BYTES = 64 * 1024 * 1024
"""What may wait of one sender inside ZeroMQ, were each of its frames as long as frames may be."""
PULL_HIGH_WATER = PULL_BYTES // MAX_FRAME
"""ZeroMQ bounds frames, not bytes. What it doesn't take waits with the sender."""
MAX_SUBSCRIPTION = 1024
ERROR_PAUSE = 1.0
STUCK = 5.0
"""Seconds."""
_log = Logger()


class Factory(ZmqFactory):  # type: ignore[misc]  # txZMQ has no types
    """Hands out a ZeroMQ context that is its owner's to end, and any reactor."""

    def __init__(self, reactor: IReactorTime, context: Context) -> None:
        self.reactor = reactor
        self.context = context
        self.connections: set[object] = set()


class BudgetedConnection(ZmqConnection):  # type: ignore[misc]  # txZMQ has no types
    """Reads for about `READ_BUDGET` seconds a turn of the reactor at most."""

    read_scheduled: IDelayedCall | None

    def take(self) -> None:
        """Read one message without waiting; raises zmq.Again where there is none."""
        raise NotImplementedError

    def doRead(self) -> None:
        """Read for a while; what is left is read in the next turn."""
        self.read(READ_BUDGET)

    def read(self, seconds: float) -> bool:
        """Read for so long, and once at least; return whether nothing is left.

        ZeroMQ's descriptor is edge-triggered: it stays silent about messages that were there when
        reading stopped, so a partial read must schedule the next itself. An error is no reason to
        stop reading for ever, as the reactor would if it were raised.
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
            take()  # also where another process had the processor until the deadline
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
    """Hands frames to `receive`, some at once.

    `frames` counts them. Both bounds, of the queue and of a message, are set before any endpoint
    can be added.
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
        """Hand some frames over; what came meanwhile is there for the next call.

        A turn of the reactor costs as much as some dozen frames.
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
        """Whether frames have waited since `STUCK` seconds, and none was read."""
        waiting = bool(self.socket.get(zmq.EVENTS) & zmq.POLLIN)
        if waiting:
            self._read_later(0.0)  # whoever asks for events is told of them, and not the reactor
        now = perf_counter()
        if not waiting or self.frames != self._seen:
            self._seen, self._unread_since = self.frames, None
        elif self._unread_since is None:
            self._unread_since = now
        return self._unread_since is not None and now - self._unread_since >= STUCK

    def read_all(self) -> bool:
        """Read what is there, within `READ_ALL` seconds; return whether nothing is left."""
        return self.read(READ_ALL)


class PublishConnection(BudgetedConnection):
    """Publishes by topic, and hands `subscribed` each topic that somebody new asks for.

    A subscriber that doesn't read misses what is past `highWaterMark`.
    """

    socketType = zmq.XPUB
    highWaterMark = 1000

    def __init__(self, factory: Factory, subscribed: Callable[[bytes], None]) -> None:
        self._subscribed = subscribed
        super().__init__(factory)
        self.socket.set(zmq.MAXMSGSIZE, MAX_SUBSCRIPTION)
        self.socket.set(zmq.XPUB_VERBOSE, 1)  # else it tells nothing of one that comes again

    def take(self) -> None:
        """Hand one subscription over."""
        message = self.socket.recv(zmq.NOBLOCK)
        if message[:1] == b"\1":
            self._subscribed(message[1:])

    def publish(self, topic: bytes, frame: bytes) -> None:
        """Send `frame` to all who asked for `topic`, without waiting."""
        try:
            self.socket.send_multipart([topic, frame], zmq.NOBLOCK)
        except zmq.ZMQError:
            _log.failure("publishing over ZeroMQ failed")
        self._read_later(0.0)  # a socket that was sent by is silent about what came meanwhile


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
    """Hands over the frames of those senders alone whose user id `is_accepted` takes."""

    def __init__(
        self,
        factory: Factory,
        receive: Callable[[Sequence[bytes]], None],
        is_accepted: Callable[[str], bool],
    ) -> None:
        self._is_accepted = is_accepted
        super().__init__(factory, receive)

    def take(self) -> None:
        """Hand one frame over, or drop it."""
        frame = self.socket.recv(zmq.NOBLOCK, copy=False)
        self.frames += 1
        if self._is_accepted(frame.get("User-Id")):
            self._receive([frame.bytes])


class EventConnection(BudgetedConnection):
    """Hands `receive` the values of an `event` of another connection's socket (zmq_socket_monitor).

    ZeroMQ's thread waits where nobody reads them, and all connections with it: so there is no bound
    to how many may wait, and it ends before what it watches.
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
        self.doRead()  # of a new pipe ZeroMQ tells nothing before it was found empty

    def take(self) -> None:
        """Hand one event over."""
        head, _address = self.socket.recv_multipart(zmq.NOBLOCK)
        self._receive(struct.unpack("=hi", head)[1])

    def shutdown(self) -> None:
        """Close the socket, and have no more events."""
        self._watched.disable_monitor()
        super().shutdown()


class PushConnection(ZmqPushConnection):  # type: ignore[misc]  # txZMQ has no types
    """Pushes without ever waiting; raises zmq.Again where ZeroMQ takes no more."""

    def __init__(self, factory: Factory, high_water: int) -> None:
        self.highWaterMark = high_water
        super().__init__(factory)

    def send(self, message: bytes, flags: int = zmq.NOBLOCK) -> None:
        """Send; txZMQ's own would schedule a read, of which there is none here."""
        self.socket.send(message, flags)

    def poll(self, timeout: int, flags: int) -> int:
        """Wait for so many milliseconds; return the events of `flags` that there are."""
        events: int = self.socket.poll(timeout, flags)
        return events

    def close(self, linger: int) -> None:
        """Close the socket; ZeroMQ goes on sending for `linger` milliseconds at most."""
        self.factory.lingerPeriod = linger
        self.socket.set(zmq.LINGER, linger)
        self.shutdown()
