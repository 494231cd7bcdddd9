"""A daemon writes to Debian's Prometheus and to VictoriaMetrics, and PromQL reads it back."""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator
from pathlib import Path
from time import time

import pytest
import zmq

from tests.integration.processes import daemon, eventually
from tests.integration.prometheus_server import (
    PromQl,
    prometheus,
    victoria_metrics,
    wait_for_value,
)
from zibrato import Zibrato

SECONDS = sorted(random.Random(7).lognormvariate(-3, 1) for _ in range(1000))


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PromQl]:
    """A Prometheus that takes what is written, native histograms as well."""
    with prometheus(
        tmp_path_factory.mktemp("prometheus"),
        "--web.enable-remote-write-receiver", "--enable-feature=native-histograms",
    ) as server:  # fmt: skip
        yield server


def options(directory: Path, source: str, settings: str) -> tuple[str, ...]:
    return (
        *("--socket", f"ipc://{directory}/socket", "--flush-interval", "0.5"),
        *("--outbox", f"{directory}/outbox", "--source", source),
        *("--backend", f"remote_write:{settings}"),
    )


def quantile(server: PromQl, percent: float, query: str) -> float:
    value = server.value(f"histogram_quantile({percent / 100}, {query})")
    assert value is not None
    return value


def test_prometheus_has_counts_that_are_exact_and_percentiles_within_one_percent(
    tmp_path: Path, receiver: PromQl
) -> None:
    given = options(tmp_path, "exact", f"url={receiver.url}/api/v1/write:histograms=native")
    with daemon(*given), Zibrato(given[1], linger=30) as z:
        for half in (SECONDS[::2], SECONDS[1::2]):
            for seconds in half:
                z.timing(name="work", value=seconds, tags={"route": "/a"}, level="warning")
            z.timing(name="nothing", value=0.0)
            z.count(name="shop.orders", value=len(half))
            z.gauge(name="depth", value=len(half))
            z.flush()
        wait_for_value(receiver, "shop_orders_total", 1000)
        wait_for_value(receiver, "histogram_count(work_seconds)", 1000)
        wait_for_value(receiver, "histogram_count(nothing_seconds)", 2)
        assert receiver.value("histogram_sum(work_seconds)") == pytest.approx(sum(SECONDS))
        assert receiver.value("depth") == 500
        # From nothing at the beginning of the first interval on: its increase counts as well.
        assert receiver.value("min_over_time(shop_orders_total[1h])") == 0.0
        ((labels, _),) = receiver.query("shop_orders_total")
        assert labels == {"__name__": "shop_orders_total", "level": "info", "source": "exact"}
        for percent in (50, 90, 99):
            exact = SECONDS[percent * 10 - 1]
            assert quantile(receiver, percent, "work_seconds") == pytest.approx(exact, rel=0.01)
        assert quantile(receiver, 50, "nothing_seconds") == 0.0


def test_no_total_falls_and_all_is_counted_once_though_the_daemon_is_killed(
    tmp_path: Path, receiver: PromQl
) -> None:
    given = options(tmp_path, "killed", f"url={receiver.url}/api/v1/write:histograms=native")
    with Zibrato(given[1], linger=30, acknowledged=True) as z:
        for made in (7, 14):
            with daemon(*given) as here:
                z.count(name="calls", value=3)
                z.timing(name="call", value=0.5)
                z.flush()
                wait_for_value(receiver, "calls_total", made - 4)
                z.count(name="calls", value=4)
                z.flush()
                here.send(signal.SIGKILL)
                here.wait()
        with daemon(*given) as here:
            wait_for_value(receiver, "calls_total", 14)
            wait_for_value(receiver, "histogram_count(call_seconds)", 2)
            assert receiver.value("resets(calls_total[1h])") == 0
            assert "rejects" not in here.output


def test_a_late_reading_is_all_that_prometheus_rejects(tmp_path: Path, receiver: PromQl) -> None:
    given = options(tmp_path, "late", f"url={receiver.url}/api/v1/write")
    with daemon(*given) as here, zmq.Context() as context, context.socket(zmq.PUSH) as socket:
        socket.connect(given[1])
        now = int(time())
        socket.send(f"info|gauge|newest|5|{now}".encode())
        eventually(lambda: receiver.value("newest") == 5.0)
        lines = f"info|gauge|newest|3|{now - 60}\ninfo|counter|beside|7|{now - 60}"
        socket.send(lines.encode())
        here.wait_for("remote_write rejects a part .*out of order.*for example of newest")
        eventually(lambda: receiver.value("beside_total", now - 40) == 7.0)
        assert receiver.value("newest") == 5.0


def test_victoriametrics_has_classic_histograms(tmp_path: Path) -> None:
    with victoria_metrics(tmp_path) as server:
        given = options(tmp_path, "web1", f"url={server.url}/api/v1/write")
        with daemon(*given), Zibrato(given[1], linger=30) as z:
            for seconds in SECONDS:
                z.timing(name="work", value=seconds)
            z.count(name="calls", value=5)
            z.flush()
            wait_for_value(server, "calls_total", 5)
            wait_for_value(server, "work_seconds_count", 1000)
            below = sum(seconds <= 0.0625 for seconds in SECONDS)
            assert server.value('work_seconds_bucket{le="0.0625"}') == below
            assert server.value('work_seconds_bucket{le="+Inf"}') == 1000
            eventually(lambda: server.value("work_seconds_sum"))
            assert server.value("work_seconds_sum") == pytest.approx(sum(SECONDS))
