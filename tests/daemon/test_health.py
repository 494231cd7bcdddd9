"""How the daemon is: what is a problem, and from when on."""

from __future__ import annotations

import pytest

from tests.fake_reactor import FakeReactor
from tests.health_reports import backend
from zibrato.daemon.health import FAILING, FAILING_LONG, HealthCheck, problems_of, set_depth
from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.health import CRITICAL, OK, WARNING, BackendHealth


class Outbox:
    """Reports what a test says."""

    def __init__(self) -> None:
        self.report = backend()

    def health(self) -> BackendHealth:
        return self.report


class Fixture:
    """A check of a daemon at time 1,000."""

    def __init__(self) -> None:
        self.clock = FakeReactor()
        self.clock.advance(1000)
        self.metrics = SelfMetrics()
        self.outbox = Outbox()
        self.problem: str | None = None
        self.deaf: list[str] = []
        self.check = HealthCheck(
            self.metrics,
            self.clock,
            source="here",
            interval=10.0,
            outboxes=lambda: [self.outbox],
            addresses=lambda: ["ipc:///s"],
            journal_problem=lambda: self.problem,
            intake_problems=lambda: self.deaf,
        )

    def interval(self, received: int, rejected: int = 0, dropped: int = 0) -> None:
        """Let an interval pass in which so much came, beside 5 measurements of the daemon's own."""
        self.clock.advance(10)
        self.metrics.count("zibrato.intake.received", received + 5)
        self.metrics.count("zibrato.intake.rejected", rejected, reason="malformed")
        self.metrics.count("zibrato.backend.dropped", dropped, backend="x", reason="muted")
        self.check.sample(5, 7, 0.01)

    def problems(self) -> list[tuple[str, str]]:
        report = self.check.report()
        return [(problem.severity, problem.text) for problem in report.problems]


@pytest.fixture
def fixture() -> Fixture:
    return Fixture()


def test_a_daemon_that_has_just_started_is_well_and_has_no_rates_yet(fixture: Fixture) -> None:
    report = fixture.check.report()
    assert (report.status, report.problems, report.received_rate) == (OK, [], None)
    assert (report.source, report.started, report.addresses) == ("here", 1000.0, ["ipc:///s"])


def test_rates_are_those_of_the_last_interval_without_the_daemon_s_own(fixture: Fixture) -> None:
    fixture.interval(700)
    fixture.interval(20)
    report = fixture.check.report()
    assert (report.received_rate, report.rejected_rate, report.dropped_rate) == (2.0, 0.0, 0.0)
    assert (report.received, report.series, report.lag, report.status) == (730, 7, 0.01, OK)


def test_losses_of_the_last_interval_are_a_warning_and_counted_by_reason(fixture: Fixture) -> None:
    fixture.interval(100, rejected=3, dropped=2)
    assert fixture.problems() == [
        (WARNING, "3 of 100 measurements of the last interval are rejected"),
        (WARNING, "2 measurements were dropped in the last interval"),
    ]
    fixture.interval(100)
    report = fixture.check.report()
    assert (report.status, report.rejected, report.dropped) == (OK, {"malformed": 3}, {"muted": 2})


def test_it_is_critical_that_everything_is_rejected(fixture: Fixture) -> None:
    fixture.interval(4, rejected=4)
    ((severity, text),) = fixture.problems()
    assert (severity, text) == (
        CRITICAL, "all of the 4 measurements of the last interval are rejected",
    )  # fmt: skip
    fixture.interval(0)
    assert fixture.problems() == []


def test_a_file_that_can_t_be_written_is_critical_and_says_why(fixture: Fixture) -> None:
    fixture.problem = "No space left on device"
    ((severity, text),) = fixture.problems()
    assert severity == CRITICAL
    assert "can't be written: No space left on device" in text


def test_an_intake_that_hears_nothing_is_critical(fixture: Fixture) -> None:
    fixture.deaf = ["nothing is read from ipc:///s"]
    assert fixture.problems() == [(CRITICAL, "nothing is read from ipc:///s")]


@pytest.mark.parametrize(("lag", "severity"), [(0.9, None), (1.0, WARNING), (5.0, CRITICAL)])
def test_a_late_reactor(fixture: Fixture, lag: float, severity: str | None) -> None:
    fixture.check.sample(0, 0, lag)
    assert [one for one, _ in fixture.problems()] == ([severity] if severity else [])


@pytest.mark.parametrize(
    ("seconds", "severity"),
    [(FAILING - 1, None), (FAILING, WARNING), (FAILING_LONG, CRITICAL)],
)
def test_a_backend_that_can_t_deliver(
    fixture: Fixture, seconds: float, severity: str | None
) -> None:
    fixture.outbox.report = backend(error="refused", failing_since=1000.0)
    fixture.clock.advance(seconds)
    text = f"librato can't deliver for {seconds:.0f} s: refused"
    assert fixture.problems() == ([(severity, text)] if severity else [])


@pytest.mark.parametrize(
    ("part", "severity"), [(0.49, None), (0.5, WARNING), (0.9, CRITICAL), (1.1, CRITICAL)]
)
def test_an_outbox_near_its_bounds(part: float, severity: str | None) -> None:
    expected = [severity] if severity else []
    full = backend(size=int(part * 1000), max_size=1000)
    assert [problem.severity for problem in problems_of(full, 0.0)] == expected
    old = backend(oldest=0.0, max_age=1000.0)
    assert [problem.severity for problem in problems_of(old, part * 1000)] == expected


def test_the_depth_goes_out_as_gauges() -> None:
    metrics = SelfMetrics()
    set_depth(metrics, backend(intervals=3, size=500))
    gauges = {name: (dict(tags), value) for _, name, tags, value in metrics.current()}
    assert gauges == {
        "zibrato.outbox.snapshots": ({"backend": "librato"}, 3),
        "zibrato.outbox.bytes": ({"backend": "librato"}, 500),
    }
