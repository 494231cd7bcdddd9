"""A connection that publishes by topic, and withstands peers that subscribe without end.

ZeroMQ itself has no bound for them. It keeps every topic, and takes over all subscriptions that
wait before it hands over one, so that with some peers a call may never return. Only to end all
connections helps.

txZMQ imports the global reactor, so import this module only after a reactor has been installed.
"""

from __future__ import annotations

import select
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter

import zmq
from twisted.logger import Logger

from zibrato.tx.connections import BudgetedConnection, Factory

MAX_SUBSCRIPTION = 512
"""The most bytes of a subscription, and of what the handshake of CURVE sends."""
MAX_TOPICS = 512 * 1024
"""The most bytes of all topics together; each takes fifty bytes of memory inside ZeroMQ."""
PAUSE = 0.25
"""Seconds between two looks at whether a call takes too long."""
PATIENCE = 0.2
"""Seconds that a call of ZeroMQ, which shouldn't wait at all, may take."""
_log = Logger()


class PublishConnection(BudgetedConnection):
    """Publishes by topic, and hands the topic of each new subscription to `subscribed`.

    A subscriber that doesn't read misses messages beyond `highWaterMark`. If there are too many
    topics, or more subscriptions than can be read, `crowded` is called, from any thread. The
    connection should then be shut down.
    """

    socketType = zmq.XPUB
    highWaterMark = 1000

    def __init__(self, factory: Factory, subscribed: Callable[[bytes], None]) -> None:
        self._subscribed = subscribed
        self.crowded: Callable[[], object] = lambda: None
        self._is_crowded = False
        self._topics: set[bytes] = set()
        self._size = 0
        self._guard = CallGuard(self._interrupt)
        super().__init__(factory)
        self.socket.set(zmq.MAXMSGSIZE, MAX_SUBSCRIPTION)
        # With more of each peer, a call might not return while only one peer goes on. With CURVE,
        # one of them is never used.
        self.socket.set(zmq.RCVHWM, 2)
        # Else repeated subscriptions aren't reported. A topic's end is, with its last subscriber.
        self.socket.set(zmq.XPUB_VERBOSE, 1)

    def take(self) -> None:
        """Note one subscription, or the end of one; hand over the topic of a subscription."""
        with self._guard.watching():
            message = self.socket.recv(zmq.NOBLOCK)
        kind, topic = message[:1], message[1:]
        if kind == b"\1" and topic not in self._topics:
            self._topics.add(topic)
            self._size += len(topic)
        elif kind == b"\0" and topic in self._topics:
            self._topics.remove(topic)
            self._size -= len(topic)
        if self._size > MAX_TOPICS:
            self._tell_crowded()
        elif kind == b"\1":
            self._subscribed(topic)

    def publish(self, topic: bytes, frame: bytes) -> None:
        """Send `frame` to all subscribers of `topic`, without waiting."""
        try:
            with self._guard.watching():
                self.socket.send_multipart([topic, frame], zmq.NOBLOCK)
        except zmq.ZMQError:
            _log.failure("publishing over ZeroMQ failed")
        self._read_later(0.0)  # sending clears the signal for messages that came meanwhile

    def _interrupt(self) -> None:
        self.crowded()

    def shutdown(self) -> None:
        """Close the socket."""
        self._guard.stop()
        super().shutdown()

    def _tell_crowded(self) -> None:
        if not self._is_crowded:
            self._is_crowded = True
            self.crowded()


class CallGuard:
    """Calls `interrupt`, from a thread, again and again while a call takes too long.

    Without a thread, such as where none can be started, nothing is watched.
    """

    def __init__(self, interrupt: Callable[[], object]) -> None:
        self._interrupt = interrupt
        self._since: float | None = None
        self._thread: threading.Thread | None = threading.Thread(
            target=self._watch, name="zibrato-guard", daemon=True
        )
        try:
            self._thread.start()
        except RuntimeError:
            self._thread = None

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch the call that is made in a `with` block."""
        self._since = perf_counter()
        try:
            yield
        finally:
            self._since = None

    def stop(self) -> None:
        """Stop watching; the thread ends by itself soon."""
        self._thread = None

    def _watch(self) -> None:
        while self._thread is threading.current_thread():
            since = self._since
            if since is not None and perf_counter() - since > PATIENCE:
                self._interrupt()
            select.select((), (), (), PAUSE)
