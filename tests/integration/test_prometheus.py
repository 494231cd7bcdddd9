"""Debian's Prometheus scrapes a daemon, which is killed and comes back."""

from __future__ import annotations

import gzip
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from tests.integration.processes import daemon, eventually
from tests.integration.prometheus_server import prometheus, wait_for_value
from tests.integration.store_client import Store
from tests.ports import free_port
from zibrato import Zibrato

KILLS = 20 if os.environ.get("ZIBRATO_SOAK") else 2
JSON = {"Content-Type": "application/json"}
OPENMETRICS = "application/openmetrics-text; version=1.0.0"


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A daemon with a store, whose page has /metrics, once that shows what was measured."""
    there = Store(tmp_path_factory.mktemp("store"))
    with there.start("--backend", "prometheus"), Zibrato(there.endpoint, source="web1") as z:
        z.count(name="shop.orders", value=3, tags={"le": "x", "page": "/a"})
        z.timing(name="render", value=0.3)
        z.timing(name="render", value=0.0)
        z.gauge(name="depth", value=4)
        z.count(name="stock", value=-2)
        z.flush()
        eventually(lambda: there.total("depth"))
        about = b'{"description": "Orders of the\\nshop"}'
        described = Request(f"{there.url}/v1/metrics/shop.orders", about, JSON, method="PUT")
        with urlopen(described) as response:
            assert response.status == 204
        last = ("of the", "stock{", 'render_seconds_bucket{source="web1",level="info",le="0.5"} 2')
        eventually(lambda: all(text in scrape(there) for text in last))
        yield there


def scrape(there: Store, accept: str = "") -> str:
    with urlopen(Request(f"{there.url}/metrics", headers={"Accept": accept})) as response:
        expected = "application/openmetrics-text" if accept else "text/plain"
        assert response.headers["Content-Type"].startswith(expected)
        return str(response.read().decode())


def test_a_scrape_has_all_kinds_with_what_the_store_knows_of_them(shown: Store) -> None:
    lines = scrape(shown).splitlines()
    for line in (
        "# HELP shop_orders_total Orders of the\\nshop",
        "# TYPE shop_orders_total counter",
        'shop_orders_total{exported_le="x",page="/a",source="web1",level="info"} 3.0',
        "# TYPE render_seconds histogram",
        'render_seconds_bucket{source="web1",level="info",le="0.25"} 1',
        'render_seconds_bucket{source="web1",level="info",le="0.5"} 2',
        'render_seconds_sum{source="web1",level="info"} 0.3',
        'depth{source="web1",level="info"} 4.0',
        "# TYPE stock gauge",
        'stock{source="web1",level="info"} -2.0',
    ):
        assert line in lines
    assert any(line.startswith("zibrato_intake_received_total{") for line in lines)


def test_a_scrape_may_be_openmetrics_and_compressed(shown: Store) -> None:
    assert scrape(shown, OPENMETRICS).endswith("# EOF\n")
    with urlopen(Request(f"{shown.url}/metrics", headers={"Accept-Encoding": "gzip"})) as response:
        assert response.headers["Content-Encoding"] == "gzip"
        assert b"shop_orders_total" in gzip.decompress(response.read())


def test_prometheus_s_own_check_has_nothing_to_say(shown: Store) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool isn't installed")
    checked = subprocess.run(
        ["promtool", "check", "metrics"],
        input=scrape(shown), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.soak
def test_no_total_falls_and_all_is_counted_once_though_the_daemon_is_killed(
    tmp_path: Path,
) -> None:
    port = free_port()
    options = (
        *("--socket", f"ipc://{tmp_path}/socket", "--flush-interval", "0.5"),
        *("--outbox", f"{tmp_path}/outbox", "--source", "box", "--backend"),
        f"prometheus:endpoint=tcp:{port}:interface=127.0.0.1",
    )
    with (
        prometheus(tmp_path, targets=(f"127.0.0.1:{port}",)) as server,
        Zibrato(options[1], linger=30, acknowledged=True) as z,
    ):
        made = 0
        for _ in range(KILLS):
            with daemon(*options) as here:
                made += 3
                z.count(name="calls", value=3)
                z.timing(name="work", value=0.5)
                z.flush()
                wait_for_value(server, "calls_total", made)
                made += 4
                z.count(name="calls", value=4)
                z.flush()
                here.send(signal.SIGKILL)
                here.wait()
        with daemon(*options):
            wait_for_value(server, "calls_total", made)
            wait_for_value(server, "work_seconds_count", KILLS)
            for name in ("calls_total", "work_seconds_count", "work_seconds_sum"):
                assert server.value(f"resets({name}[1h])") == 0
            wait_for_value(server, "work_seconds_sum", 0.5 * KILLS)
