"""The Librato backend and its outbox in a real reactor, against a real and strict server."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast
from unittest.mock import patch

import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from twisted.trial.unittest import TestCase
from zope.interface import implementer

from tests.daemon.outbox.outboxes import PutOutbox
from tests.integration.certificates import self_signed
from tests.integration.librato_server import LibratoServer
from zibrato.backends.librato.backend import make
from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.distribution import Distribution
from zibrato.interfaces import BackendContext, Reactor
from zibrato.model import COUNTER, TIMER, Series, Snapshot, Summary
from zibrato.tx.monotonic import MonotonicReactor

NOW = int(time.time()) // 10 * 10


def counters(start: float, count: int = 1) -> Snapshot:
    """Return a snapshot of so many counters, n0 and so on, of two increments each."""
    series = [Series(COUNTER, f"n{number}", "here") for number in range(count)]
    return Snapshot(start, start + 10, dict.fromkeys(series, Summary(2, 5.0)))


class BackendCase(TestCase):
    """A server, an outbox that ships to it, and the lines that it logs."""

    timeout = 60

    def setUp(self) -> None:
        self.metrics = SelfMetrics()
        self.lines: list[str] = []

        @implementer(ILogObserver)
        def observe(event: LogEvent) -> None:
            self.lines.append(str(formatEvent(event)))

        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)

    def serve(self, server: LibratoServer) -> None:
        """Start `server`, and an outbox that ships to it."""
        self.server = server
        server.start()
        self.addCleanup(server.stop)
        context = BackendContext(MonotonicReactor(cast(Reactor, reactor)), (50, 99))
        backend = make(self.settings(server.apikey), context)
        self.outbox = PutOutbox(backend, reactor, self.metrics, jitter=lambda: 0.0)
        self.outbox.startService()
        self.addCleanup(self.outbox.stopService)

    def settings(self, apikey: str) -> dict[str, str]:
        return {
            "username": self.server.username,
            "apikey": apikey,
            "hostname": self.server.url,
            "apipath": "/v1/",
        }

    def said(self, text: str) -> int:
        """Return how many lines of the log have `text`."""
        return sum(text in line for line in self.lines)

    def wait_for(self, condition: Callable[[], object]) -> Deferred[None]:
        return deferToThread(self.server.wait_for, condition)

    def total(self, name: str, **tags: str) -> int:
        return self.metrics.total(f"zibrato.backend.{name}", **tags)

    async def until(self, condition: Callable[[], object]) -> None:
        """Return once `condition`, which is about this process, holds."""
        while not condition():
            await deferLater(reactor, 0.01)


class DeliveryTests(BackendCase):
    """What arrives, whatever the server does meanwhile."""

    def setUp(self) -> None:
        super().setUp()
        self.serve(LibratoServer())

    async def test_everything_of_a_big_snapshot_arrives_in_small_requests(self) -> None:
        timers = {
            Series(TIMER, f"t{number}", "here"): Summary(
                2, 3.0, 1.0, 2.0, 5.0, 2.0, Distribution([1.0, 2.0])
            )
            for number in range(400)
        }
        summaries = {**counters(NOW, 1000).summaries, **timers}
        self.outbox.put(Snapshot(NOW, NOW + 10, summaries))
        await self.outbox.drained()
        sizes = [len(request) for request in self.server.requests]
        self.assertEqual((sum(sizes), max(sizes)), (2200, 300))
        self.assertEqual(self.server.rejections, [])
        self.assertEqual(len(self.server.names()), 2200)
        self.assertEqual((self.server.total("n999"), self.server.count("t399")), (5, 2))
        self.assertEqual([self.server.total(f"t0.{p}") for p in ("p50", "p99")], [1, 2])
        self.assertEqual(self.total("delivered"), 2800)

    @pytest.mark.attack("one bad measurement in a thousand", before="nothing that is known")
    async def test_one_bad_measurement_in_a_thousand(self) -> None:
        self.server.reject = lambda gauge: "is poison" if gauge["name"] == "n777" else None
        for start in (NOW - 20, NOW - 10, NOW):
            self.outbox.put(counters(start, 1000))
        await self.outbox.drained()
        arrived = self.server.measurements()
        keys = {(gauge["name"], gauge["measure_time"]) for gauge in arrived}
        self.assertEqual((len(arrived), len(keys)), (2997, 2997))
        self.assertNotIn("n777", self.server.names())
        self.assertEqual(self.said("n777"), 1)
        self.assertEqual(self.total("delivered"), 2 * 2997)
        self.assertEqual(self.total("dropped", reason="rejected"), 2)
        self.assertEqual(self.total("dropped", reason="muted"), 4)

    async def test_an_outage_of_five_intervals(self) -> None:
        self.server.stop()
        starts = [NOW - 10 * number for number in (4, 3, 2, 1, 0)]
        for start in starts:
            self.outbox.put(counters(start))
        await self.until(lambda: self.said("refused"))  # connections, by the system
        self.server.start()
        self.outbox.retry()
        await self.outbox.drained()
        arrived = [gauge["measure_time"] for gauge in self.server.measurements("n0")]
        self.assertEqual(arrived, starts)
        self.assertEqual(self.said("can't deliver"), 1)
        self.assertEqual(self.said("is back"), 1)
        self.assertEqual((self.total("delivered"), self.total("dropped")), (10, 0))

    async def test_an_overloaded_server(self) -> None:
        self.server.down = 503
        starts = [NOW - 10 * number for number in (4, 3, 2, 1, 0)]
        for start in starts:
            self.outbox.put(counters(start))
        await self.wait_for(lambda: len(self.server.rejections) >= 2)
        self.server.down = None
        await self.outbox.drained()
        arrived = [gauge["measure_time"] for gauge in self.server.measurements("n0")]
        self.assertEqual(arrived, starts)
        self.assertEqual(self.said("answered 503"), 1)

    async def test_a_restart_between_two_requests(self) -> None:
        self.outbox.put(counters(NOW - 10))
        await self.outbox.drained()
        self.server.stop()
        self.server.start()
        self.outbox.put(counters(NOW))
        await self.wait_for(lambda: len(self.server.requests) == 2)
        await self.outbox.drained()
        arrived = [gauge["measure_time"] for gauge in self.server.measurements()]
        self.assertEqual(arrived, [NOW - 10, NOW])

    async def test_a_wrong_key_until_it_is_mended(self) -> None:
        self.outbox.backend.reload(self.settings("wrong-key"))
        self.outbox.put(counters(NOW - 10))
        self.outbox.put(counters(NOW))
        await self.wait_for(lambda: self.server.rejections == [401])
        await self.until(lambda: self.said("next try in 300.0 s"))
        self.outbox.retry()
        await self.wait_for(lambda: self.server.rejections == [401, 401])
        self.outbox.backend.reload(self.settings(self.server.apikey))
        await self.outbox.drained()
        self.assertEqual(len(self.server.measurements("n0")), 2)
        self.assertEqual(self.said("API key is wrong"), 1)
        self.assertEqual(self.said("wrong-key") + self.said(self.server.apikey), 0)

    async def test_a_rate_limit(self) -> None:
        self.server.rate_limit(1, 403, X_Librato_RateLimit_Agg=f"remaining=0,reset={NOW + 3600}")
        self.outbox.put(counters(NOW))
        await self.until(lambda: self.said("rate limit"))
        self.outbox.retry()
        await self.outbox.drained()
        self.assertEqual(self.server.rejections, [403])
        self.assertEqual(self.total("delivered"), 2)

    @pytest.mark.attack("a Librato server that hangs, at a stop", before="nothing that is known")
    async def test_stopping_while_the_server_hangs(self) -> None:
        self.server.hang = True
        self.outbox.put(counters(NOW))
        await self.wait_for(lambda: self.server.hanging == 1)
        await self.outbox.stopService()
        self.assertEqual(self.total("dropped", reason="stopped"), 2)

    async def test_a_connection_that_breaks_before_the_answer(self) -> None:
        self.server.hang = True
        self.outbox.put(counters(NOW))
        await self.wait_for(lambda: self.server.hanging == 1)
        self.server.hang = False
        await self.outbox.drained()
        self.assertEqual(self.server.count("n0"), 2)


class CertificateTests(BackendCase):
    """Over TLS."""

    def setUp(self) -> None:
        super().setUp()
        directory = TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.certificate = Path(directory.name, "certificate.pem")
        self.context = self_signed(self.certificate)

    async def test_a_server_with_a_certificate_that_is_trusted(self) -> None:
        trusting = patch.dict(os.environ, SSL_CERT_FILE=str(self.certificate))
        trusting.start()
        self.addCleanup(trusting.stop)
        self.serve(LibratoServer(tls=self.context))
        self.outbox.put(counters(NOW))
        await self.outbox.drained()
        self.assertEqual(self.server.count("n0"), 2)

    async def test_a_server_with_another_gets_nothing(self) -> None:
        self.serve(LibratoServer(tls=self.context))
        self.outbox.put(counters(NOW))
        await self.until(lambda: self.said("certificate verify failed"))
        self.assertEqual((self.server.requests, self.server.rejections), ([], []))
        self.assertEqual(self.outbox.pending, 2)
