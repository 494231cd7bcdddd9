"""A reload: what it takes over, what needs a restart, and that each such option is named."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from tests.fake_reactor import FakeReactor
from zibrato.backends.memory import MemoryBackend
from zibrato.daemon.aggregation import Aggregator
from zibrato.daemon.options import Options
from zibrato.daemon.outbox import Outbox
from zibrato.daemon.reload import RESTART, Reloader, reloaded
from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.daemon.settings import Settings
from zibrato.levels import LevelFilter

ACCOUNT = ("--username", "u", "--apikey", "k")


def settings(*arguments: str) -> Settings:
    options = Options({})
    options.parseOptions(["--source", "here", *arguments])
    return options.settings


@pytest.mark.parametrize(
    ("before", "after", "restart"),
    [
        ((), (), []),
        (("--levels", "info"), ("--levels", "error"), []),
        ((), ("--flush-interval", "7"), ["--flush-interval"]),
        ((), ("--socket", "ipc:///a"), ["--socket"]),
        ((), ("--ipc-mode", "600"), ["--ipc-mode"]),
        ((), ("--percentiles", "50"), ["--percentiles"]),
        ((), ("--source", "there"), ["--source"]),
        ((), ("--max-series", "7"), ["--max-series"]),
        ((), ("--stop-timeout", "7"), ["--stop-timeout"]),
        ((), ("--web", "none"), ["--web"]),
        ((), ("--store", "/a"), ["--backend store"]),
        (ACCOUNT, ("--username", "v", "--apikey", "l", "--hostname", "h"), []),
        (ACCOUNT, (*ACCOUNT, "--store", "/a", "--web", "none"), ["--backend"]),
        (
            ("--backend", "log:path=/a", "--backend", "log:path=/b"),
            ("--backend", "log:path=/a", "--backend", "log:path=/c", "--max-series", "7"),
            ["--max-series", "--backend log"],
        ),
    ],
)
def test_each_option_that_needs_a_restart_is_named(
    before: tuple[str, ...], after: tuple[str, ...], restart: list[str]
) -> None:
    running, read = settings(*before), settings(*after)
    assert reloaded(running, read).restart == restart
    assert reloaded(running, running).restart == []


def test_what_needs_a_restart_is_not_taken_over_in_part() -> None:
    running = settings("--flush-interval", "7", "--backend", "log:path=/a:levels=info")
    read = settings("--flush-interval", "8", "--backend", "log:path=/b:levels=error")
    now = reloaded(running, read).settings
    assert now.flush_interval == 7
    assert now.backends[0].settings == {"path": "/a"}
    assert now.backends[0].filter.levels == LevelFilter.parse("error")
    assert reloaded(now, read).restart == ["--flush-interval", "--backend log"]  # still


def test_a_backend_is_known_by_its_name_wherever_it_stands() -> None:
    running = settings("--backend", "memory", "--backend", "librato:username=u:apikey=k")
    read = settings("--backend", "librato:username=u:apikey=new:levels=error")
    now, restart = reloaded(running, read)
    assert [choice.maker.name for choice in now.backends] == ["memory", "librato"]
    assert now.backends[0] == running.backends[0]
    assert now.backends[1].settings["apikey"] == "new"
    assert now.backends[1].filter.levels == LevelFilter.parse("error")
    assert restart == ["--backend"]


def test_every_setting_is_either_taken_over_or_needs_a_restart() -> None:
    taken_over = {"levels", "backends", "web_credentials"}
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
        options = Options({})
        options.parseOptions(["--config", str(self.config), "--backend", "memory",
                              "--backend", "librato:username=u"])  # fmt: skip
        self.backend = Noting()
        self.outboxes = [
            Outbox(backend, FakeReactor(), SelfMetrics()) for backend in (Failing(), self.backend)
        ]
        self.aggregator = Aggregator(
            SelfMetrics(), interval=10, source="here", levels=options.settings.levels, max_series=9
        )
        self.reloader = Reloader(options, self.aggregator, self.outboxes)

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
        self.rewrite("levels = error", "flush-interval = 7", "max-series = 8")
        for _ in range(2):
            self.assertEqual(
                self.logged(),
                [
                    "levels: error",
                    "changed, but taken over at a restart only: --flush-interval, --max-series",
                ],
            )
        self.assertEqual(self.aggregator.levels, LevelFilter.parse("error"))
        self.rewrite("levels = error")
        self.assertEqual(self.logged(), ["levels: error"])

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

    def test_whose_secrets_others_may_read_is_said(self) -> None:
        self.rewrite("apikey = k", "username = u")
        self.config.chmod(0o644)
        self.assertIn(f"--config: others may read {self.config}; chmod it to 600", self.logged())
        self.config.chmod(0o600)
        self.assertEqual(len(self.logged()), 1)
        self.config.chmod(0o644)
        self.rewrite("levels = info")  # a file without a secret may be read by all
        self.assertEqual(len(self.logged()), 1)
