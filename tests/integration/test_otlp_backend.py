"""One daemon ships by OTLP to another; one of them goes, and comes back."""

from __future__ import annotations

import signal
from pathlib import Path
from time import time

import pytest

from tests.integration.outbox_file import wait_until_noted
from tests.integration.processes import daemon, eventually
from tests.integration.store_client import Store
from zibrato import Zibrato

INTERVAL = 0.5
SECONDS = [0.001 * number for number in range(1, 201)]


def sender(directory: Path, there: Store, temporality: str) -> tuple[str, ...]:
    return (
        *(
            "--socket",
            f"ipc://{directory}/sender",
            "--flush-interval",
            str(INTERVAL),
            "--source",
            "box",
            "--outbox",
            f"{directory}/outbox",
        ),
        *("--backend", f"otlp:url={there.url}/v1/metrics:temporality={temporality}"),
    )


def wait_for_calls(there: Store, expected: float) -> None:
    eventually(lambda: there.total("calls") >= expected)
    assert there.total("calls") == expected


def test_deltas_wait_for_a_receiver_that_was_killed(tmp_path: Path) -> None:
    there = Store(tmp_path)
    with there.start():
        options = sender(tmp_path, there, "delta")
        with daemon(*options) as here, Zibrato(options[1], linger=30, source="web1") as z:
            for seconds in SECONDS:
                z.timing(name="work", value=seconds, tags={"route": "/a"}, level="warning")
            z.gauge(name="depth", value=4)
            z.count(name="calls", value=21)
            z.flush()
            eventually(lambda: there.total("depth") == 4 and there.total("work") > 0)
            eventually(lambda: there.total("calls") == 21)
            wait_until_noted(tmp_path / "outbox")
            there.process.send(signal.SIGKILL)
            there.process.wait()
            z.count(name="calls", value=100)
            z.flush()
            here.wait_for("otlp can't deliver")
            port = there.url.rpartition(":")[2]
            with there.start("--web", f"tcp:{port}:interface=127.0.0.1"):
                here.send(signal.SIGHUP)  # it need not wait out its pause
                wait_for_calls(there, 121)
                assert there.total("work") == pytest.approx(sum(SECONDS))
                (work,) = [
                    one for one in there.get("/data/series")["series"] if one["name"] == "work"
                ]
                assert (work["kind"], work["source"], work["level"]) == ("timer", "web1", "warning")
                assert work["tags"] == {"route": "/a", "service.name": "zibrato"}


def test_totals_go_on_with_the_next_daemon_though_the_first_was_killed(tmp_path: Path) -> None:
    there = Store(tmp_path)
    with there.start():
        started = time()
        options = sender(tmp_path, there, f"cumulative:totals={tmp_path}/totals")
        # Of a total that began before its receiver, as the interval under way did, none knows how
        # much was counted before.
        eventually(lambda: time() > started + INTERVAL)
        with Zibrato(options[1], linger=30) as z:
            for expected in (7, 14):
                with daemon(*options) as here:
                    z.count(name="calls", value=3)
                    z.timing(name="work", value=0.5)
                    z.flush()
                    wait_for_calls(there, expected - 4)
                    z.count(name="calls", value=4)
                    z.flush()
                    wait_for_calls(there, expected)
                    here.send(signal.SIGKILL)
                    here.wait()
            assert there.total("work") == 1.0
