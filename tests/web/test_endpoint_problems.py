"""What of a daemon's endpoints can't be, told alike by the check and by the start."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from twisted.python.usage import UsageError

from tests.fake_reactor import FakeReactor
from zibrato.daemon.backend_context import backend_context
from zibrato.interfaces import ICheckingMaker
from zibrato.service import Options, make_service
from zibrato.web.endpoint_problems import endpoint_problems

LOCAL = "tcp:0:interface=127.0.0.1"
WRONG = (
    f"--backend store:path=a --backend store:path=b --web {LOCAL}",
    "--backend prometheus",
    "--store a --web none --backend prometheus",
    f"--store a --backend prometheus --backend prometheus:name=two --web {LOCAL}",
    "--backend prometheus:endpoint=tcp:0",
    "--backend prometheus:endpoint=tcp:99999",
    f"--backend memory --web {LOCAL}",
    "--store a --web tcp:0",
    "--store a --web nonsense:1",
    "--store a --web tcp:5580:interface=127.0.0.1 --otlp tcp:5580:interface=127.0.0.1",
    "--store a --web none --statsd udp:8125 --statsd udp:0.0.0.0:8125",
    f"--store a --web {LOCAL} --otlp tcp:0",
    f"--store a --web {LOCAL} --otlp tcp:",
)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def parsed(line: str) -> Options:
    options = Options({})
    options.parseOptions(["--socket=tcp://127.0.0.1:*", "--outbox=none", *line.split()])
    return options


def checked(line: str) -> Sequence[str]:
    settings = parsed(line).settings
    context = backend_context(FakeReactor(), settings, {}, lambda *_value, **_tags: None)
    backends = [
        ICheckingMaker(choice.maker).check(choice.settings, context) for choice in settings.backends
    ]
    return [*endpoint_problems(FakeReactor(), settings, backends)]


@pytest.mark.parametrize("line", WRONG)
def test_the_line_is_that_of_the_start(line: str) -> None:
    with pytest.raises(UsageError) as caught:
        make_service(parsed(line))
    assert checked(line) == [str(caught.value)]


@pytest.mark.parametrize(
    "line",
    [
        "--store a --web tcp:PORT:interface=127.0.0.1 --backend prometheus",
        "--backend memory --otlp tcp:PORT:interface=127.0.0.1 --web none",
        "--backend prometheus:endpoint=tcp:PORT:interface=127.0.0.1",
        "--backend prometheus:endpoint=ssl:PORT:privateKey=/nix/da --insecure-tcp",
    ],
)
def test_what_only_the_start_can_tell_is_no_problem(line: str, taken: int) -> None:
    given = line.replace("PORT", str(taken))
    assert checked(given) == []
    with pytest.raises(UsageError):
        make_service(parsed(given))


def test_each_problem_has_a_line() -> None:
    lines = checked("--store a --backend prometheus:endpoint=tcp:0 --web tcp:0 --otlp tcp:0")
    assert [line.partition(":")[0] for line in lines] == ["--web", "--backend prometheus", "--otlp"]
