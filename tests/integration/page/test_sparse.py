"""What is measured rarely shows at every range."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from time import time
from typing import Any

import pytest
import zmq

from tests import soak
from tests.integration.browser import Tab
from tests.integration.page.elements import wait_for_plot
from tests.integration.page.store_daemon import StoreDaemon
from tests.integration.processes import eventually
from zibrato.wire import VERSION, Batch, CounterRow, SampleRow, encode, pack

NAMES = {"rare.gauge", "rare.timer", "rare.counter"}
# Those pixels of the plot that are of a series' colour, give or take what antialiasing does.
COLOURED = """async (name) => {
  const { color } = await import("/static/colors.js");
  const wanted = color(name).match(/\\d+/g).map(Number);
  const canvas = document.querySelector(".chart canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let count = 0;
  for (let at = 0; at < data.length; at += 4)
    if (wanted.every((channel, i) => Math.abs(channel - data[at + i]) < 24)) count += 1;
  return count;
}"""


def batch(when: float, sequence: int) -> bytes:
    """Return the frame of one reading, one timing and one increment in the second `when`."""
    value = pack(array("d", [40.0 + sequence % 7]))
    gauges = [SampleRow("rare.gauge", "info", "box", {}, value)]
    timers = [SampleRow("rare.timer", "info", "box", {}, value)]
    counters = [CounterRow("rare.counter", "info", "box", {}, 1, 1)]
    return encode(Batch(VERSION, f"rare-{sequence}", 0, when, when + 1, counters, timers, gauges))


@pytest.fixture(scope="module")
def rare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreDaemon]:
    """A daemon that has one measurement a minute, of the last 59."""
    made = StoreDaemon(tmp_path_factory.mktemp("rare"))
    made.start()
    with made.process:
        with zmq.Context() as context, context.socket(zmq.PUSH) as socket:
            socket.connect(made.socket)
            for minute in range(59):
                socket.send(batch(time() // 1 - 3570 + 60 * minute, minute))
            eventually(lambda: made.names() == NAMES)
        yield made
        made.stop()


def coloured(page: Any, url: str, color: str) -> int:
    """Return how many pixels of a plot have a colour."""
    page.goto(url)
    wait_for_plot(page)
    return int(page.evaluate(COLOURED, color))


RANGES = (3600, 86400, 604800, 2592000, 7776000, 31536000)


@pytest.mark.soak
@pytest.mark.parametrize(
    ("place", "kind", "color"),
    [(0, "gauge", "--gauge"), (1, "timer", "--p50"), (2, "counter", "--counter")],
)
def test_one_measurement_a_minute_is_seen(
    rare: StoreDaemon, tab: Tab, place: int, kind: str, color: str
) -> None:
    link = f"{rare.url}/#/plot/{kind}/rare.{kind}?range="
    for seconds in soak.some(RANGES, place):
        tab.page.goto("about:blank")  # so that no plot is there before its own
        assert coloured(tab.page, f"{link}{seconds}", color) >= 20, seconds
    tab.checked(rare.url)
