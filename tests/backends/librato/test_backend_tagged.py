"""The backend against a strict tagged API in memory: tags, and requests taken in part."""

from __future__ import annotations

from types import MappingProxyType

from tests.backends.librato.strict_api import NOW, SETTINGS, BackendCase, counters, poison
from zibrato.distribution import Distribution
from zibrato.model import COUNTER, GAUGE, TIMER, Series, Snapshot, Summary


class TaggedTests(BackendCase):
    settings = MappingProxyType({**SETTINGS, "api": "tagged"})

    def test_levels_and_tags_stay_apart(self) -> None:
        series = [
            Series(COUNTER, "n", "box", (("route", "/a b"),), level) for level in ("info", "error")
        ]
        self.deliver(Snapshot(NOW, NOW + 10, dict.fromkeys(series, Summary(2, 5.0))))
        (request,) = self.api.requests
        self.assertEqual(
            [measurement["tags"] for measurement in request],
            [{"level": level, "route": "/a b", "source": "box"} for level in ("info", "error")],
        )
        (attributes,) = {str(measurement["attributes"]) for measurement in request}
        self.assertIn("'summarize_function': 'sum'", attributes)
        self.assertEqual(self.account(), {None: 4})

    def test_all_kinds_arrive_as_they_are(self) -> None:
        timer = Summary(2, 3.0, 1.0, 2.0, 5.0, 2.0, Distribution([1.0, 2.0]))
        summaries = {
            Series(TIMER, "t", "s"): timer,
            Series(GAUGE, "g", "s"): Summary(1, 9.0, 9.0, 9.0, 81.0, 9.0),
            Series(GAUGE, "h", "s"): Summary(2, 4.0, 1.0, 3.0, 10.0, 1.0),
        }
        self.deliver(Snapshot(NOW, NOW + 10, summaries))
        (request,) = self.api.requests
        posted = {
            measurement["name"]: [
                measurement.get(key) for key in ("value", "count", "sum", "min", "max", "last")
            ]
            for measurement in request
        }
        self.assertEqual(
            posted,
            {
                "t": [None, 2, 3, 1, 2, 2],
                "t.p50": [1, *[None] * 5],
                "t.p95": [2, *[None] * 5],
                "g": [9, *[None] * 5],
                "h": [None, 2, 4, 1, 3, 1],
            },
        )

    def test_intervals_that_share_a_request_keep_their_times(self) -> None:
        self.deliver(counters(1, NOW - 20), counters(1, NOW - 10))
        (request,) = self.api.requests
        self.assertEqual([one["time"] for one in request], [NOW - 20, NOW - 10])

    def test_tags_that_become_the_same_are_merged_and_logged(self) -> None:
        series = [Series(COUNTER, "n", "s", (("k", value),)) for value in ("a;b", "a,b", "A-B")]
        snapshot = Snapshot(NOW, NOW + 10, dict.fromkeys(series, Summary(1, 1.0)))
        (line,) = self.logged(lambda: self.deliver(snapshot))
        self.assertIn("k=a;b", line)
        ((measurement,),) = self.api.requests
        self.assertEqual((measurement["count"], measurement["tags"]["k"]), (3, "a-b"))

    def test_a_culprit_is_looked_for_where_a_request_is_rejected_whole(self) -> None:
        self.api.reject = poison("n7")
        self.deliver(counters(20))
        self.assertEqual(self.account(), {None: 57, "rejected": 3})

    def test_what_is_rejected_in_part_is_accounted_for_and_sent_once(self) -> None:
        self.api.reject = poison("n7", "n8")
        self.api.in_part = True
        (line,) = self.logged(lambda: self.deliver(counters(20)))
        self.assertIn("librato rejects a part of a request: 2 measurements: ", line)
        self.assertIn("is poison", line)
        self.assertEqual(self.api.posts, 1)
        self.assertEqual(self.account(), {None: 54, "rejected": 6})

    def test_an_interval_that_is_too_old_takes_one_request(self) -> None:
        self.deliver(counters(50, NOW - 7300))
        self.assertEqual(self.api.posts, 1)
        self.assertEqual(self.account(), {"rejected": 150})

    def test_a_name_with_time_in_it_is_no_time(self) -> None:
        self.api.reject = poison("time")
        series = [Series(COUNTER, name, "s") for name in ("time", "n", "m")]
        self.deliver(Snapshot(NOW, NOW + 10, dict.fromkeys(series, Summary(1, 1.0))))
        self.assertEqual(self.account(), {None: 2, "rejected": 1})
