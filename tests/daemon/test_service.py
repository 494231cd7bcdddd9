"""The daemon as a service: intervals, self-metrics, levels, an orderly stop; all on a Clock."""

from __future__ import annotations

import signal
from tempfile import NamedTemporaryFile

from twisted.internet.defer import Deferred
from twisted.internet.error import ReactorNotRunning
from zope.interface.verify import verifyObject

from tests.daemon.daemons import DaemonCase, FakeIntake
from zibrato.daemon import service
from zibrato.daemon.outbox.journal import Journal
from zibrato.daemon.service import GRACE
from zibrato.interfaces import IIntake
from zibrato.levels import LevelFilter
from zibrato.model import COUNTER, Series, Summary


class DaemonTests(DaemonCase):
    """What a daemon does."""

    def test_an_interval_is_shipped_once_its_grace_is_over(self) -> None:
        self.make()
        self.receive([b"info|counter|c|2\nerror|counter|c|3"])
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
        self.receive([b"info|counter|c|1|1009.9"])
        self.receive([b"info|counter|c|5"])
        self.pass_time(GRACE)
        self.pass_time(10)
        sums = [(start, summary.sum) for start, _, summary in self.summaries("c")]
        assert sums == [(1000.0, 1.0), (1010.0, 5.0)]

    def test_levels_filter_everything_else_out(self) -> None:
        self.make("--levels", "warning+")
        self.receive([b"info|counter|c|1\nwarning|counter|d|1\nmine|counter|e|1"])
        self.pass_time(11)
        names = {
            series.name for snapshot in self.backend.snapshots for series in snapshot.summaries
        }
        assert names == {"d"}
        assert self.metrics.total("zibrato.intake.filtered") >= 2

    def test_the_double_is_an_intake(self) -> None:
        verifyObject(IIntake, FakeIntake(self.fail))

    def test_the_daemon_reports_on_itself(self) -> None:
        self.make()
        self.pass_time(21)
        names = {
            series.name for snapshot in self.backend.snapshots for series in snapshot.summaries
        }
        assert {
            "zibrato.series",
            "zibrato.reactor.lag",
            "zibrato.process.resident_memory",
            "zibrato.flush.duration",
            "zibrato.outbox.snapshots",
            "zibrato.outbox.bytes",
            "zibrato.backend.delivered",
        } <= names

    def test_its_health_counts_the_series_of_others_alone_as_its_own_series_does(self) -> None:
        self.make()
        self.receive([b"info|counter|c|2\nerror|counter|c|3"])
        self.pass_time(11)
        *_, (_, _, summary) = self.summaries("zibrato.series")
        assert (summary.last, self.daemon.health.report().series) == (2.0, 2)

    def test_a_failing_tick_does_not_end_the_ticking(self) -> None:
        self.make()
        patch = self.patch(self.aggregator, "close", None)
        self.pass_time(11)
        assert len(self.flushLoggedErrors(TypeError)) == 2  # at 1,000.5 and 1,010.5
        patch.restore()
        self.receive([b"info|counter|c|1"])
        self.pass_time(10)
        assert len(self.summaries("c")) == 1

    def test_a_clock_that_is_set_stops_no_flush_and_keeps_nothing_open(self) -> None:
        for step in (-3600, 3600):
            self.make()
            self.pass_time(3)
            self.receive([b"info|counter|c|1"])
            self.clock.set_clock(step)
            self.daemon.clock_stepped(step)
            assert self.summaries("c")[0][0] == 1000.0
            self.receive([b"info|counter|c|2"])
            self.pass_time(20.5 + GRACE)
            times = [(start, summary.sum) for start, _, summary in self.summaries("c")]
            assert times == [(1000.0, 1.0), (1000.0 + step, 2.0)]
            assert self.metrics.total("zibrato.clock.steps") == 1
            starts = [snapshot.start for snapshot in self.backend.snapshots]
            assert [start % 10 for start in starts] == [0] * len(starts)
            assert starts[-1] >= 1010 + step
            self.stop()

    def test_a_stop_ships_the_open_interval(self) -> None:
        self.make()
        self.receive([b"info|counter|c|7"])
        self.stop()
        assert [summary.sum for _, _, summary in self.summaries("c")] == [7.0]
        assert self.clock.getDelayedCalls() == []

    def test_a_stop_waits_for_the_backend_until_the_deadline(self) -> None:
        self.make("--stop-timeout", "3")
        self.receive([b"info|counter|c|7"])
        self.patch(self.backend, "deliver", lambda delivery: Deferred())
        stopping = self.daemon.stopService()
        self.pass_time(2.9)
        self.assertNoResult(stopping)
        self.pass_time(1)
        self.successResultOf(stopping)
        assert self.metrics.total("zibrato.backend.dropped", reason="stopped") >= 1

    def test_a_stop_drains_every_intake_before_it_closes_the_interval(self) -> None:
        self.make()
        first, second = self.intakes
        first.late, second.late = [b"info|counter|c|1"], [b"info|counter|c|2"]
        second.drained = Deferred()
        stopping = self.daemon.stopService()
        self.pass_time(1)
        self.assertNoResult(stopping)
        assert self.summaries("c") == []
        assert first.running
        second.drained.callback(None)
        self.pass_time(1)
        self.successResultOf(stopping)
        assert [summary.sum for _, _, summary in self.summaries("c")] == [3.0]
        assert not first.running
        assert not second.running

    def test_systemd_hears_of_it_once_the_reactor_runs_and_when_it_stops(self) -> None:
        states: list[str] = []
        self.patch(service, "notify", lambda _environment, state: states.append(state))
        self.make()
        assert states == []
        self.clock.run_calls()
        assert states == ["READY=1"]
        self.stop()
        assert states == ["READY=1", "STOPPING=1"]

    def test_a_quit_that_repeats_stops_the_reactor_once(self) -> None:
        self.make()
        self.daemon._quit()
        self.patch(self.clock, "stop", self.not_running)
        self.daemon._quit()
        assert self.clock.stops == 1

    def not_running(self) -> None:
        """Raise what a reactor raises that stops already."""
        raise ReactorNotRunning

    def test_every_measurement_is_accounted_for(self) -> None:
        self.make("--levels", "info", "--max-series", "20")
        frames = [b"info|timer|t%d|1" % number for number in range(40)]
        frames += [b"debug|counter|c|1", b"info|timer|t|-1", b"", b"info|gauge|t1|2"]
        for frame in frames:
            self.receive([frame])
        self.flush_lines()
        total = self.metrics.total
        received = total("zibrato.intake.received")
        shipped = self.aggregator.pending
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

    def test_what_had_no_room_is_told_although_there_is_none(self) -> None:
        self.make("--max-series", "2")
        for name in "abcde":
            self.receive([b"info|timer|%b|1" % name.encode()])
        self.pass_time(10 + GRACE)
        ((_, series, summary),) = self.summaries("zibrato.intake.dropped")
        assert (series.tags, summary.sum) == ((("reason", "max_series"),), 3)

    def test_a_reload_takes_levels_and_settings_over_and_survives_errors(self) -> None:
        self.make()
        with NamedTemporaryFile("w") as file:
            self.options._arguments += ["--config", file.name]
            self.rewrite(file.name, "error")
            self.daemon.reload()
            assert self.aggregator.levels == LevelFilter.parse("error")
            self.rewrite(file.name, ",")
            self.daemon.reload()
            assert self.aggregator.levels == LevelFilter.parse("error")

    def test_a_reload_during_a_stop_takes_over_secrets_alone(self) -> None:
        self.make()
        self.intakes[0].drained = drained = Deferred[None]()
        reloads: list[str] = []
        self.patch(self.daemon.reloader, "reload", lambda: reloads.append("all"))
        self.patch(self.daemon.reloader, "reload_secrets", lambda: reloads.append("secrets"))
        stopping = self.daemon.stopService()
        self.daemon.reload()
        assert reloads == ["secrets"]
        drained.callback(None)
        self.pass_time(20)
        self.successResultOf(stopping)

    def test_no_signal_kills_it_from_before_it_opens_its_file_until_after_it_closed_it(
        self,
    ) -> None:
        before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
        self.addCleanup(signal.signal, signal.SIGHUP, before)
        taken: list[bool] = []

        def note(self: Journal, *_: object) -> None:
            taken.append(signal.getsignal(signal.SIGHUP) is not signal.SIG_DFL)

        async def noted(self: Journal) -> None:
            note(self)

        self.patch(Journal, "open", note)
        self.patch(Journal, "stop", noted)
        self.make()
        self.stop()
        assert taken == [True, True]
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL

    def rewrite(self, path: str, levels: str) -> None:
        """Write a configuration file."""
        with open(path, "w") as file:
            file.write(f"[zibrato]\nlevels = {levels}\n")

    def test_a_start_that_fails_leaves_no_intake_and_is_told(self) -> None:
        self.make()
        self.stop()
        child, told = FakeIntake(self.receive), list[OSError]()
        error = OSError(98, "in use")
        self.patch(child, "startService", lambda: (_ for _ in ()).throw(error))
        child.setServiceParent(self.daemon)
        self.daemon.start_failed = told.append
        with self.assertRaisesRegex(OSError, "in use"):
            self.daemon.startService()
        assert told == [error]
        assert not any(intake.running for intake in self.intakes)
