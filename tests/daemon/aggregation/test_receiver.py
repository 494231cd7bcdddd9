"""Frames in: counted by reason where they are bad, and at the cost of one where there is a bug."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec.structs import astuple
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.part_rules import FRAME, SNAPSHOT, TIMES
from zibrato.daemon.aggregation.aggregator import Aggregator
from zibrato.daemon.aggregation.intervals import MAX_INTERVALS, MAX_SHIPPED_AGE, Content
from zibrato.daemon.aggregation.receiver import Receiver
from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.model import COUNTER, Summary, SummaryRow
from zibrato.snapshot_parts import EncodedRow, encode_part
from zibrato.wire import VERSION, Batch, CounterRow, encode


class ReceiverTests(SynchronousTestCase):
    """A receiver at time 1,000 with an interval of 10 seconds."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1000)
        self.metrics = SelfMetrics()
        self.aggregator = Aggregator(self.metrics, interval=10.0, source="here", max_series=100)
        self.receiver = Receiver(self.aggregator, self.metrics, self.clock)

    def rejected(self) -> dict[str, int]:
        return {
            dict(tags)["reason"]: count
            for (name, tags), count in self.metrics.totals.items()
            if name == "zibrato.intake.rejected"
        }

    def test_what_a_frame_holds_is_aggregated_as_of_now(self) -> None:
        self.receiver.receive([b"info|counter|c|2\ninfo|counter|c|3|995"])
        self.receiver.flush()
        starts = [snapshot.start for snapshot in self.aggregator.close(float("inf"))]
        assert starts == [990.0, 1000.0]
        assert self.rejected() == {}
        assert self.metrics.total("zibrato.intake.received") == 2

    def test_bad_frames_are_counted_by_reason_and_nothing_else(self) -> None:
        for frame in (b"", b"\xff\xff", b"\x91\x07", b"nonsense", b"info|counter|c|x"):
            self.receiver.receive([frame])
        self.receiver.receive([b"info|counter|c|1"])
        self.receiver.flush()
        assert self.aggregator.pending == 1
        reasons = ("empty", "malformed", "version", "fields", "value")
        assert self.rejected() == dict.fromkeys(reasons, 1)
        assert self.metrics.total("zibrato.intake.received") == 6

    def test_a_bug_costs_what_ran_into_it_and_one_line_an_interval(self) -> None:
        patch = self.patch(self.aggregator, "add", None)
        batch = encode(Batch(1, "c", 1, 1000.0, 1000.0, [CounterRow("c", "info", None, {}, 1, 1)]))
        for second in (0, 5, 4.7):
            self.clock.advance(second)
            self.receiver.receive([b"info|counter|c|1"])
            self.receiver.receive([batch])
        self.clock.advance(0.1)
        assert self.rejected() == {"fault": 6}
        assert self.metrics.total("zibrato.intake.received") == 6
        assert len(self.flushLoggedErrors(TypeError)) == 1
        self.clock.advance(0.2)
        self.receiver.receive([batch])
        assert len(self.flushLoggedErrors(TypeError)) == 1
        patch.restore()
        self.receiver.receive([b"info|counter|c|1"])
        self.receiver.flush()
        assert self.aggregator.pending == 1

    def test_of_frames_that_come_together_a_bug_costs_the_one_that_runs_into_it(self) -> None:
        noted: list[tuple[float, Sequence[Content | bytes]]] = []
        receiver = Receiver(
            self.aggregator, self.metrics, self.clock, lambda *taken: noted.append(taken)
        )
        rows = [CounterRow("c", "info", None, {}, 1, 1.0)]
        frames = [
            encode(Batch(VERSION, "a", number, when, when, rows))
            for number, when in enumerate((1000.0, 1001.0, 990.0, 1002.0))
        ]
        add = self.aggregator.add

        def buggy(batch: Batch, now: float) -> float:
            if batch.sequence == 1:
                raise TypeError
            return add(batch, now)

        self.patch(self.aggregator, "add", buggy)
        receiver.receive([frames[0], frames[1], b"\xc1", *frames[2:]])
        assert self.rejected() == {"fault": 1, "malformed": 1}
        assert self.aggregator.pending == 3
        assert noted == [(1000.0, [frames[0]]), (990.0, [frames[2]]), (1000.0, [frames[3]])]
        assert len(self.flushLoggedErrors(TypeError)) == 1

    def test_lines_wait_for_others_at_most_100_ms_and_count_when_they_came(self) -> None:
        self.clock.advance(9.85)
        self.receiver.receive([b"info|counter|c|1"])
        assert self.aggregator.pending == 0
        self.clock.advance(0.1)
        assert self.aggregator.pending == 1
        self.receiver.receive([b"info|counter|c|1"])
        self.clock.advance(0.05)  # the interval ends
        self.receiver.receive([b"info|counter|c|1"])
        self.receiver.flush()
        first, second = [closed.snapshot() for closed in self.aggregator.close(float("inf"))]
        assert (first.start, first.measurements) == (1000.0, 2)
        assert (second.start, second.measurements) == (1010.0, 1)

    def test_what_was_summed_up_is_aggregated_as_of_now(self) -> None:
        self.assertEqual(self.receiver.receive_summaries([self.row()]), {})
        self.assertEqual(self.aggregator.pending, 1)
        self.assertEqual(self.receiver.receive_summaries([self.row(name="")]), {"name": 1})

    def test_a_bug_costs_the_rows_that_came_together(self) -> None:
        self.patch(self.aggregator, "add_summaries", None)
        self.assertEqual(self.receiver.receive_summaries([self.row()] * 3), {"fault": 3})
        self.assertEqual(self.rejected(), {"fault": 1})
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)

    def row(self, name: str = "c") -> SummaryRow:
        return SummaryRow(COUNTER, name, "info", None, {}, 1000.0, Summary(1, 2.0))

    def test_an_acknowledged_batch_is_aggregated_where_it_is_to_be(self) -> None:
        answers = iter([True, False])
        receiver = Receiver(
            self.aggregator, self.metrics, self.clock, is_new=lambda _batch: next(answers)
        )
        rows = [CounterRow("c", "info", None, {}, 1, 1.0)]
        batch = Batch(VERSION, "a", 1, 1000.0, 1000.0, rows, acknowledged=0)
        for _ in range(2):
            receiver.receive([encode(batch)])
        receiver.receive([encode(Batch(VERSION, "a", 1, 1000.0, 1000.0, rows))])
        assert self.aggregator.pending == 2
        assert self.metrics.total("zibrato.intake.received") == 2


class PartTests(SynchronousTestCase):
    """A receiver whose time is the end of what another daemon ships."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(SNAPSHOT.end)
        self.metrics = SelfMetrics()
        self.aggregator = Aggregator(self.metrics, interval=10.0, source="here", max_series=2000)
        self.noted: list[tuple[float, Sequence[Content | bytes]]] = []
        self.is_new = True
        self.receiver = Receiver(
            self.aggregator, self.metrics, self.clock,
            lambda start, taken: self.noted.append((start, taken)),
            lambda _batch: self.is_new,
        )  # fmt: skip

    def closed(self) -> dict[float, int]:
        """Return how many measurements there are of each interval, by its start."""
        closed = [one.snapshot() for one in self.aggregator.close(float("inf"))]
        return {one.start: one.measurements for one in closed}

    def test_it_is_as_if_all_had_been_measured_here(self) -> None:
        self.receiver.receive([FRAME])
        (closed,) = self.aggregator.close(float("inf"))
        snapshot = closed.snapshot()
        assert (snapshot.start, snapshot.end) == TIMES
        assert snapshot.summaries.keys() == SNAPSHOT.summaries.keys()
        for series, summary in snapshot.summaries.items():
            expected = SNAPSHOT.summaries[series]
            assert astuple(summary)[:6] == astuple(expected)[:6]
            if summary.distribution is not None:
                assert expected.distribution is not None
                assert summary.distribution.samples == expected.distribution.samples
                assert summary.distribution.buckets == expected.distribution.buckets
        assert self.metrics.total("zibrato.intake.received") == SNAPSHOT.measurements
        assert self.noted == [(SNAPSHOT.start, [FRAME])]

    def test_it_keeps_its_time_as_long_as_outboxes_keep_anything(self) -> None:
        self.clock.advance(MAX_SHIPPED_AGE - 20)
        self.receiver.receive([FRAME])
        assert self.closed() == {SNAPSHOT.start: SNAPSHOT.measurements}
        self.clock.advance(30)
        self.receiver.receive([FRAME])
        assert SNAPSHOT.start not in self.closed()
        assert self.metrics.total("zibrato.intake.timestamp_clamped") == 1

    def test_what_was_taken_before_is_not_taken_again(self) -> None:
        self.is_new = False
        self.receiver.receive([FRAME])
        assert (self.closed(), self.noted) == ({}, [])

    def test_it_comes_again_where_too_many_intervals_are_open(self) -> None:
        for number in range(MAX_INTERVALS):
            start = SNAPSHOT.start - 10.0 * (number + 1)
            self.aggregator.add_shipped([], start, self.clock.seconds())
        self.receiver.receive([FRAME])
        assert self.noted == []
        assert self.metrics.total("zibrato.intake.postponed") == 1
        self.closed()
        self.receiver.receive([FRAME])
        assert self.closed() == {SNAPSHOT.start: SNAPSHOT.measurements}

    def test_what_is_wrong_is_rejected_as_what_clients_send(self) -> None:
        identities: list[tuple[list[object], int]] = [
            (["", "info", None, {}], 2),
            (["c", "no level", None, {}], 3),
            (["c", "info", None, {}], 0),
            (["c", "info", None, {}], 5),
        ]
        rows = [
            EncodedRow(COUNTER, msgspec.msgpack.encode([*identity, count, 1.0]), 1)
            for identity, count in identities
        ]
        self.receiver.receive([encode_part("h", 1, 0, TIMES, rows)])
        reasons = {
            dict(tags)["reason"]: count
            for (name, tags), count in self.metrics.totals.items()
            if name == "zibrato.intake.rejected"
        }
        assert reasons == {"name": 2, "level": 3, "count": 1}
        assert self.metrics.total("zibrato.intake.received") == 11
        assert self.closed() == {SNAPSHOT.start: 5}

    def test_a_frame_of_a_later_version_is_rejected(self) -> None:
        self.receiver.receive([b"\x91\x03"])
        assert self.metrics.total("zibrato.intake.rejected", reason="version") == 1
