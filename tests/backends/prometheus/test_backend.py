"""What is delivered, and when a scrape shows it."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from math import inf
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from twisted.internet.defer import Deferred, succeed
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.test.requesthelper import DummyRequest
from zope.interface.verify import verifyObject

from tests.backends.account import Account
from tests.fake_reactor import FakeReactor
from zibrato.backends.prometheus.backend import PrometheusBackend, make
from zibrato.backends.totals import Totals
from zibrato.backends.totals_file import TotalsFile
from zibrato.interfaces import BackendContext, Delivery, IScrapedBackend, RetryLater
from zibrato.model import COUNTER, GAUGE, Series, Snapshot, Summary
from zibrato.threads import Inline


def calls(name: str = "calls", count: int = 2) -> dict[Series, Summary]:
    return {Series(COUNTER, name, "here"): Summary(count, float(count))}


class Held(Inline):
    """Threads that are held up until `gate` is called back, and count what they do."""

    def __init__(self) -> None:
        self.gate: Deferred[None] = succeed(None)
        self.runs = 0

    def run(self, work: Any) -> Deferred[Any]:
        self.runs += 1
        result: Deferred[Any] = Deferred()
        self.gate.addCallback(lambda _: super(Held, self).run(work).chainDeferred(result))
        return result


class BackendTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = FakeReactor()
        self.workers = Held()
        self.path = Path(self.mktemp())
        self.writers = Held()
        totals = Totals(TotalsFile(self.path), self.workers)
        context = BackendContext(self.clock, ())
        self.backend = PrometheusBackend(None, context, totals, self.writers)
        self.account = Account()

    def deliver(self, summaries: dict[Series, Summary]) -> Deferred[None]:
        delivery = Delivery([Snapshot(100.0, 110.0, summaries)], self.account.note)
        result = self.backend.deliver(delivery)
        for _ in range(20):
            self.clock.advance(0)
        return result

    def ask(self, **headers: str) -> tuple[Any, Deferred[Iterator[bytes]]]:
        request: Any = DummyRequest([])
        for name, value in headers.items():
            request.requestHeaders.setRawHeaders(name.replace("_", "-"), [value])
        described = {"shop.calls": "Calls"}
        return request, self.backend.answer(request, lambda: succeed(described))

    def scrape(self, **headers: str) -> tuple[Any, bytes]:
        request, asked = self.ask(**headers)
        return request, self.read(asked)

    def read(self, asked: Deferred[Iterator[bytes]]) -> bytes:
        parts = self.successResultOf(asked)
        return b"".join(parts)

    def test_the_interface(self) -> None:
        verifyObject(IScrapedBackend, self.backend)
        self.successResultOf(self.backend.stop())

    def test_nothing_is_begun_after_the_stop(self) -> None:
        self.successResultOf(self.backend.stop())
        self.assertEqual(self.scrape()[0].responseCode, 503)

    def test_a_scrape_has_what_is_committed_and_nothing_else(self) -> None:
        self.successResultOf(self.deliver(calls("shop.calls")))
        _, before = self.scrape()
        self.assertIn(b"shop_calls_total{", before)
        self.assertIn(b"# HELP shop_calls_total Calls\n", before)
        self.workers.gate = Deferred()
        under_way = self.deliver(calls("shop.calls"))
        self.assertEqual(self.scrape()[1], before)
        self.workers.gate.callback(None)
        self.successResultOf(under_way)
        self.assertIn(b'{source="here",level="info"} 4.0', self.scrape()[1])
        self.assertEqual(self.account, {None: 4})

    def test_one_who_takes_it_gets_it_compressed(self) -> None:
        request, body = self.scrape(Accept_Encoding="gzip", Accept="application/openmetrics-text")
        self.assertEqual(gzip.decompress(body), b"# EOF\n")
        self.assertEqual(request.responseHeaders.getRawHeaders("content-encoding"), ["gzip"])

    def test_the_length_is_told_of_either(self) -> None:
        self.successResultOf(self.deliver(calls()))
        for headers in ({}, {"Accept_Encoding": "gzip"}):
            request, body = self.scrape(**headers)
            length = request.responseHeaders.getRawHeaders("content-length")
            self.assertEqual(length, [str(len(body))])

    def test_a_page_is_written_once_for_all_who_ask_before_the_next_commit(self) -> None:
        self.successResultOf(self.deliver(calls()))
        self.writers.gate = Deferred()
        asked = [self.ask(Accept_Encoding=encoding)[1] for encoding in ("gzip", "", "gzip")]
        self.successResultOf(self.deliver(calls()))
        later = self.ask()[1]
        self.writers.gate.callback(None)
        bodies = [self.read(one) for one in (*asked, later)]
        self.assertEqual(gzip.decompress(bodies[0]), bodies[1])
        self.assertEqual(bodies[2], bodies[0])
        self.assertIn(b'calls_total{source="here",level="info"} 2.0', bodies[1])
        self.assertIn(b'calls_total{source="here",level="info"} 4.0', bodies[3])
        self.scrape()
        self.assertEqual(self.writers.runs, 2)

    def test_the_slowest_readers_make_room_for_newer_pages(self) -> None:
        self.successResultOf(self.deliver(calls()))
        slow = self.successResultOf(self.ask()[1])
        self.successResultOf(self.deliver(calls()))
        waiting = self.ask(Accept_Encoding="gzip")[1]
        size = len(self.read(self.ask(Accept_Encoding="gzip")[1]))
        held = patch("zibrato.backends.prometheus.backend.MAX_HELD", 2 * size + size // 2)
        held.start()
        self.addCleanup(held.stop)
        self.successResultOf(self.deliver(calls()))
        self.assertIn(b" 6.0", self.scrape()[1])
        self.assertRaises(RetryLater, b"".join, slow)
        self.assertEqual(len(self.read(waiting)), size)

    def test_a_page_that_is_too_large_is_none(self) -> None:
        self.successResultOf(self.deliver(calls()))
        with patch("zibrato.backends.prometheus.backend.MAX_PAGE", 20):
            request, body = self.scrape()
        self.assertEqual((request.responseCode, body.split()[-1]), (503, b"compressed"))
        self.assertEqual(request.responseHeaders.getRawHeaders("retry-after"), ["1"])

    def test_a_file_that_fails_is_tried_again_and_nothing_is_counted_twice(self) -> None:
        delivery = Delivery([Snapshot(100.0, 110.0, calls())], lambda *_: None)
        self.path.mkdir()
        self.failureResultOf(self.backend.deliver(delivery), RetryLater)
        request, body = self.scrape()
        self.assertEqual(request.responseCode, 503)
        self.assertIn(b"the totals in ", body)
        self.path.rmdir()
        self.successResultOf(self.backend.deliver(delivery))
        self.assertIn(b'calls_total{source="here",level="info"} 2.0', self.scrape()[1])

    def test_names_that_become_one_are_added_up_and_named(self) -> None:
        with capturedLogs() as events:
            self.successResultOf(self.deliver({**calls("a.b"), **calls("a-b", 3)}))
        self.assertIn(b'a_b_total{source="here",level="info"} 5.0', self.scrape()[1])
        (line,) = [str(formatEvent(event)) for event in events if "becomes the same" in str(event)]
        self.assertIn(
            "'a-b': merged with another series, whose name becomes the same (3 measurements)",
            line,
        )

    def test_what_has_no_finite_sum_is_dropped(self) -> None:
        self.successResultOf(self.deliver({Series(GAUGE, "x", "here"): Summary(3, inf)}))
        self.assertEqual(self.account, {"not_finite": 3, None: 0})


def test_arguments_of_an_endpoint_are_no_settings() -> None:
    context = BackendContext(FakeReactor(), ())
    made = make({"endpoint": "tcp:9464", "interface": "127.0.0.1", "totals": "none"}, context)
    assert made.endpoint == "tcp:9464:interface=127.0.0.1"
    assert make({}, context).endpoint is None
    with pytest.raises(ValueError, match="expected one of endpoint, totals, got 'interface'"):
        make({"interface": "127.0.0.1"}, context)
