"""The backend against a strict API in memory: what arrives, what is dropped, what is logged."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from treq.testing import StubTreq
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs, formatEvent
from twisted.plugin import getPlugins
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource
from zope.interface.verify import verifyObject

from tests.fake_reactor import FakeReactor
from tests.integration.librato_rules import Measurement, Refused, measurements
from zibrato.backends.librato.api import Account
from zibrato.backends.librato.backend import LibratoBackend, make
from zibrato.backends.librato.rejection_log import MUTED
from zibrato.daemon.outbox import Outbox
from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.distribution import Distribution
from zibrato.interfaces import BackendContext, Delivery, IBackend, IBackendMaker, RetryLater
from zibrato.model import COUNTER, GAUGE, TIMER, Series, Snapshot, Summary

NOW = 1_700_000_000
KEY = "a-secret-key"
SETTINGS = {"username": "user", "apikey": KEY}


class StrictApi(Resource):
    """Takes what Librato takes, all or nothing; `refuse` refuses measurements, `status` all."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.refuse: Callable[[Measurement], bool] = lambda _measurement: False
        self.statuses: list[int] = []
        self.requests: list[list[Measurement]] = []
        self.posts = 0

    def render(self, request: Any) -> bytes:
        self.posts += 1
        status = self.statuses.pop(0) if self.statuses else 200
        if status != 200:
            request.setResponseCode(status)
            return b""
        try:
            posted = measurements(request.content.read(), NOW, {})
            if any(map(self.refuse, posted)):
                raise Refused(400, {"params": {"name": ["is poison"]}})
        except Refused as refused:
            request.setResponseCode(refused.status)
            return json.dumps({"errors": refused.errors}).encode()
        self.requests.append(posted)
        return b""

    @property
    def names(self) -> list[str]:
        """The names that arrived, in order."""
        return [measurement["name"] for request in self.requests for measurement in request]


def counters(count: int, start: float = NOW - 10) -> Snapshot:
    """Return a snapshot of so many counters, n0, n1 and so on, of three increments each."""
    series = [Series(COUNTER, f"n{number}", "here") for number in range(count)]
    return Snapshot(start, start + 10, dict.fromkeys(series, Summary(3, 7.5)))


def poison(*names: str) -> Callable[[Measurement], bool]:
    return lambda measurement: measurement["name"] in names


class BackendCase(SynchronousTestCase):
    """A backend in front of a StrictApi."""

    def setUp(self) -> None:
        self.clock = FakeReactor()
        self.clock.advance(NOW)
        self.api = StrictApi()
        http: Any = StubTreq(self.api)  # its methods are made at run time
        context = BackendContext(self.clock, (50, 95))
        self.backend = LibratoBackend(Account.parse(SETTINGS), context, http)
        self.noted: list[tuple[int, str | None]] = []

    def ship(self, snapshot: Snapshot) -> Delivery:
        return Delivery(snapshot, lambda count, reason: self.noted.append((count, reason)))

    def deliver(self, snapshot: Snapshot) -> Delivery:
        delivery = self.ship(snapshot)
        self.finish(self.backend.deliver(delivery))
        self.assertEqual(delivery.pending, 0)
        return delivery

    def finish(self, delivery: Deferred[None]) -> None:
        for _ in range(100):
            self.clock.advance(0)
        self.successResultOf(delivery)

    def retried(self, delivery: Delivery) -> RetryLater:
        error = self.failureResultOf(self.backend.deliver(delivery), RetryLater).value
        assert isinstance(error, RetryLater)
        return error

    def account(self) -> dict[str | None, int]:
        """Return the measurements noted by reason, delivered ones by None."""
        totals: dict[str | None, int] = {}
        for count, reason in self.noted:
            if count:
                totals[reason] = totals.get(reason, 0) + count
        return totals

    def logged(self, act: Callable[[], object]) -> list[str]:
        with capturedLogs() as events:
            act()
        return [str(formatEvent(event)) for event in events]


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


class RejectionTests(BackendCase):
    def test_only_what_is_rejected_is_dropped(self) -> None:
        self.api.refuse = poison("n13", "n500", "n501")
        lines = self.logged(lambda: self.deliver(counters(1000)))
        self.assertEqual(len(self.api.names), 997)
        self.assertEqual(len(set(self.api.names)), 997)
        self.assertEqual(self.account(), {None: 997 * 3, "rejected": 9})
        self.assertEqual(
            sorted(lines),
            [
                f"librato rejects {name} from here: 400 params: name: is poison; "
                "muted for 10 minutes"
                for name in ("n13", "n500", "n501")
            ],
        )
        self.assertLess(self.api.posts, 80)

    def test_what_was_rejected_is_muted_for_a_while(self) -> None:
        self.api.refuse = poison("n3")
        self.deliver(counters(10))
        before = self.api.posts
        self.assertEqual(self.logged(lambda: self.deliver(counters(10))), [])
        self.assertEqual(self.api.posts, before + 1)
        self.assertEqual(self.account(), {None: 54, "rejected": 3, "muted": 3})
        self.clock.advance(MUTED)
        self.assertEqual(len(self.logged(lambda: self.deliver(counters(10)))), 1)
        self.assertEqual(self.account()["rejected"], 6)

    def test_the_same_name_from_elsewhere_is_not_muted(self) -> None:
        self.api.refuse = lambda gauge: gauge["source"] == "there"
        both = {
            Series(COUNTER, "n", source): Summary(3, 7.5)
            for source in ("here", "there", "h2", "h3")
        }
        for _ in range(2):
            self.deliver(Snapshot(NOW, NOW + 10, both))
        self.assertEqual(self.account(), {None: 18, "rejected": 3, "muted": 3})

    def test_a_rejected_percentile_costs_no_measurement(self) -> None:
        timer = Summary(2, 3.0, 1.0, 2.0, 5.0, 2.0, Distribution([1.0, 2.0]))
        self.api.refuse = poison("t.p95")
        self.deliver(Snapshot(NOW, NOW + 10, {Series(TIMER, "t", "s"): timer}))
        self.assertEqual(self.api.names, ["t", "t.p50"])
        self.assertEqual(self.account(), {None: 2})

    def test_an_outage_during_the_search_repeats_nothing(self) -> None:
        self.api.refuse = poison("n13", "n14")
        outbox = Outbox(self.backend, self.clock, SelfMetrics(), jitter=lambda: 0.0)
        self.api.statuses = [200, 503] * 15
        outbox.put(counters(100))
        for _ in range(40):
            self.clock.advance(60)
        self.assertEqual(outbox.pending, 0)
        self.assertEqual(
            sorted(self.api.names), sorted({f"n{n}" for n in range(100)} - {"n13", "n14"})
        )

    def test_if_all_is_rejected_no_name_is_muted(self) -> None:
        for count in (1, 2, 16, 17, 1000):
            self.api.refuse = lambda _measurement: True
            self.api.posts = 0
            self.noted.clear()
            self.deliver(counters(count))
            self.assertEqual(self.account(), {"rejected": 3 * count})
            self.assertLessEqual(self.api.posts, 18)
            self.noted.clear()
            self.api.refuse = lambda _measurement: False
            self.deliver(counters(count))
            self.assertEqual(self.account(), {None: 3 * count})

    def test_it_is_logged_once_that_all_is_rejected(self) -> None:
        self.api.refuse = lambda _measurement: True
        (line,) = self.logged(lambda: self.deliver(counters(1)))
        self.assertEqual(
            line,
            "librato rejects all of an interval: 400 params: name: is poison; "
            "3 measurements are dropped, such as of n0",
        )
        self.assertEqual(self.logged(lambda: self.deliver(counters(1))), [])

    def test_most_being_rejected_does_not_cost_the_rest(self) -> None:
        self.api.refuse = lambda gauge: int(gauge["name"][1:]) % 8 != 0
        self.deliver(counters(64))
        self.assertEqual(self.account(), {None: 24, "rejected": 168})

    def test_an_interval_that_is_too_old_takes_one_request(self) -> None:
        (line,) = self.logged(lambda: self.deliver(counters(500, NOW - 7300)))
        self.assertIn("measure_time: is too far in the past", line)
        self.assertEqual(self.api.posts, 1)
        self.assertEqual(self.account(), {"rejected": 1500})
        self.deliver(counters(500))
        self.assertEqual(len(self.api.names), 500)

    @settings(max_examples=30, deadline=None)
    @given(st.sets(st.integers(0, 349), max_size=20), st.integers(1, 350))
    def test_each_measurement_arrives_or_is_rejected_once(self, bad: set[int], count: int) -> None:
        self.setUp()
        names = {f"n{number}" for number in range(count)}
        rejected = names & {f"n{number}" for number in bad}
        self.api.refuse = poison(*rejected)
        self.deliver(counters(count))
        arrived = self.api.names
        self.assertEqual(len(arrived), len(set(arrived)))
        self.assertLessEqual(set(arrived), names - rejected)
        self.assertEqual(self.account().get(None, 0), 3 * len(arrived))
        if len(rejected) < min(8, count):  # there are 8 probes at least, or one of each
            self.assertEqual(set(arrived), names - rejected)


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
        self.successResultOf(self.make().stop())

    def test_a_bad_account_is_not_taken_over(self) -> None:
        backend = self.make()
        with capturedLogs() as events:
            backend.reload({"username": "user"})
        (line,) = [str(formatEvent(event)) for event in events]
        self.assertIn("librato keeps its account: apikey: expected", line)

    def test_the_key_does_not_show(self) -> None:
        backend = self.make()
        self.assertNotIn(KEY, repr(backend) + repr(vars(backend)) + repr(vars(backend._api)))
