"""The backend against a strict API in memory: what arrives, and when it is tried again."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Mapping
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs, formatEvent
from twisted.plugin import getPlugins
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from tests.backends.librato.strict_api import KEY, NOW, SETTINGS, BackendCase, counters
from tests.fake_reactor import FakeReactor
from zibrato.backends.librato.account import Account
from zibrato.backends.librato.backend import LibratoBackend, make
from zibrato.distribution import Distribution
from zibrato.interfaces import BackendContext, Delivery, IBackend, IBackendMaker, RetryLater
from zibrato.model import COUNTER, GAUGE, TIMER, Series, Snapshot, Summary


class DeliveryTests(BackendCase):
    def test_is_a_backend(self) -> None:
        verifyObject(IBackend, self.backend)

    def test_all_kinds_arrive_at_the_start_of_their_interval(self) -> None:
        timer = Summary(2, 3.0, 1.0, 2.0, 5.0, 2.0, Distribution([1.0, 2.0]))
        self.deliver(
            Snapshot(
                NOW - 10.5,
                NOW - 0.5,
                {
                    Series(COUNTER, "c", "s"): Summary(3, 4.5),
                    Series(TIMER, "t", "s"): timer,
                    Series(GAUGE, "g", "s"): Summary(1, 9.0, 9.0, 9.0, 81.0, 9.0),
                },
            )
        )
        (request,) = self.api.requests
        self.assertEqual({gauge["measure_time"] for gauge in request}, {NOW - 11})
        values = {gauge["name"]: gauge.get("sum", gauge.get("value")) for gauge in request}
        self.assertEqual(values, {"c": 4.5, "t": 3.0, "t.p50": 1.0, "t.p95": 2.0, "g": 9.0})
        self.assertEqual(self.account(), {None: 6})

    def test_a_big_snapshot_takes_several_requests(self) -> None:
        self.deliver(counters(1000))
        self.assertEqual([len(request) for request in self.api.requests], [300, 300, 300, 100])
        self.assertEqual(self.account(), {None: 3000})

    def test_many_small_snapshots_share_requests(self) -> None:
        starts = [NOW - 7200 + 10 * number for number in range(700)]
        self.deliver(*[counters(1, start) for start in starts])
        self.assertEqual([len(request) for request in self.api.requests], [300, 300, 100])
        times = [gauge["measure_time"] for request in self.api.requests for gauge in request]
        self.assertEqual(times, starts)
        self.assertEqual(self.account(), {None: 2100})

    def test_two_snapshots_of_an_interval_arrive_as_one(self) -> None:
        self.deliver(counters(2), counters(3))
        (request,) = self.api.requests
        self.assertEqual([gauge["count"] for gauge in request], [6, 6, 3])
        self.assertEqual(self.account(), {None: 15})

    def test_it_says_how_much_memory_its_requests_take(self) -> None:
        self.api.statuses = [503]
        delivery = self.ship(counters(3000))
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        self.finish_failing(delivery, "answered 503")
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
        self.assertTrue(0.75 <= delivery.requests_size / held <= 1.25)

    def test_nothing_to_send_takes_none(self) -> None:
        self.deliver(Snapshot(NOW, NOW + 10, {}))
        self.assertEqual(self.api.posts, 0)

    def test_names_that_need_rewriting_arrive_and_are_logged_where_they_meet(self) -> None:
        series = [Series(COUNTER, name, "all") for name in ("a b", "a/b", "c d")]
        snapshot = Snapshot(NOW, NOW + 10, dict.fromkeys(series, Summary(1, 1.0)))
        (line,) = self.logged(lambda: self.deliver(snapshot))
        self.assertIn("'a/b'", line)
        self.assertEqual(self.api.names, ["a-b", "c-d"])
        self.assertEqual(self.api.requests[0][0]["source"], "all-")
        self.assertEqual(self.account(), {None: 3})
        self.assertEqual(self.logged(lambda: self.deliver(snapshot)), [])

    def test_what_has_no_place_is_accounted_for_and_logged(self) -> None:
        snapshot = Snapshot(
            NOW,
            NOW + 10,
            {
                Series(COUNTER, "n", "s"): Summary(1, 1.0),
                Series(GAUGE, "n", "s"): Summary(2, 2.0),
                Series(GAUGE, "endless", "s"): Summary(4, float("inf")),
            },
        )
        lines = self.logged(lambda: self.deliver(snapshot))
        self.assertEqual(self.account(), {None: 1, "kind_conflict": 2, "not_finite": 4})
        self.assertIn("'n'", lines[0])
        self.assertIn("'endless'", lines[1])
        self.assertEqual(len(lines), 2)

    def test_a_postponed_delivery_goes_on_where_it_was(self) -> None:
        self.api.statuses = [200, 503]
        delivery = self.ship(counters(700))
        self.finish_failing(delivery, "answered 503")
        self.assertEqual(delivery.pending, 3 * 400)
        self.finish(self.backend.deliver(delivery))
        self.assertEqual(len(self.api.names), 700)
        self.assertEqual(len(set(self.api.names)), 700)
        self.assertEqual(self.account(), {None: 2100})

    def finish_failing(self, delivery: Delivery, reason: str) -> None:
        delivering = self.backend.deliver(delivery)
        for _ in range(100):
            self.clock.advance(0)
        self.assertIn(reason, self.failureResultOf(delivering, RetryLater).getErrorMessage())

    def test_a_cancelled_delivery_accounts_for_nothing_twice(self) -> None:
        delivery = self.ship(counters(1000))
        delivering = self.backend.deliver(delivery)
        delivering.cancel()
        self.failureResultOf(delivering)
        self.assertEqual(self.noted, [])
        self.finish(self.backend.deliver(delivery))
        self.assertEqual(self.account(), {None: 3000})

    def test_a_wrong_account_keeps_all_until_reloaded(self) -> None:
        self.api.statuses = [401]
        delivery = self.ship(counters(1))
        later = self.retried(delivery)
        self.assertEqual((later.after, delivery.pending), (300, 3))
        self.assertIn("API key", later.reason)
        self.backend.reload({**SETTINGS, "apikey": "another"})
        self.finish(self.backend.deliver(delivery))
        self.assertEqual(self.account(), {None: 3})

    def test_a_wrong_address_mutes_nobody(self) -> None:
        for status in (404, 405, 302):
            self.api.statuses = [status]
            delivery = self.ship(counters(2))
            self.assertEqual(self.retried(delivery).after, 300)
            self.finish(self.backend.deliver(delivery))
        self.assertEqual(self.account(), {None: 18})


class MakeTests(SynchronousTestCase):
    def make(self, **settings: str) -> LibratoBackend:
        return make({**SETTINGS, **settings}, BackendContext(FakeReactor(), (50,)))

    def test_is_found_by_its_name(self) -> None:
        (maker,) = [maker for maker in getPlugins(IBackendMaker) if maker.name == "librato"]
        full: Mapping[str, str] = {**SETTINGS, "hostname": "http://127.0.0.1:1", "apipath": "/"}
        backend = maker.make(full, BackendContext(FakeReactor(), (50,)))
        verifyObject(IBackend, backend)
        for setting in full:
            self.assertIn(setting, maker.description)

    def test_bad_settings_are_refused(self) -> None:
        for wrong in ({"username": ""}, {"apikey": ""}, {"hostname": "a b"}, {"host": "h"}):
            self.assertRaises(ValueError, self.make, **wrong)

    def test_stopping_closes_the_connections(self) -> None:
        closed: Deferred[None] = Deferred()
        context = BackendContext(FakeReactor(), ())
        http: Any = None  # nothing is sent
        backend = LibratoBackend(Account.parse(SETTINGS), context, http, lambda: closed)
        stopped = backend.stop()
        self.assertNoResult(stopped)
        closed.callback(None)
        self.successResultOf(stopped)

    def test_a_bad_account_is_not_taken_over(self) -> None:
        backend = self.make()
        with capturedLogs() as events:
            backend.reload({"username": "user"})
        (line,) = [str(formatEvent(event)) for event in events]
        self.assertIn("librato keeps its account: apikey: expected", line)

    def test_the_key_does_not_show(self) -> None:
        backend = self.make()
        self.assertNotIn(KEY, repr(backend) + repr(vars(backend)) + repr(vars(backend._api)))
