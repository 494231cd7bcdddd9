"""The page stays smooth with many metrics and with many points."""

from __future__ import annotations

import re
from statistics import median
from typing import Any

import zmq

from tests.integration.browser import Tab
from tests.integration.page.elements import expect, wait_for_plot
from tests.integration.page.store_daemon import StoreDaemon
from tests.integration.shop import many

FRAMES = """() => new Promise((done) => {
  const times = [];
  let step = 0;
  const frame = (now) => {
    times.push(now);
    if (step === 60) {
      done(times.slice(1).map((time, i) => time - times[i]));
      return;
    }
    RUN;
    step += 1;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
})"""


SLOWER = 6
"""How many times as long a frame may take as one in which next to nothing changes."""
NEXT_TO_NOTHING = "document.getElementById('status').style.opacity = 1 - step % 2 / 100"


def check_smooth(page: Any, run: str) -> None:
    """Check how long frames with `run` in each take, next to such with next to nothing.

    Both are measured one after the other, while the machine is as busy; the better of two counts.
    """

    def frame(script: str) -> float:
        return float(median(page.evaluate(FRAMES.replace("RUN", script))))

    assert min(frame(run) / frame(NEXT_TO_NOTHING) for _ in range(2)) < SLOWER


def test_five_thousand_metrics_scroll_smoothly(served: StoreDaemon, tab: Tab) -> None:
    with zmq.Context() as context, context.socket(zmq.PUSH) as socket:
        socket.connect(served.socket)
        socket.send(many(5000))
        page = tab.open(served.url, rows=10)
    expect(page.locator("#count")).to_have_text("5,000 metrics")
    check_smooth(page, "document.getElementById('list').scrollTop += 2111")
    assert page.locator(".row").count() < 60
    assert page.evaluate("document.querySelectorAll('*').length") < 1500
    page.locator("#search").fill("part4999")
    expect(page.locator("#count")).to_have_text("1 metric")
    tab.checked(served.url)


def test_ten_thousand_points_stay_smooth(shop: StoreDaemon, tab: Tab) -> None:
    def answer(route: Any) -> None:
        times = list(range(1_700_000_000, 1_700_020_000, 2))
        values = [10 + index % 97 / 10 for index in range(10_000)]
        columns = dict.fromkeys(("count", "sum", "min", "max", "last", "p50", "p95", "p99"), values)
        number = int(re.search(r"ids=(\d+)", route.request.url)[1])  # type: ignore[index]  # a miss fails the test
        series = [{"id": number, **columns}]
        body = {"resolution": 2, "times": times, "series": series, "merged": columns, "heat": None}
        route.fulfill(json=body)

    tab.page.route("**/data/plot?*", answer)
    link = f"{shop.url}/#/plot/timer/db.query?from=1700000000&to=1700020000"
    page = tab.open(link)
    wait_for_plot(page)
    box = page.locator(".chart .u-over").bounding_box()
    page.mouse.move(box["x"] + 40, box["y"] + 60)
    move = (
        "document.querySelector('.u-over').dispatchEvent(new MouseEvent('mousemove', "
        f"{{clientX: {box['x']} + step * 9, clientY: {box['y']} + 50, bubbles: true}}))"
    )
    check_smooth(page, move)
    tab.checked(shop.url)
