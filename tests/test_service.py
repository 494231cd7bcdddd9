"""The daemon, built from its options: backends, intakes, a page, or a one-line error."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pytest
from twisted.application.service import MultiService
from twisted.python.usage import UsageError
from zope.interface.verify import verifyObject

from zibrato import service
from zibrato.daemon.service import Daemon
from zibrato.interfaces import IIntake, IWebBackend
from zibrato.service import Options, make_service, makeService
from zibrato.store.backend import StoreBackend
from zibrato.web import otlp_site


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, which is empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def parsed(*arguments: str) -> Options:
    options = Options({})
    options.parseOptions(["--socket", "tcp://127.0.0.1:*", *arguments])
    return options


def make(*arguments: str) -> Daemon:
    return make_service(parsed(*arguments))


def names_of(daemon: Daemon) -> list[str]:
    """Return the names of the classes of the daemon's services."""
    return [type(child).__name__ for child in daemon]


def test_every_backend_has_an_outbox(directory: Path) -> None:
    daemon = make("--backend", "memory:levels=error", "--backend", "log:path=log")
    assert [outbox.backend.name for outbox in daemon.outboxes] == ["memory", "log"]
    assert [str(outbox.filter.levels) for outbox in daemon.outboxes] == ["error", "all"]
    assert list(daemon.backends) == list(daemon.outboxes)
    assert daemon.backends in list(daemon)


def test_every_intake_is_a_service_of_the_daemon(directory: Path) -> None:
    daemon = make("--backend", "memory")
    assert [type(intake).__name__ for intake in daemon._intakes] == ["ZeroMQIntake", "OtlpIntake"]
    for intake in daemon._intakes:
        verifyObject(IIntake, intake)
    assert daemon._intakes in list(daemon)


def test_the_credentials_of_otlp_are_read_anew_as_those_of_pages_are(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(otlp_site, "is_installed", lambda: True)
    daemon = make("--backend", "memory", "--otlp", "tcp:0:interface=127.0.0.1")
    (page,) = daemon.reloader.pages
    assert isinstance(page, otlp_site.OtlpService)
    _, intake = daemon._intakes
    assert [*cast(MultiService, intake)] == [page]


def test_a_store_has_its_page_unless_there_is_to_be_none(directory: Path) -> None:
    arguments = ("--store", "s", "--flush-interval", "7")
    daemon = make(*arguments, "--web", "tcp:0:interface=127.0.0.1")
    assert names_of(daemon)[-1] == "WebService"
    verifyObject(IWebBackend, daemon.backends.backends[0])
    assert "WebService" not in names_of(make("--store", "t", "--web", "none"))


def test_the_page_is_told_of_its_daemon(directory: Path) -> None:
    options = parsed("--store", "s", "--flush-interval", "7", "--source", "here",
                     "--web", "tcp:0:interface=127.0.0.1")  # fmt: skip
    daemon = make_service(options)
    intake, _ = daemon._intakes
    (backend,) = daemon.backends.backends
    assert isinstance(backend, StoreBackend)
    info = backend.store.daemon
    assert info is not None
    assert info.otlp is not None
    assert (info.interval, info.source, info.addresses()) == (7.0, "here", [])
    intake.startService()
    assert info.addresses() == [*intake.addresses]
    assert not info.addresses()[0].endswith("*")
    intake.stopService()
    daemon._metrics.count("zibrato.x", 3)
    assert info.self_metrics() == [("counter", "zibrato.x", (), 3)]


def test_two_stores_work_without_a_page(directory: Path) -> None:
    daemon = make("--backend", "store:path=a", "--backend", "store:path=b", "--web", "none")
    assert [outbox.backend.name for outbox in daemon.outboxes] == ["store", "store"]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ("--backend", "store:path=a", "--backend", "store:path=b"),
            "--web: 2 backends here have a page; give --web none, or one of them",
        ),
        (
            ("--backend", "store:path=a", "--backend", "store:path=./x/../a", "--web", "none"),
            "--backend store: path: another backend of this daemon, or its outbox, has ",
        ),
        (
            ("--outbox", "o", "--backend", "log:path=x/../o"),
            "--backend log: path: another backend of this daemon, or its outbox, has ",
        ),
        (
            ("--backend", "memory", "--web", "tcp:0"),
            "--web: no backend here has a page; add --backend store",
        ),
        (("--store", "a", "--web", "tcp:0"), "--web: tcp:0 can be reached from elsewhere"),
        (
            ("--store", "a", "--web", "tcp:0:interface=192.0.2.1"),
            "--web: can't listen at tcp:0:interface=192.0.2.1: Cannot assign requested address",
        ),
        (("--backend", "log:pth=x"), "--backend log: expected one of path, got 'pth'"),
        (("--socket", "ipc:///nix/da/s"), "--socket: can't use ipc:///nix/da/s: No such file"),
    ],
)
def test_what_can_t_be_is_one_line(directory: Path, arguments: Sequence[str], line: str) -> None:
    (directory / "x").mkdir()
    options = parsed(*arguments)
    with pytest.raises(UsageError) as caught:
        make_service(options)
    assert str(caught.value).startswith(line)
    assert "\n" not in str(caught.value)
    with pytest.raises(SystemExit, match=r"^zibrato: --"):
        makeService(options)


def test_hup_is_handled_before_the_start_and_usr1_left_to_twistd(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "map_large_blocks", lambda: None)
    before = {number: signal.getsignal(number) for number in (signal.SIGHUP, signal.SIGUSR1)}
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        makeService(parsed("--backend", "memory"))
        assert callable(signal.getsignal(signal.SIGHUP))
        assert signal.getsignal(signal.SIGUSR1) == before[signal.SIGUSR1]
    finally:
        signal.signal(signal.SIGHUP, before[signal.SIGHUP])


def test_a_reload_finds_what_a_start_would_and_what_the_running_daemon_has(
    directory: Path,
) -> None:
    daemon = make("--backend", "memory", "--statsd", "udp:8125", "--outbox", "none")
    running = daemon.reloader.settings
    moved = parsed("--backend", "memory", "--statsd", "udp:0.0.0.0:8125").settings
    (line,) = daemon.reloader.check(moved, moved)
    assert line.startswith("--statsd: udp:0.0.0.0:8125 is taken by this daemon, for its --statsd")
    wrong = parsed("--backend", "store:path=a", "--backend", "store:path=a", "--web", "none")
    (line,) = daemon.reloader.check(wrong.settings, running)
    assert line.startswith("--backend store: path: another backend of this daemon")
    assert [*daemon.reloader.check(running, running)] == []


def test_what_is_public_is_named() -> None:
    assert set(service.__all__) == {"Options", "makeService", "make_service"}
