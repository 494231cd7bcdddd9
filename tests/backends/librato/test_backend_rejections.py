"""The backend against a strict API in memory: what is rejected is dropped, muted and logged."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.backends.librato.strict_api import NOW, BackendCase, counters, poison
from tests.daemon.outbox.outboxes import PutOutbox
from tests.soak import examples
from zibrato.backends.rejection_log import MUTED
from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.distribution import Distribution
from zibrato.model import COUNTER, TIMER, Series, Snapshot, Summary


class RejectionTests(BackendCase):
    def test_only_what_is_rejected_is_dropped(self) -> None:
        self.api.reject = poison("n13", "n500", "n501")
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
        self.api.reject = poison("n3")
        self.deliver(counters(10))
        before = self.api.posts
        self.assertEqual(self.logged(lambda: self.deliver(counters(10))), [])
        self.assertEqual(self.api.posts, before + 1)
        self.assertEqual(self.account(), {None: 54, "rejected": 3, "muted": 3})
        self.clock.advance(MUTED)
        self.assertEqual(len(self.logged(lambda: self.deliver(counters(10)))), 1)
        self.assertEqual(self.account()["rejected"], 6)

    def test_the_same_name_from_elsewhere_is_not_muted(self) -> None:
        self.api.reject = lambda gauge: gauge["source"] == "there"
        both = {
            Series(COUNTER, "n", source): Summary(3, 7.5)
            for source in ("here", "there", "h2", "h3")
        }
        for _ in range(2):
            self.deliver(Snapshot(NOW, NOW + 10, both))
        self.assertEqual(self.account(), {None: 18, "rejected": 3, "muted": 3})

    def test_a_rejected_percentile_costs_no_measurement(self) -> None:
        timer = Summary(2, 3.0, 1.0, 2.0, 5.0, 2.0, Distribution([1.0, 2.0]))
        self.api.reject = poison("t.p95")
        self.deliver(Snapshot(NOW, NOW + 10, {Series(TIMER, "t", "s"): timer}))
        self.assertEqual(self.api.names, ["t", "t.p50"])
        self.assertEqual(self.account(), {None: 2})

    def test_an_outage_during_the_search_repeats_nothing(self) -> None:
        self.api.reject = poison("n13", "n14")
        outbox = PutOutbox(self.backend, self.clock, SelfMetrics(), jitter=lambda: 0.0)
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
            self.api.reject = lambda _measurement: True
            self.api.posts = 0
            self.noted.clear()
            self.deliver(counters(count))
            self.assertEqual(self.account(), {"rejected": 3 * count})
            self.assertLessEqual(self.api.posts, 18)
            self.noted.clear()
            self.api.reject = lambda _measurement: False
            self.deliver(counters(count))
            self.assertEqual(self.account(), {None: 3 * count})

    def test_it_is_logged_once_that_all_is_rejected(self) -> None:
        self.api.reject = lambda _measurement: True
        (line,) = self.logged(lambda: self.deliver(counters(1)))
        self.assertEqual(
            line,
            "librato rejects a whole interval: 400 params: name: is poison; "
            "3 measurements are dropped, for example of n0",
        )
        self.assertEqual(self.logged(lambda: self.deliver(counters(1))), [])

    def test_most_being_rejected_does_not_cost_the_rest(self) -> None:
        self.api.reject = lambda gauge: int(gauge["name"][1:]) % 8 != 0
        self.deliver(counters(64))
        self.assertEqual(self.account(), {None: 24, "rejected": 168})

    def test_an_interval_that_is_too_old_takes_one_request(self) -> None:
        (line,) = self.logged(lambda: self.deliver(counters(500, NOW - 7300)))
        self.assertIn("measure_time: is too far in the past", line)
        self.assertEqual(self.api.posts, 1)
        self.assertEqual(self.account(), {"rejected": 1500})
        self.deliver(counters(500))
        self.assertEqual(len(self.api.names), 500)

    def test_intervals_that_are_too_old_cost_the_others_nothing(self) -> None:
        starts = [NOW - 7200 + 10 * number for number in range(-200, 400)]
        self.deliver(*[counters(2, start) for start in starts])
        self.assertEqual(self.account(), {None: 400 * 6, "rejected": 200 * 6})
        self.assertLess(self.api.posts, 30)
        self.deliver(counters(2))
        self.assertEqual(self.account()[None], 401 * 6)

    def test_an_interval_in_the_future_costs_the_others_nothing(self) -> None:
        starts = [NOW - 10, NOW, NOW + 3600, NOW + 3610]
        self.deliver(*[counters(2, start) for start in starts])
        self.assertEqual(self.account(), {None: 2 * 6, "rejected": 2 * 6})

    def test_what_is_too_old_hides_no_name_that_is_rejected(self) -> None:
        self.api.reject = poison("n3")
        starts = [NOW - 7210, NOW - 7200, NOW - 10]
        self.deliver(*[counters(20, start) for start in starts])
        self.assertEqual(self.account(), {None: 2 * 57, "rejected": 60 + 2 * 3})

    @settings(max_examples=examples(30), deadline=None)
    @given(st.sets(st.integers(0, 349), max_size=20), st.integers(1, 350))
    def test_each_measurement_arrives_or_is_rejected_once(self, bad: set[int], count: int) -> None:
        self.setUp()
        names = {f"n{number}" for number in range(count)}
        rejected = names & {f"n{number}" for number in bad}
        self.api.reject = poison(*rejected)
        self.deliver(counters(count))
        arrived = self.api.names
        self.assertEqual(len(arrived), len(set(arrived)))
        self.assertLessEqual(set(arrived), names - rejected)
        self.assertEqual(self.account().get(None, 0), 3 * len(arrived))
        if len(rejected) < min(8, count):  # there are 8 probes at least, or one of each
            self.assertEqual(set(arrived), names - rejected)
