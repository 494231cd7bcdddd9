"""A metric of many sources."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from time import time
from typing import Any

import pytest
import zmq

from tests.integration.browser import Tab
from tests.integration.page.elements import expect, row, wait_for_plot
from tests.integration.page.store_daemon import StoreDaemon
from tests.integration.processes import eventually
from zibrato.wire import VERSION, Batch, SampleRow, encode, pack

SOURCES = 50
STRONG = """() => {
  const canvas = document.querySelector(".chart canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let count = 0; // of pixels with a strong colour
  for (let at = 0; at < data.length; at += 4) {
    const channels = data.slice(at, at + 3);
    if (data[at + 3] > 200 && Math.max(...channels) - Math.min(...channels) > 90) count += 1;
  }
  return count;
}"""


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreDaemon]:
    """A daemon that has a minute of a gauge of 50 sources and a timer."""
    made = StoreDaemon(tmp_path_factory.mktemp("wide"))
    made.start()
    with made.process:
        with zmq.Context() as context, context.socket(zmq.PUSH) as socket:
            socket.connect(made.socket)
            for second in range(60):
                socket.send(frame(time() // 1 - 60 + second, second))
            eventually(lambda: made.names() == {"wide", "work"})
        yield made
        made.stop()


def frame(when: float, sequence: int) -> bytes:
    gauges = [
        SampleRow("wide", "critical", f"a-rather-long-source-name-{number:02}", {},
                  pack(array("d", [10.0 * number + 1])))
        for number in range(SOURCES)
    ]  # fmt: skip
    timings = pack(array("d", [0.001 * (1 + sequence % 7)] * 5))
    timers = [SampleRow("work", "info", "box", {}, timings)]
    return encode(Batch(VERSION, f"wide-{sequence}", 0, when, when + 1, (), timers, gauges))


def test_the_narrow_list_says_how_many_sources_there_are(wide: StoreDaemon, chromium: Any) -> None:
    tab = Tab(chromium, viewport={"width": 330, "height": 740})
    page = tab.open(wide.url, rows=2)
    others = row(page, "wide").locator(".source b")
    expect(others).to_have_text(f"+{SOURCES - 1}")
    cell = row(page, "wide").locator(".source").bounding_box()
    box = others.bounding_box()
    assert cell["x"] < box["x"]
    assert box["x"] + box["width"] <= cell["x"] + cell["width"] + 1
    tab.checked(wide.url)
    tab.context.close()


def test_one_of_many_stands_out_and_the_legend_counts(wide: StoreDaemon, tab: Tab) -> None:
    page = tab.open(f"{wide.url}/#/plot/gauge/wide?split=each&range=300")
    wait_for_plot(page)
    summary = page.locator("#panel .summary")
    expect(summary).to_contain_text("40 of 50 series are shown; 10 are left out")
    buttons = page.locator(".legend > button")
    expect(buttons).to_have_count(40)
    before = page.evaluate(STRONG)
    buttons.nth(3).hover()
    expect(page.locator(".legend .focused")).to_have_count(1)
    expect(buttons.nth(3)).to_have_class("focused")
    page.wait_for_function(f"({STRONG})() < {before / 2}")  # all others fade
    page.mouse.move(5, 5)
    expect(page.locator(".legend .focused")).to_have_count(0)
    buttons.nth(3).click()
    expect(summary).to_contain_text("39 of 50 series are shown")
    page.get_by_role("button", name="Show all").click()
    expect(summary).to_contain_text("40 of 50 series are shown")
    tab.errors = [words for words in tab.errors if "willReadFrequently" not in words]  # our own
    tab.checked(wide.url)


def test_plot_and_heat_map_have_one_time_under_the_crosshair(wide: StoreDaemon, tab: Tab) -> None:
    page = tab.open(f"{wide.url}/#/plot/timer/work?range=300")
    wait_for_plot(page)
    page.locator(".heat .u-over").scroll_into_view_if_needed()
    box = page.locator(".heat .u-over").bounding_box()
    caption = page.locator(".caption")
    # Where in the last 300 s the minute with samples is depends on when they were sent.
    columns = sorted(range(98, 2, -4), key=lambda x: abs(x - 80))
    places = [(x / 100, y / 100) for x in columns for y in range(2, 98, 4)]
    texts = []
    for x, y in places:
        page.mouse.move(box["x"] + box["width"] * x, box["y"] + box["height"] * y)
        page.evaluate("() => new Promise(requestAnimationFrame)")  # the caption follows then
        texts.append(caption.inner_text())
        if "ms" in texts[-1]:
            break
    assert "ms" in texts[-1]
    assert not [text for text in texts if ":" in text]
    expect(page.locator(".when")).to_contain_text(":")
    tab.checked(wide.url)
