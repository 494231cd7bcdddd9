"""What a daemon would listen at twice: told before anything is, and nothing else is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from zibrato.daemon.options import Options
from zibrato.daemon.settings import Settings
from zibrato.web.clashes import clashes, clashes_with_running

WEB = "--store a --web tcp:5580:interface=127.0.0.1"
TWICE = {
    "--socket tcp://127.0.0.1:5550 --socket tcp://localhost:5550": (
        "--socket: tcp://localhost:5550 is taken by another --socket, under another name; "
        "leave one out"
    ),
    "--insecure-tcp --socket tcp://127.0.0.1:5550 --socket tcp://*:5550": (
        "--socket: tcp://*:5550 is taken by another --socket, under another name"
    ),
    "--socket ipc://a --socket ipc://./a": "--socket: ipc://./a is taken by another --socket",
    "--socket tcp://127.0.0.1:5550 --socket tcp://127.0.0.1:5551": (
        "--socket: tcp://127.0.0.1:5551 is taken by acknowledgements to clients of "
        "tcp://127.0.0.1:5550; give another, or --acknowledgements an endpoint, or none"
    ),
    "--socket tcp://[::1]:5550 --acknowledgements tcp://[0:0::1]:5550": (
        "--acknowledgements: tcp://[0:0::1]:5550 is taken by --socket tcp://[::1]:5550; give one "
        "of them another"
    ),
    "--socket tcp://127.0.0.1:5550 --statsd tcp:5550": (
        "--statsd: tcp:127.0.0.1:5550 is taken by --socket tcp://127.0.0.1:5550; give one of them"
    ),
    "--statsd udp:8125 --statsd udp:0.0.0.0:8125": "--statsd: udp:0.0.0.0:8125 is taken by another",
    "--statsd unix:a --statsd unixgram:./a": "--statsd: unixgram:./a is taken by another --statsd",
    f"--statsd tcp:5580 {WEB}": (
        "--web: tcp:5580:interface=127.0.0.1 is taken by --statsd tcp:127.0.0.1:5580; give one of"
    ),
    f"--otlp tcp:port=5580 {WEB}": "--web: tcp:5580:interface=127.0.0.1 is taken by --otlp tcp",
    "--socket ipc://a --store s --web unix:a": "--web: unix:a is taken by --socket ipc://a; give",
}
"""Command lines, and how the line about each begins."""
BESIDE_EACH_OTHER = (
    "",
    WEB,
    "--socket ipc://a --socket ipc://b --socket ipc://@a --socket inproc://a --statsd unix:c",
    "--socket tcp://127.0.0.1:5550 --socket tcp://127.0.0.2:5550 --socket tcp://[::1]:5550",
    "--socket tcp://127.0.0.1:* --socket tcp://127.0.0.1:0 --statsd udp:0 --statsd tcp:0",
    "--socket tcp://127.0.0.1:5551 --socket tcp://127.0.0.1:5550",
    "--socket tcp://127.0.0.1:5550 --socket tcp://127.0.0.1:5551 --acknowledgements none",
    "--socket tcp://127.0.0.1:5550 --socket connect:tcp://127.0.0.1:5551",
    "--statsd udp:8125 --statsd tcp:8125 --statsd udp:[::1]:8125",
    "--store s --web tcp:0:interface=127.0.0.1 --otlp tcp:0:interface=127.0.0.1",
    "--store s --web tcp:x --otlp tcp:x",
    "--store s --web systemd:domain=INET:index=0 --otlp nonsense:1",
)


MOVED = {
    ("--insecure-tcp --socket tcp://127.0.0.1:5550", "--insecure-tcp --socket tcp://*:5550"): (
        "--socket: tcp://*:5550 is taken by this daemon, for its --socket tcp://127.0.0.1:5550; "
        "restart it to apply this"
    ),
    ("--socket ipc://a", "--socket ipc://./a"): (
        "--socket: ipc://./a is taken by this daemon, for its --socket ipc://a; restart"
    ),
    ("--socket tcp://127.0.0.1:5550", "--socket tcp://127.0.0.1:5551"): (
        "--socket: tcp://127.0.0.1:5551 is taken by this daemon, for its acknowledgements to "
        "clients of tcp://127.0.0.1:5550; restart"
    ),
    (WEB, f"--statsd tcp:5580 {WEB}"): (
        "--statsd: tcp:127.0.0.1:5580 is taken by this daemon, for its --web tcp:5580:interface"
    ),
}
"""What runs and what would run after a reload, and how the line about it begins."""


def settings(line: str) -> Settings:
    options = Options({})
    options.parseOptions(line.split())
    return options.settings


def told(line: str, *endpoints: str) -> Sequence[str]:
    backends: Any = [Scraped(endpoint) for endpoint in endpoints]
    return [*clashes(settings(line), backends)]


class Scraped:
    """Adapts itself."""

    name = "prometheus"

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint

    def __conform__(self, _interface: object) -> Scraped:
        return self


@pytest.mark.parametrize("line", TWICE)
def test_what_something_else_has_is_told(line: str) -> None:
    (text,) = told(line)
    assert text.startswith(TWICE[line])


@pytest.mark.parametrize("line", BESIDE_EACH_OTHER)
def test_what_can_be_beside_each_other_is_not(line: str) -> None:
    assert told(line) == []


@pytest.mark.parametrize(("running", "line"), MOVED)
def test_what_the_running_daemon_still_has_is_told(running: str, line: str) -> None:
    (text,) = clashes_with_running(settings(line), settings(running), [])
    assert text.startswith(MOVED[running, line])
    assert [*clashes_with_running(settings(line), settings(line), [])] == []


def test_acknowledgements_of_a_new_socket_can_do_without() -> None:
    running, line = (f"--socket tcp://127.0.0.1:{port}" for port in (5550, 5549))
    assert [*clashes_with_running(settings(line), settings(running), [])] == []


def test_what_backends_are_scraped_at_counts_too() -> None:
    endpoint = "tcp:5580:interface=127.0.0.1"
    assert told(WEB, endpoint) == [
        f"--backend prometheus: endpoint: {endpoint} is taken by --web {endpoint}; give one of "
        "them another"
    ]
    assert told("--web none", endpoint, endpoint) == [
        f"--backend prometheus: endpoint: {endpoint} is taken by another --backend prometheus"
        "; give it another"
    ]
    assert told(WEB, "tcp:9464:interface=127.0.0.1") == []
