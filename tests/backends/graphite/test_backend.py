"""The backend's account: delivered once its peer has read all, and dropped by reason."""

from __future__ import annotations

import socketserver
import threading
from math import inf
from typing import cast

from twisted.internet import reactor
from twisted.logger import capturedLogs
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

from zibrato.backends.graphite.backend import GraphiteBackend, make
from zibrato.interfaces import BackendContext, Delivery, IBackend, Reactor, RetryLater
from zibrato.model import COUNTER, GAUGE, Series, Snapshot, Summary
from zibrato.tx.monotonic import MonotonicReactor

TIME = 1_700_000_000


class Sink(socketserver.ThreadingTCPServer):
    """Keeps the lines of all connections; closes each after what it was told to read."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Reading)
        self.lines: list[str] = []
        self.breaks = 0
        self.thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.shutdown()
        self.server_close()


class Reading(socketserver.StreamRequestHandler):
    server: Sink

    def handle(self) -> None:
        if self.server.breaks:
            self.server.breaks -= 1
            return
        self.server.lines += [line.decode() for line in self.rfile]


class BackendTests(TestCase):
    timeout = 30

    def setUp(self) -> None:
        self.sink = Sink()
        self.addCleanup(self.sink.close)
        self.backend = self.make(address=f"127.0.0.1:{self.sink.server_address[1]}")
        self.noted: list[tuple[int, str | None]] = []

    def make(self, **settings: str) -> GraphiteBackend:
        return make(settings, BackendContext(MonotonicReactor(cast(Reactor, reactor)), (50,)))

    def delivery(self, summaries: dict[Series, Summary]) -> Delivery:
        snapshot = Snapshot(TIME, TIME + 10, summaries)
        return Delivery([snapshot], lambda count, reason: self.noted.append((count, reason)))

    def test_is_a_backend(self) -> None:
        verifyObject(IBackend, self.backend)

    async def test_what_is_read_is_delivered_and_what_has_no_place_is_dropped(self) -> None:
        delivery = self.delivery(
            {
                Series(COUNTER, "c", "s"): Summary(3, 4.5),
                Series(GAUGE, "c.count", "s"): Summary(2, 2.0),
                Series(COUNTER, "endless", "s"): Summary(1, inf),
            }
        )
        with capturedLogs() as events:
            await self.backend.deliver(delivery)
        self.assertEqual(self.sink.lines, [f"c.count;level=info;source=s 4.5 {TIME}\n"])
        self.assertEqual(self.noted, [(2, "kind_conflict"), (1, "not_finite"), (3, None)])
        self.assertEqual(delivery.pending, 0)
        self.assertEqual(len(events), 2)

    async def test_it_is_shipped_whole_again_and_counted_once(self) -> None:
        self.sink.breaks = 1
        series = [Series(COUNTER, f"n{number}", "s") for number in range(20_000)]
        delivery = self.delivery(dict.fromkeys(series, Summary(1, 1.0)))
        with self.assertRaises(RetryLater):
            await self.backend.deliver(delivery)
        self.assertEqual(self.noted, [])
        await self.backend.deliver(delivery)
        self.assertEqual(self.noted, [(20_000, None)])
        self.assertEqual(len(set(self.sink.lines)), 20_000)

    async def test_what_comes_late_is_added(self) -> None:
        for _ in range(2):
            await self.backend.deliver(self.delivery({Series(COUNTER, "c", "s"): Summary(1, 2.0)}))
        self.assertEqual([line.split()[1] for line in self.sink.lines], ["2.0", "4.0"])

    async def test_nothing_to_send_takes_no_connection(self) -> None:
        self.sink.breaks = 1
        await self.backend.deliver(self.delivery({}))
        self.assertEqual(self.sink.breaks, 1)

    def test_wrong_settings(self) -> None:
        for settings, expected in (
            ({"protocol": "udp"}, "protocol: expected plain or pickle, got 'udp'"),
            ({"address": "a b"}, "address: expected HOST or HOST:PORT, got 'a b'"),
            ({"host": "h"}, "expected one of address, protocol, got 'host'"),
        ):
            with self.assertRaises(ValueError) as caught:
                self.make(**settings)
            self.assertEqual(str(caught.exception), expected)

    def test_by_default_it_is_on_this_host(self) -> None:
        for protocol, port in (("plain", 2003), ("pickle", 2004)):
            self.assertEqual(self.make(protocol=protocol)._address, ("localhost", port))
