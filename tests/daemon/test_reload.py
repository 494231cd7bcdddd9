"""A reload: what it takes over, what needs a restart, and that each such option is named."""

from __future__ import annotations

import re
from collections.abc import Collection, Hashable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs, formatEvent
from twisted.python.usage import UsageError
from twisted.trial.unittest import SynchronousTestCase

from tests.daemon.daemons import FakeIntake
from tests.fake_reactor import FakeReactor
from zibrato.backends.memory import MemoryBackend
from zibrato.daemon.aggregation.aggregator import Aggregator
from zibrato.daemon.backend_set import BackendSet
from zibrato.daemon.backend_slot import BackendSlot
from zibrato.daemon.intake_set import IntakeSet, Opened
from zibrato.daemon.options import Options
from zibrato.daemon.reload import RESTART, Reloader, reloaded
from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.daemon.settings import Settings
from zibrato.interfaces import BackendContext
from zibrato.levels import LevelFilter

REMOTE = ("--socket", "tcp://*:1")


def settings(*arguments: str) -> Settings:
    options = Options({})
    options.parseOptions(["--source", "here", *arguments])
    return options.settings


@pytest.mark.parametrize(
    ("before", "after", "restart"),
    [
        ((), (), []),
        ((), ("--levels", "error", "--max-series", "7", "--stop-timeout", "7"), []),
        ((), ("--socket", "ipc:///a", "--statsd", "udp:0", "--backend", "log:path=/a"), ["--web"]),
        ((), (*REMOTE, "--insecure-tcp"), []),
        (("--otlp", "tcp:0"), ("--otlp", "tcp:0", "--insecure-tcp"), ["--insecure-tcp"]),
        (
            ("--acknowledgements", "ipc:///b"),
            ("--acknowledgements", "ipc:///b", "--socket", "ipc:///a"),
            ["--socket"],
        ),
        (("--socket", "ipc:///a"), (*REMOTE, "--curve-keys", "/a"), ["--curve-keys", "--socket"]),
        ((*REMOTE, "--insecure-tcp"), (*REMOTE, "--curve-keys", "/a"), ["--curve-keys"]),
        ((), ("--flush-interval", "7"), ["--flush-interval"]),
        ((), ("--ipc-mode", "600", "--statsd", "udp:0"), ["--ipc-mode"]),
        ((), ("--ipc-mode", "600", "--socket", "ipc:///a"), ["--ipc-mode", "--socket"]),
        ((), ("--ipc-mode", "600", "--statsd", "unix:/a"), ["--ipc-mode", "--statsd"]),
        ((), ("--percentiles", "50"), ["--percentiles"]),
        ((), ("--source", "there"), ["--source"]),
        ((), ("--web", "none"), ["--web"]),
        ((), ("--acknowledgements", "none"), ["--acknowledgements"]),
    ],
)
def test_each_option_that_needs_a_restart_is_named(
    before: tuple[str, ...], after: tuple[str, ...], restart: list[str]
) -> None:
    running, read = settings(*before), settings(*after)
    assert reloaded(running, read).restart == restart
    assert reloaded(running, running).restart == []


def test_what_needs_a_restart_is_not_taken_over() -> None:
    running, read = settings("--flush-interval", "7"), settings("--flush-interval", "8")
    now = reloaded(running, read).settings
    assert now.flush_interval == 7
    assert reloaded(now, read).restart == ["--flush-interval"]  # still


def test_every_setting_is_either_taken_over_or_needs_a_restart() -> None:
    taken_over = {
        *("levels", "backends", "web_credentials", "endpoints", "statsd"),
        *("max_series", "stop_timeout", "insecure_tcp"),
    }
    assert set(Settings._fields) == taken_over | set(RESTART)
    help_text = Options({}).getUsage()
    assert all(re.search(f"{option}[= ]", help_text) for option in RESTART.values())


class Failing(MemoryBackend):
    """A backend that can't reload."""

    def reload(self, _settings: Mapping[str, str]) -> None:
        """Fail."""
        raise LookupError


class Noting(MemoryBackend):
    """A backend that notes what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Mapping[str, str]] = []

    def reload(self, settings: Mapping[str, str]) -> None:
        """Note it."""
        self.told.append(settings)


class Page:
    """A page that notes which credentials it is to read."""

    def __init__(self) -> None:
        self.read: list[Path | None] = []

    def reload(self, credentials: Path | None) -> None:
        """Note it."""
        self.read.append(credentials)


class ReloaderTests(SynchronousTestCase):
    """A reloader of a configuration file for two backends, the first of which fails."""

    def setUp(self) -> None:
        directory = TemporaryDirectory()  # trial's own would stay in the checkout
        self.addCleanup(directory.cleanup)
        self.config = Path(directory.name, "zibrato.conf")
        self.config.touch(0o600)
        self.rewrite("levels = info")
        options = Options({"XDG_STATE_HOME": directory.name})
        options.parseOptions(["--config", str(self.config), "--backend", "memory",
                              "--backend", "librato:username=u:apikey=k"])  # fmt: skip
        self.backend = Noting()
        context = BackendContext(FakeReactor(), ())
        backends = BackendSet(context, SelfMetrics(), options.settings.backends)
        for outbox, backend in zip(backends.outboxes, (Failing(), self.backend), strict=True):
            slot = outbox.backend
            assert isinstance(slot, BackendSlot)
            slot.current = backend
        self.slow = FakeIntake(lambda _: None)
        self.intakes = IntakeSet(self.make_intakes, options.settings)
        self.aggregator = Aggregator(
            SelfMetrics(), interval=10, source="here", levels=options.settings.levels, max_series=9
        )
        self.reloader = Reloader(options, self.aggregator, backends, self.intakes)

    def make_intakes(self, settings: Settings, known: Collection[Hashable]) -> Opened:
        """Have intakes of nothing; one that is at /taken can't be had."""
        places = [endpoint for endpoint in settings.endpoints if endpoint not in known]
        if any(place.address == "ipc:///taken" for place in places):
            raise UsageError("--socket: can't use ipc:///taken")
        slow = [place for place in places if place.address == "ipc:///slow"]
        self.slow = FakeIntake(lambda _: None) if slow else self.slow
        return dict.fromkeys(slow, self.slow)

    def rewrite(self, *lines: str) -> None:
        """Write the configuration file."""
        self.config.write_text("\n".join(["[zibrato]", *lines]))

    def logged(self) -> list[str]:
        """Return what a reload logs, without the failing backend."""
        with capturedLogs() as events:
            self.reloader.reload()
        self.flushLoggedErrors(LookupError)
        return [formatEvent(event) for event in events if "log_failure" not in event]

    def test_what_needs_a_restart_is_one_warning_each_time(self) -> None:
        self.rewrite("levels = error", "flush-interval = 7", "source = there")
        for _ in range(2):
            self.assertEqual(
                self.logged(),
                [
                    "reloaded",
                    "levels: error",
                    "changed, but a restart is needed to apply: --flush-interval, --source",
                ],
            )
        self.assertEqual(self.aggregator.levels, LevelFilter.parse("error"))
        self.rewrite("levels = error")
        self.assertEqual(self.logged(), ["reloaded", "levels: error"])

    def test_one_backend_that_fails_keeps_none_from_it(self) -> None:
        with capturedLogs():
            self.reloader.reload()
        self.assertEqual(len(self.flushLoggedErrors(LookupError)), 1)
        self.assertEqual(len(self.backend.told), 1)

    def test_the_page_reads_its_credentials_anew(self) -> None:
        page = Page()
        self.reloader.pages.append(page)  # type: ignore[arg-type]  # it is not started here
        self.logged()
        self.assertEqual(page.read, [None])

    def test_a_stop_takes_over_secrets_alone(self) -> None:
        self.rewrite("levels = error", "flush-interval = 7")
        with capturedLogs() as events:
            self.reloader.reload_secrets()
        self.flushLoggedErrors(LookupError)
        self.assertEqual([event for event in events if "log_failure" not in event], [])
        self.assertEqual(len(self.backend.told), 1)
        self.assertEqual(self.aggregator.levels, LevelFilter.parse("info"))

    def test_what_is_wrong_changes_nothing(self) -> None:
        self.rewrite("levels = error", "nonsense = 1")
        (line,) = self.logged()
        self.assertRegex(line, "^nothing reloaded: --config: .* can't set 'nonsense'")
        self.assertEqual(self.backend.told, [])
        self.assertEqual(self.aggregator.levels, LevelFilter.parse("info"))

    def test_what_a_check_finds_changes_nothing_even_if_only_a_restart_would_apply_it(self) -> None:
        checked: list[tuple[float, float]] = []

        def check(read: Settings, after: Settings) -> Iterator[str]:
            checked.append((read.flush_interval, after.flush_interval))
            yield from ("--web: expected another", "--otlp: expected another")

        self.reloader.check = check
        self.rewrite("levels = error", "flush-interval = 7")
        line = "nothing reloaded: --web: expected another (and 1 more)"
        self.assertEqual(self.logged(), [line])
        self.assertEqual(checked, [(7, 10)])
        self.assertEqual(self.backend.told, [])
        self.assertEqual(self.aggregator.levels, LevelFilter.parse("info"))

    def test_a_bug_changes_nothing_and_is_told(self) -> None:
        def check(_read: Settings, _after: Settings) -> Iterator[str]:
            raise LookupError

        self.reloader.check = check
        self.rewrite("levels = error")
        with capturedLogs() as events:
            self.reloader.reload()
        self.assertEqual(len(self.flushLoggedErrors(LookupError)), 1)
        self.assertEqual([formatEvent(event) for event in events],
                         ["nothing reloaded, because of a bug"])  # fmt: skip
        self.assertEqual(self.aggregator.levels, LevelFilter.parse("info"))

    def test_a_socket_that_can_t_be_had_changes_nothing(self) -> None:
        self.rewrite("levels = error", "socket = ipc:///taken")
        self.assertEqual(self.logged(), ["nothing reloaded: --socket: can't use ipc:///taken"])
        self.assertEqual(self.backend.told, [])
        self.assertEqual(self.aggregator.levels, LevelFilter.parse("info"))

    def test_what_may_change_is_taken_over(self) -> None:
        self.rewrite("levels = error", "max-series = 3", "stop-timeout = 5")
        self.logged()
        self.assertEqual(self.aggregator.max_series, 3)
        self.assertEqual(self.reloader.settings.stop_timeout, 5)

    def test_a_reload_waits_for_sockets_that_close_and_so_does_a_stop(self) -> None:
        self.rewrite("levels = info", "socket = ipc:///slow")
        self.logged()
        drained: Deferred[None] = Deferred()
        self.slow.drained = drained
        self.rewrite("levels = error")
        self.logged()
        idle = self.reloader.idle()
        self.rewrite("levels = warning")
        self.assertEqual(self.logged(), [])
        self.assertNoResult(idle)
        self.assertEqual(self.aggregator.levels, LevelFilter.parse("error"))
        with capturedLogs():
            drained.callback(None)
        self.flushLoggedErrors(LookupError)
        self.successResultOf(idle)
        self.assertEqual(self.aggregator.levels, LevelFilter.parse("warning"))

    def test_it_is_said_where_the_next_start_would_have_another_outbox(self) -> None:
        self.rewrite("levels = info", "socket = ipc:///elsewhere")
        lines = self.logged()
        self.assertRegex(lines[1], r"^the outbox is /.*, named after the store's file or the first")

    def test_whose_secrets_others_may_read_is_said(self) -> None:
        self.rewrite("apikey = k", "username = u")
        self.config.chmod(0o644)
        self.assertIn(f"--config: others may read {self.config}; chmod it to 600", self.logged())
        self.config.chmod(0o600)
        self.assertEqual(len(self.logged()), 2)
        self.config.chmod(0o644)
        self.rewrite("levels = info")  # a file without a secret may be read by all
        self.assertEqual(len(self.logged()), 2)
