"""The daemon as a service: intervals, self-metrics, levels, an orderly stop; all on a Clock."""

from __future__ import annotations

from collections.abc import Sequence
from tempfile import NamedTemporaryFile
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from zibrato.backends.memory import MemoryBackend
from zibrato.daemon.options import Options
from zibrato.daemon.outbox import Outbox
from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.daemon.service import GRACE, Daemon
from zibrato.levels import LevelFilter
from zibrato.model import COUNTER, Series, Snapshot, Summary


class Reactor(Clock):
    """A clock with what else the daemon asks of a reactor."""

    def callWhenRunning(self, function: Any) -> None:
        """Never run: a unit test has no signals to handle."""

    def addReader(self, reader: Any) -> None:
        """Never read: frames are handed to `receive`."""

    removeReader = addReader


class DaemonTests(SynchronousTestCase):
    """A daemon without sockets: frames are handed to `receive`."""

    def make(self, *arguments: str) -> None:
        """Start a daemon at time 1,000 with an interval of 10 seconds."""
        self.clock = Reactor()
        self.clock.advance(1000)
        options = Options({})
        options.parseOptions(["--socket", "inproc://daemon-tests", "--source", "here", *arguments])
        self.backend = MemoryBackend()
        self.metrics = SelfMetrics()
        outbox = Outbox(self.backend, self.clock, self.metrics)
        self.daemon = Daemon(self.clock, options, [outbox], self.metrics)
        self.daemon.startService()
        self.addCleanup(self.stop)

    def pass_time(self, seconds: float) -> None:
        """Let time pass in small steps."""
        self.clock.pump([0.1] * round(seconds * 10))

    def stop(self) -> None:
        """Stop the daemon, in as much time as it takes."""
        if self.daemon.running:
            stopping = self.daemon.stopService()
            self.pass_time(20)
            self.successResultOf(stopping)

    def summaries(self, name: str) -> list[tuple[float, Series, Summary]]:
        """Return what was shipped of the name: interval start, series, summary."""
        snapshots: Sequence[Snapshot] = self.backend.snapshots
        return [
            (snapshot.start, series, summary)
            for snapshot in snapshots
            for series, summary in snapshot.summaries.items()
            if series.name == name
        ]

    def test_an_interval_is_shipped_once_its_grace_is_over(self) -> None:
        self.make()
        self.daemon.receive(b"info|counter|c|2\nerror|counter|c|3")
        self.pass_time(10 + GRACE - 0.1)
        assert self.summaries("c") == []
        self.pass_time(0.2)
        assert self.summaries("c") == [
            (1000.0, Series(COUNTER, "c", "here", (), "info"), Summary(1, 2.0)),
            (1000.0, Series(COUNTER, "c", "here", (), "error"), Summary(1, 3.0)),
        ]

    def test_what_comes_in_the_grace_still_belongs_to_its_interval(self) -> None:
        self.make()
        self.pass_time(10 + GRACE / 2)
        self.daemon.receive(b"info|counter|c|1|1009.9")
        self.daemon.receive(b"info|counter|c|5")
        self.pass_time(GRACE)
        self.pass_time(10)
        sums = [(start, summary.sum) for start, _, summary in self.summaries("c")]
        assert sums == [(1000.0, 1.0), (1010.0, 5.0)]

    def test_levels_filter_everything_else_out(self) -> None:
        self.make("--levels", "warning+")
        self.daemon.receive(b"info|counter|c|1\nwarning|counter|d|1\nmine|counter|e|1")
        self.pass_time(11)
        names = {series.name for each in self.backend.snapshots for series in each.summaries}
        assert names == {"d"}
        assert self.metrics.total("zibrato.intake.filtered") >= 2

    def test_bad_frames_are_counted_by_reason_and_nothing_else(self) -> None:
        self.make()
        for frame in (b"", b"\xff\xff", b"\x91\x07", b"nonsense", b"info|counter|c|x"):
            self.daemon.receive(frame)
        self.daemon.receive(b"info|counter|c|1")
        self.pass_time(11)
        assert len(self.summaries("c")) == 1
        rejected = {
            dict(series.tags)["reason"]: summary.sum
            for _, series, summary in self.summaries("zibrato.intake.rejected")
        }
        assert rejected == {"empty": 1, "malformed": 1, "version": 1, "fields": 1, "value": 1}
        assert self.summaries("zibrato.intake.received")[0][2].sum == 6

    def test_a_bug_in_the_intake_costs_one_frame_and_one_line_an_interval(self) -> None:
        self.make()
        self.patch(self.daemon._aggregator, "add", None)
        for _ in range(3):
            self.daemon.receive(b"info|counter|c|1")
        assert self.metrics.total("zibrato.intake.rejected", reason="fault") == 3
        assert len(self.flushLoggedErrors(TypeError)) == 1

    def test_the_daemon_reports_on_itself(self) -> None:
        self.make()
        self.pass_time(21)
        names = {series.name for each in self.backend.snapshots for series in each.summaries}
        assert {
            "zibrato.series",
            "zibrato.reactor.lag",
            "zibrato.process.resident_memory",
            "zibrato.flush.duration",
            "zibrato.outbox.snapshots",
            "zibrato.outbox.bytes",
            "zibrato.backend.delivered",
        } <= names

    def test_a_failing_tick_does_not_end_the_ticking(self) -> None:
        self.make()
        patch = self.patch(self.daemon._aggregator, "close", None)
        self.pass_time(11)
        assert len(self.flushLoggedErrors(TypeError)) == 2  # at 1,000.5 and 1,010.5
        patch.restore()
        self.daemon.receive(b"info|counter|c|1")
        self.pass_time(10)
        assert len(self.summaries("c")) == 1

    def test_a_stop_ships_the_open_interval(self) -> None:
        self.make()
        self.daemon.receive(b"info|counter|c|7")
        self.stop()
        assert [summary.sum for _, _, summary in self.summaries("c")] == [7.0]
        assert self.clock.getDelayedCalls() == []

    def test_a_stop_waits_for_the_backend_until_the_deadline(self) -> None:
        self.make("--stop-timeout", "3")
        self.daemon.receive(b"info|counter|c|7")
        self.patch(self.backend, "deliver", lambda delivery: Deferred())
        stopping = self.daemon.stopService()
        self.pass_time(2.9)
        self.assertNoResult(stopping)
        self.pass_time(1)
        self.successResultOf(stopping)
        assert self.metrics.total("zibrato.backend.dropped", reason="stopped") >= 1

    def test_every_measurement_is_accounted_for(self) -> None:
        self.make("--levels", "info", "--max-series", "20")
        frames = [b"info|timer|t%d|1" % number for number in range(40)]
        frames += [b"debug|counter|c|1", b"info|timer|t|-1", b"", b"info|gauge|t1|2"]
        for frame in frames:
            self.daemon.receive(frame)
        total = self.metrics.total
        received = total("zibrato.intake.received")
        shipped = self.daemon._aggregator.pending
        losses = sum(
            total(name)
            for name in (
                "zibrato.intake.filtered",
                "zibrato.intake.rejected",
                "zibrato.intake.dropped",
            )
        )
        assert received == len(frames)
        assert received == shipped + losses

    def test_a_reload_takes_levels_and_settings_over_and_survives_errors(self) -> None:
        self.make()
        with NamedTemporaryFile("w") as file:
            self.daemon._options._arguments += ["--config", file.name]
            self.rewrite(file.name, "error")
            self.daemon.reload()
            assert self.daemon._aggregator.levels == LevelFilter.parse("error")
            self.rewrite(file.name, ",")
            self.daemon.reload()
            assert self.daemon._aggregator.levels == LevelFilter.parse("error")

    def rewrite(self, path: str, levels: str) -> None:
        """Write a configuration file."""
        with open(path, "w") as file:
            file.write(f"[zibrato]\nlevels = {levels}\n")
