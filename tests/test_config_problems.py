"""What a daemon could not start with: each problem has a line, which names the option."""

from __future__ import annotations

from pathlib import Path

from tests.fake_reactor import FakeReactor
from zibrato.config_problems import config_problems
from zibrato.service import Options


def told(*arguments: str) -> list[str]:
    options = Options({})
    options.parseOptions(["--outbox", "none", *arguments])
    return [*config_problems(FakeReactor(), options.settings, {})]


def test_what_a_daemon_can_start_with_has_none(tmp_path: Path) -> None:
    assert told("--store", str(tmp_path / "store"), "--statsd", "udp:8125") == []
    assert [*tmp_path.iterdir()] == []


def test_backends_endpoints_and_files_are_checked(tmp_path: Path) -> None:
    files = ("--curve-keys", "/nix/da", "--web-credentials", "/nix/da", "--outbox", str(tmp_path))
    assert told(*files, "--backend", "log:pth=x:name=own", "--web", "none") == [
        "--backend own (log): expected one of path, got 'pth'; did you mean path?",
        f"--outbox: expected a file, got the directory or device {tmp_path}",
        "--curve-keys: can't read /nix/da: No such file or directory",
        "--web-credentials: can't read /nix/da: No such file or directory",
    ]
    (line,) = told("--backend", "memory", "--web", "tcp:0")
    assert line == "--web: no backend here has a page; add --backend store"
