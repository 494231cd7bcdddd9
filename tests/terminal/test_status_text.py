"""The screen of `zibrato status`."""

from __future__ import annotations

from tests.health_reports import backend, healthy
from zibrato.health import CRITICAL, WARNING, Problem
from zibrato.terminal.status_text import brief_lines, lines

URL = "http://127.0.0.1:5580/"


def test_a_daemon_that_is_well() -> None:
    assert lines(healthy(), URL) == [
        "ok: all is well",
        "",
        "zibrato 1.0 at here, up 1d 3h",
        "page at http://127.0.0.1:5580/",
        "receives at ipc:///run/zibrato/socket",
        "",
        "              per second             total",
        "received            12.5            12,345",
        "rejected               0                 0",
        "dropped                0                 0",
        "",
        "series                42 in the last interval",
        "memory            50 MiB",
        "reactor             2 ms late at worst in 10 s",
        "",
        "librato     12,000 delivered",
    ]


def test_what_is_wrong_comes_first_and_the_worst_of_it_before_all() -> None:
    problems = [Problem(WARNING, "slow"), Problem(CRITICAL, "full"), Problem(WARNING, "late")]
    shown = lines(healthy(status=CRITICAL, problems=problems), URL)
    assert shown[:4] == ["critical: full", "warning: slow", "warning: late", ""]


def test_losses_are_shown_by_reason_and_a_backend_with_what_waits_for_it() -> None:
    waiting = backend(
        intervals=3, measurements=1200, size=1 << 20, oldest=1_000_000.0 - 34, error="refused",
        failing_since=1_000_000.0 - 45, dropped={"muted": 2, "expired": 30},
    )  # fmt: skip
    shown = lines(healthy(rejected={"malformed": 2, "level": 0}, backends=[waiting]), URL)
    assert "rejected               0                 2  malformed 2" in shown
    assert shown[-3:] == [
        "librato     12,000 delivered, 32 dropped:  expired 30, muted 2",
        "            1,200 wait in 3 intervals, 1 MiB (0.1% of the bound), the oldest for 34s",
        "            can't deliver for 45s: refused",
    ]


def test_before_the_first_interval_has_ended_there_are_no_rates() -> None:
    shown = lines(healthy(received_rate=None, memory=None), URL)
    assert "received               -            12,345" in shown
    assert "memory                 -" in shown


def test_a_huge_number_stands_apart_from_the_one_before_it() -> None:
    shown = lines(healthy(received=10**20, received_rate=1e19), URL)
    assert shown[7] == "received           1e+19 100,000,000,000,000,000,000"


def test_nothing_of_it_is_for_the_terminal_to_obey() -> None:
    evil = "\x1b[2J\r\n"
    report = healthy(
        source=evil, addresses=[evil], version=evil, rejected={evil: 1},
        problems=[Problem(CRITICAL, evil)],
        backends=[backend(name=evil, error=evil, failing_since=1.0, dropped={evil: 1})],
    )  # fmt: skip
    shown = lines(report, evil)
    assert all(line.isprintable() for line in shown)
    assert sum(r"\x1b[2J" in line for line in shown) == 7
    assert all(line.isprintable() for line in brief_lines("ok", evil))
