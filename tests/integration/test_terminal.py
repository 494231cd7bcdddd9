"""`zibrato status` and `zibrato top` in a real terminal, beside a real daemon."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.page.store_daemon import StoreDaemon
from tests.integration.processes import BIN, eventually
from tests.integration.screen import Screen
from zibrato import Zibrato

ZIBRATO = str(BIN / "zibrato")


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreDaemon]:
    """A daemon that has been sent some, with names that a terminal would obey."""
    made = StoreDaemon(tmp_path_factory.mktemp("watched"))
    made.start()
    try:
        with Zibrato(made.socket, linger=30) as z:
            z.count(name="shop.orders", value=3)
            z.timing(name="shop.render", value=0.25)
            z.gauge(name="evil\u202e.name", value=1)
            eventually(lambda: len(made.names()) == 3)
        yield made
    finally:
        made.process.__exit__(None, None, None)


def test_status_is_one_screen(daemon: StoreDaemon) -> None:
    with Screen([ZIBRATO, "status", "--url", daemon.url]) as screen:
        assert screen.wait() == 0
        shown = screen.text
    assert shown.startswith("ok: all is well\n\nzibrato ")
    assert f"page at {daemon.url}" in shown
    assert f"receives at {daemon.socket}"[:80] in shown
    for word in ("received", "rejected", "dropped", "series", "memory", "reactor", "store"):
        assert f"\n{word} " in shown
    assert b"\x1b" not in screen.raw


def test_status_of_a_daemon_without_a_page(tmp_path: Path) -> None:
    with Screen([ZIBRATO, "status", "--url", f"unix:{tmp_path}/none"], columns=300) as screen:
        assert screen.wait() == 3
        assert screen.text.startswith(
            f"zibrato status: no page answers at unix:{tmp_path}/none: No"
        )


def test_top_shows_what_happens_in_any_size_and_a_daemon_that_goes_and_comes_back(
    daemon: StoreDaemon,
) -> None:
    with Screen([ZIBRATO, "top", "--url", daemon.url]) as screen:
        screen.wait_for(r"^live: \d+ of \d+ series by rate")
        screen.wait_for(r"^series +rate/s↓ +value +p50 +p95 +p99 trend")
        with Zibrato(daemon.socket) as z:
            z.timing(name="shop.render", value=0.5)
            screen.wait_for(r"^shop\.render box +\S+ +- +0\.5\d* .*[▁▂▃▄▅▆▇█]")
        screen.press("evil")
        screen.wait_for("^live: 1 of ")
        screen.wait_for(r"^evil\\u202e.name box ")
        assert "\u202e" not in screen.raw.decode(errors="replace")
        screen.settle()
        screen.resize(30, 6)
        screen.wait_for(r"^series +rate/s↓$")
        daemon.stop()
        screen.wait_for("^(no page answers|http)")
        screen.resize(80, 24)
        daemon.start()
        screen.wait_for("^live: 1 of ")
        screen.press("\x1b")
        screen.wait_for(r"^shop\.render box ")
        screen.press("\x03")
        assert screen.wait() == 0
