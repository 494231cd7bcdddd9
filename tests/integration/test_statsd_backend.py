"""A daemon relays to statsd of npm, which is killed and comes back, and to another daemon."""

from __future__ import annotations

import json
import re
import signal
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.integration import npm
from tests.integration.frames import send_timings
from tests.integration.processes import Process, daemon, eventually
from tests.integration.statsd_server import StatsdServer
from zibrato import Zibrato

FLUSHES = """
exports.init = (_started, _config, events) => {
  events.on('flush', (_time, metrics) => {
    const {counters, gauges, timers, timer_counters} = metrics;
    console.log('FLUSH ' + JSON.stringify({counters, gauges, timers, timer_counters}));
  });
  return true;
};
"""
RANDOM = Random(7)
SAMPLES = [RANDOM.lognormvariate(-3, 1) for _ in range(4000)]
"""Seconds: more than are kept as they are."""
PERCENTS = (50, 90, 95, 99)


def relaying(directory: Path, backend: str) -> Process:
    socket = f"ipc://{directory}/socket"
    return daemon(
        *("--socket", socket, "--flush-interval", "1", "--source", "box"),
        *("--backend", f"statsd:{backend}"),
    )


def near(percent: float) -> Any:
    """Return what is about the percentile of all samples."""
    return pytest.approx(sorted(SAMPLES)[int(len(SAMPLES) * percent / 100)], rel=0.04)


def flushed(*servers: Process) -> tuple[Counter[str], dict[str, float], list[float]]:
    """Return the sums of counters and of timers' counts, the gauges, and the values of `work`."""
    sums, gauges, work = Counter[str](), dict[str, float](), list[float]()
    for server in servers:
        for line in re.findall(r"^FLUSH (.*)$", server.output, re.M):
            flush = json.loads(line)
            sums.update(flush["counters"])
            sums.update(flush["timer_counters"])
            gauges |= flush["gauges"]
            work += flush["timers"].get("work", ())
    return sums, gauges, sorted(work)


def test_npm_s_statsd_is_killed_and_comes_back(pytestconfig: pytest.Config, tmp_path: Path) -> None:
    (tmp_path / "flushes.js").write_text(FLUSHES)
    modules = npm.modules(pytestconfig)
    there = StatsdServer(modules, tmp_path, str(tmp_path / "flushes.js"))
    with (
        there.start() as first,
        relaying(tmp_path, f"address=127.0.0.1:{there.port}") as here,
        Zibrato(f"ipc://{tmp_path}/socket", linger=30) as z,
    ):
        send_timings(f"ipc://{tmp_path}/socket", "work", SAMPLES)
        z.gauge(name="depth", value=-4)
        z.count(name="calls", value=21)
        z.flush()

        def all_is_there() -> bool:  # which takes several datagrams, and may be several flushes
            sums, gauges, _ = flushed(first)
            return sums["work"] > len(SAMPLES) - 0.5 and bool(sums["calls"] and gauges.get("depth"))

        eventually(all_is_there)
        sums, gauges, work = flushed(first)
        assert (sums["calls"], gauges["depth"]) == (21, -4)
        assert sums["work"] == pytest.approx(len(SAMPLES), abs=1e-6)
        assert len(work) < len(SAMPLES)
        for percent in PERCENTS:
            assert work[int(len(work) * percent / 100)] / 1000 == near(percent)
        first.send(signal.SIGKILL)
        first.wait()
        z.count(name="calls", value=100)
        z.flush()
        here.wait_for("statsd can't deliver: .*Connection refused")
        with there.start() as second:
            here.send(signal.SIGHUP)  # it need not wait out its pause
            eventually(lambda: flushed(first, second)[0]["calls"] >= 121)
            assert flushed(first, second)[0]["calls"] == 121


def test_another_daemon_gets_tags_levels_and_sources(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with daemon(
        *("--socket", f"ipc://{tmp_path}/there", "--flush-interval", "86400"),
        *("--statsd", "udp:0", "--backend", f"log:path={log}"),
    ) as there:
        port = there.wait_for(r"listening on udp:127.0.0.1:(\d+)")[1]
        with relaying(tmp_path, f"address=127.0.0.1:{port}:dialect=datadog") as here:
            send_timings(f"ipc://{tmp_path}/socket", "work", SAMPLES, {"route": "/a"}, "error")
            with Zibrato(f"ipc://{tmp_path}/socket", linger=30) as z:
                for number in range(500):
                    z.count(name=f"calls{number}", value=number)
            here.stop()
        there.stop()
    records = [json.loads(line) for line in log.read_text().splitlines()]
    counts = {one["name"]: one["sum"] for one in records if one["name"].startswith("calls")}
    assert counts == {f"calls{number}": number for number in range(500)}
    work = [one for one in records if one["name"] == "work"]
    assert {(one["source"], one["level"], one["tags"]["route"]) for one in work} == {
        ("box", "error", "/a")
    }
    assert sum(one["count"] for one in work) == len(SAMPLES)
    longest = max(work, key=lambda one: one["count"])
    for percent in (50, 95, 99):
        assert longest["percentiles"][f"p{percent}"] == near(percent)
    assert longest["max"] == pytest.approx(max(SAMPLES))
