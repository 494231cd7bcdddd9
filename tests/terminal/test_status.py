"""`zibrato status`: its exit status, and its one line where there is nothing to show."""

from __future__ import annotations

import msgspec
import pytest

from tests.health_reports import healthy
from tests.terminal.servers import response, serving
from zibrato.health import CRITICAL, OK, WARNING, Problem
from zibrato.terminal.status import main

COMMANDS = {
    "--url=x": "--url: expected a page such as http://127.0.0.1:5580/ or unix:PATH, got 'x'",
    "--url=http://u:p@x/": "--url: expected a page such as",
    "--web-credentials=/nonexistent": "--web-credentials: can't read /nonexistent",
    "--nonsense": "unrecognized arguments: --nonsense",
    "word": "unrecognized arguments: word",
}
"""Odd command lines."""


def run(*arguments: str) -> object:
    """Return the exit status."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    return caught.value.code


@pytest.mark.parametrize(
    ("status", "code", "http"), [(OK, 0, 200), (WARNING, 1, 200), (CRITICAL, 2, 503)]
)
def test_the_exit_status_is_that_of_a_nagios_plugin(
    status: str, code: int, http: int, capsys: pytest.CaptureFixture[str]
) -> None:
    problems = [] if status == OK else [Problem(status, "wrong")]
    body = msgspec.json.encode(healthy(status=status, problems=problems))
    with serving(response(body, http)) as server:
        assert run("--url", server.url) == code
    first = capsys.readouterr().out.splitlines()[0]
    assert first == ("ok: all is well" if status == OK else f"{status}: wrong")


def test_without_credentials_there_is_the_status_alone(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(response(b'{"status":"critical"}', 503)) as server:
        assert run("--url", server.url) == 2
    line = f"critical: {server.url} tells more with --web-credentials FILE\n"
    assert capsys.readouterr().out == line


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"status":"fine"}', b'{"status":"ok","lag":1}', b'{"a":1}']
)
def test_what_is_no_report_is_said_in_a_line(
    body: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(response(body)) as server:
        assert run("--url", server.url) == 3
    told = capsys.readouterr()
    assert (told.out, told.err) == (
        "", f"zibrato status: {server.url} is not a page of this version of Zibrato\n",
    )  # fmt: skip


def test_without_a_page_it_says_so_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with serving() as server:
        pass
    assert run("--url", server.url) == 3
    error = capsys.readouterr().err
    assert error.startswith(f"zibrato status: no page answers at {server.url}: Connection refused;")
    assert "--web none" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_line_that_can_t_be(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(line) == 3
    error = capsys.readouterr().err
    assert error.startswith(f"zibrato status: {COMMANDS[line]}")
    assert error.endswith("; see zibrato status --help\n")
    assert error.count("\n") == 1
