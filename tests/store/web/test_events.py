"""Subscribers to the live events: who reads too slowly is dropped, others are not."""

from __future__ import annotations

import tracemalloc
from typing import cast

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.server import Request
from zope.interface.verify import verifyObject

from zibrato.store.live import Live
from zibrato.store.web.events import HEARTBEAT, MAX_WAITING, Subscriber


class Connection:
    """A request and its channel, as far as a subscriber uses them."""

    def __init__(self) -> None:
        self.channel = self
        self.written = b""
        self.aborts = 0
        self.finished: Deferred[None] = Deferred()

    @property
    def aborted(self) -> bool:
        """Whether the client was dropped."""
        return self.aborts > 0

    def setHeader(self, name: bytes, value: bytes) -> None:
        """Take no notice."""

    def notifyFinish(self) -> Deferred[None]:
        """Return what fires when the client goes."""
        return self.finished

    def registerProducer(self, producer: object, streaming: bool) -> None:
        """Take no notice."""

    def unregisterProducer(self) -> None:
        """Raise, as a request does that has lost its channel."""
        raise AttributeError("'NoneType' object has no attribute 'unregisterProducer'")

    def write(self, data: bytes) -> None:
        """Keep what is written."""
        self.written += data

    def forceAbortClient(self) -> None:
        """Note that the client is dropped; as of a real one, the request hears of it later."""
        self.aborts += 1


class SubscriberTests(SynchronousTestCase):
    """A subscriber on a clock."""

    def setUp(self) -> None:
        self.clock, self.live = Clock(), Live()
        self.connection = Connection()
        self.subscriber = Subscriber(cast(Request, self.connection), self.live, self.clock)
        self.subscriber.start()

    def test_events_and_heartbeats_are_sent(self) -> None:
        self.live.publish(b"event\n\n")
        self.assertTrue(self.connection.written.endswith(b"event\n\n"))
        self.clock.advance(HEARTBEAT)
        self.assertTrue(self.connection.written.endswith(b": still here\n\n"))

    def test_what_a_busy_connection_does_not_take_waits(self) -> None:
        self.subscriber.pauseProducing()
        self.live.publish(b"one")
        self.live.publish(b"two")
        self.assertNotIn(b"one", self.connection.written)
        self.subscriber.resumeProducing()
        self.assertTrue(self.connection.written.endswith(b"onetwo"))

    def test_no_more_is_written_than_the_connection_takes(self) -> None:
        self.subscriber.pauseProducing()
        for event in (b"one", b"two", b"three"):
            self.live.publish(event)

        def write(data: bytes) -> None:
            self.connection.written += data
            self.subscriber.pauseProducing()

        self.patch(self.connection, "write", write)
        for written in (b"one", b"two", b"three"):
            if written == b"two":
                self.live.publish(b"x")
            self.subscriber.resumeProducing()
            self.assertTrue(self.connection.written.endswith(written))
        self.subscriber.resumeProducing()
        self.assertTrue(self.connection.written.endswith(b"onetwothreex"))

    def test_too_much_that_waits_drops_the_client(self) -> None:
        self.subscriber.pauseProducing()
        self.live.publish(b"x" * MAX_WAITING)
        self.assertFalse(self.connection.aborted)
        self.live.publish(b"x")
        self.assertTrue(self.connection.aborted)
        self.assertEqual(self.live.subscribers, [])

    @pytest.mark.attack("subscribers that stop reading", before="64 held 512 MB of the same events")
    def test_what_waits_for_many_is_held_once(self) -> None:
        for _ in range(20):
            subscriber = Subscriber(cast(Request, Connection()), self.live, self.clock)
            subscriber.start()
            subscriber.pauseProducing()
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        for size in (1 << 20, 1 << 20):
            self.live.publish(bytes(size))
        self.connection.written = b""
        self.assertLess(tracemalloc.get_traced_memory()[0], 3 << 20)
        self.assertEqual(len(self.live.subscribers), 21)

    def test_a_client_that_reads_nothing_until_the_heartbeat_is_dropped(self) -> None:
        self.subscriber.pauseProducing()
        self.clock.advance(HEARTBEAT)
        self.assertTrue(self.connection.aborted)

    def test_nothing_is_left_of_a_client_that_went(self) -> None:
        self.connection.finished.callback(None)
        self.assertEqual(self.live.subscribers, [])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_client_that_went_is_left_alone(self) -> None:
        self.connection.finished.errback(ConnectionError())
        self.live.publish(b"event")
        self.clock.advance(HEARTBEAT)
        self.assertNotIn(b"event", self.connection.written)
        self.assertFalse(self.connection.aborted)

    def test_who_is_dropped_is_dropped_once(self) -> None:
        self.subscriber.pauseProducing()
        self.live.publish(b"x" * (MAX_WAITING + 1))
        self.live.publish(b"x" * (MAX_WAITING + 1))
        self.clock.advance(2 * HEARTBEAT)
        self.assertEqual(self.connection.aborts, 1)

    def test_it_is_a_producer(self) -> None:
        verifyObject(IPushProducer, self.subscriber)
        self.subscriber.stopProducing()
