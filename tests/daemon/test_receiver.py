"""Frames in: counted by reason where they are bad, and at the cost of one where there is a bug."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from zibrato.daemon.aggregation import Aggregator
from zibrato.daemon.receiver import Receiver
from zibrato.daemon.self_metrics import SelfMetrics


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
        self.receiver.receive(b"info|counter|c|2\ninfo|counter|c|3|995")
        starts = [snapshot.start for snapshot in self.aggregator.close(float("inf"))]
        assert starts == [990.0, 1000.0]
        assert self.rejected() == {}
        assert self.metrics.total("zibrato.intake.received") == 2

    def test_bad_frames_are_counted_by_reason_and_nothing_else(self) -> None:
        for frame in (b"", b"\xff\xff", b"\x91\x07", b"nonsense", b"info|counter|c|x"):
            self.receiver.receive(frame)
        self.receiver.receive(b"info|counter|c|1")
        assert self.aggregator.pending == 1
        reasons = ("empty", "malformed", "version", "fields", "value")
        assert self.rejected() == dict.fromkeys(reasons, 1)
        assert self.metrics.total("zibrato.intake.received") == 6

    def test_a_bug_costs_one_frame_and_one_line_an_interval(self) -> None:
        patch = self.patch(self.aggregator, "add", None)
        for second in (0, 5, 4.9):
            self.clock.advance(second)
            self.receiver.receive(b"info|counter|c|1")
        assert self.rejected() == {"fault": 3}
        assert self.metrics.total("zibrato.intake.received") == 3
        assert len(self.flushLoggedErrors(TypeError)) == 1
        self.clock.advance(0.2)
        self.receiver.receive(b"info|counter|c|1")
        assert len(self.flushLoggedErrors(TypeError)) == 1
        patch.restore()
        self.receiver.receive(b"info|counter|c|1")
        assert self.aggregator.pending == 1
