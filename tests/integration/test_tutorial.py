"""The tutorial, as it stands: its shop under Flask, its daemon, and what the page then has."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from tests.docs.blocks import ROOT, blocks_of
from tests.integration.processes import BIN, Process, eventually

BLOCKS = list(blocks_of(ROOT / "docs/tutorial/flask.rst"))
COMMANDS = [
    shlex.split(command)
    for block in BLOCKS
    for command in re.findall(r"^\$ (zibrato|flask .*)$", block.text, re.M)
]
NAMES = {"pages", "page_time", "payment_time", "pieces_sold", "last_order"}


def get(url: str) -> str:
    """Return the body of an answer, which is no error."""
    with urlopen(url, timeout=10) as response:
        return str(response.read().decode())


def shown(page: str) -> dict[str, Any]:
    """Return the shop's series that the page has, by name."""
    series = json.loads(get(f"{page}data/series"))["series"]
    return {one["name"]: one for one in series if one["source"] == "shop"}


def test_the_shop_shows_on_the_page(tmp_path: Path) -> None:
    (shop,) = (block for block in BLOCKS if block.language == "python")
    (tmp_path / "shop.py").write_text(shop.text)
    daemon, flask = COMMANDS
    assert (daemon, flask) == (["zibrato"], ["flask", "--app", "shop", "run"])
    socket = f"ipc://{tmp_path}/socket"
    # Where tests run side by side, no port and no file of the user's is theirs.
    elsewhere = ["--socket", socket, "--web", "tcp:0:interface=127.0.0.1", "--flush-interval", "1"]
    state, client = {"XDG_STATE_HOME": str(tmp_path)}, {"ZIBRATO_SOCKET": socket}
    with Process([str(BIN / daemon[0]), *elsewhere], state, tmp_path, forked=True) as worker:
        page = worker.wait_for(r"the page is at (\S+)")[1]
        with Process([str(BIN / flask[0]), *flask[1:], "--port", "0"], client, tmp_path) as server:
            address = server.wait_for(r"Running on (\S+)")[1]
            for _ in range(5):
                assert get(f"{address}/") == "<h1>Apples</h1>\n"
            assert get(f"{address}/buy/3") == "3 apples are on their way\n"
            eventually(lambda: {f"shop.{name}" for name in NAMES} <= set(shown(page)))
        expected = {"pages": 5, "page_time": 5, "pieces_sold": 3, "last_order": 1}
        eventually(lambda: totals(page) == expected)
        assert shown(page)["shop.last_order"]["last"] == 3
        assert shown(page)["shop.page_time"]["kind"] == "timer"
        assert worker.stop() in (0, -15)
    assert (tmp_path / "zibrato/zibrato.sqlite").exists()


def totals(page: str) -> dict[str, float]:
    """Return what the Librato API of the tutorial's last step has of each metric in the hour."""
    sums = {}
    for name, field in (
        *(("pages", "sum"), ("page_time", "count")),
        *(("pieces_sold", "sum"), ("last_order", "count")),
    ):
        url = f"{page}v1/metrics/shop.{name}?duration=3600&resolution=60"
        points = json.loads(get(url))["measurements"]["shop"]
        sums[name] = sum(point[field] for point in points)
    return sums
