"""The plot of a metric: its range, its values, its series, its scale."""

from __future__ import annotations

import re
from time import time

import pytest

from tests.integration.browser import Tab
from tests.integration.frames import send_timings
from tests.integration.page.elements import SOURCES, expect, row, wait_for_plot
from tests.integration.page.store_daemon import StoreDaemon
from tests.integration.processes import eventually
from zibrato import Zibrato

LOGARITHMIC = """async () => {
  const { Chart } = await import("/static/chart.js");
  const root = document.body.appendChild(document.createElement("div"));
  const chart = new Chart(root, { zoom() {}, reset() {}, hover() {} });
  for (let low = 0.01; low < 0.12; low *= 1.04) {
    const values = [low, low * 12, low * 90];
    const series = [{ label: "one", values, color: "--p50" }];
    const plotData = { times: [1, 2, 3], series, bands: [], stepped: false };
    chart.show(plotData, { start: 1, end: 3 }, "seconds", true);
    await new Promise(requestAnimationFrame);
  }
  root.remove();
}"""


def test_a_plot_opens_zooms_and_resets(demo: StoreDaemon, tab: Tab) -> None:
    page = tab.open(demo.url)
    row(page, "shop.render_timer").click()
    wait_for_plot(page)
    assert "#/plot/timer/shop.render_timer" in page.url
    page.locator(".segments button", has_text="5m").click()
    page.locator("#panel .heat canvas").wait_for()
    box = page.locator(".chart .u-over").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + 60, steps=8)
    page.mouse.up()
    page.wait_for_url(re.compile("from=.*to="))
    start, end = (int(re.search(f"{name}=(\\d+)", page.url)[1]) for name in ("from", "to"))  # type: ignore[index]  # a miss fails the test
    assert end - start == pytest.approx(120, abs=5)
    reset = page.get_by_role("button", name="Reset zoom")
    expect(reset).to_be_enabled()
    reset.click()
    expect(reset).to_be_hidden()
    expect(page.locator("#panel")).to_be_focused()
    assert "from=" not in page.url
    tab.checked(demo.url)


def test_a_percentile_is_the_one_of_the_api(served: StoreDaemon, tab: Tab) -> None:
    send_timings(served.socket, "known", [number / 1000 for number in range(1, 101)])
    page = tab.open(f"{served.url}/#/plot/timer/known?range=300", rows=0)
    wait_for_plot(page)
    known = next(one for one in served.get("/data/series")["series"] if one["name"] == "known")
    now = served.get("/data/series")["now"]
    path = f"/data/plot?ids={known['id']}&start={int(now) - 300}&end={int(now) + 5}&points=305"
    newest = next(value for value in reversed(served.get(path)["merged"]["p95"]) if value)
    shown = page.evaluate("async (v) => (await import('/static/format.js')).duration(v)", newest)
    expect(page.locator('.legend button:has-text("p95") b')).to_have_text(shown)
    expect(page.locator('.stats div:has(dt:text-is("Timings")) dd')).to_have_text("100")
    expect(page.locator('.stats div:has(dt:text-is("Max")) dd')).to_have_text("100 ms")
    tab.checked(served.url)


def test_sources_are_overlaid_or_merged(served: StoreDaemon, tab: Tab) -> None:
    clients = [Zibrato(served.socket, linger=30, source=f"web-{number}") for number in (1, 2)]
    for client in clients:
        client.gauge(name="depth", value=5)
        client.close()
    page = tab.open(f"{served.url}/#/plot/gauge/depth?range=300")
    wait_for_plot(page)
    expect(page.locator(".legend button")).to_have_count(2)
    page.get_by_role("button", name="Merged").click()
    expect(page.locator(".legend")).to_contain_text("mean")
    page.locator(SOURCES).select_option("web-2")
    expect(page.locator("#panel .about")).to_contain_text("web-2")
    tab.checked(served.url)


def test_a_running_total_is_drawn_as_a_rate(served: StoreDaemon, tab: Tab) -> None:
    now = int(time())
    readings = [(20, 1000), (10, 1300), (0, 1300)]  # the list shows those of the last minute
    counters = [
        {"name": "requests", "value": total, "measure_time": now - ago} for ago, total in readings
    ]
    served.post("/v1/metrics", {"counters": counters})
    page = tab.open(f"{served.url}/#/plot/gauge/requests?range=300", rows=0)
    wait_for_plot(page)
    expect(page.locator(".legend button span")).to_have_text("rate")
    figure = page.locator(".stats div")
    for name, value in (("Total", "300"), ("Mean rate", "15/s"), ("Peak rate", "30/s")):
        expect(figure.filter(has_text=name).locator("dd")).to_have_text(value)
    page.get_by_role("button", name="Count").click()
    expect(page.locator(".legend button span")).to_have_text("count")
    in_list = row(page, "requests")
    for name, value in (("kind", "counter"), ("last", "0"), ("rate", "0/s")):
        expect(in_list.locator(f".{name}")).to_have_text(value)
    tab.checked(served.url)


def test_a_link_leads_back_to_the_same_plot(shop: StoreDaemon, tab: Tab) -> None:
    state = "q=shop&range=86400&mode=interval&split=each"
    page = tab.open(f"{shop.url}/#/plot/counter/shop.render_counter?{state}")
    wait_for_plot(page)
    expect(page.locator("#panel h2")).to_have_text("shop.render_counter")
    for name in ("1d", "Count", "Each"):
        pressed = page.locator(f'.segments button:text-is("{name}")').get_attribute("aria-pressed")
        assert pressed == "true", name
    expect(page.locator("#search")).to_have_value("shop")
    tab.checked(shop.url)


def test_a_logarithmic_scale_may_begin_anywhere(shop: StoreDaemon, tab: Tab) -> None:
    page = tab.open(shop.url)
    page.evaluate(LOGARITHMIC)
    tab.checked(shop.url)


def test_back_undoes_a_zoom_first(shop: StoreDaemon, tab: Tab) -> None:
    page = tab.open(shop.url, rows=10)
    row(page, "db.query").click()
    wait_for_plot(page)
    plot = page.url
    page.locator("#panel").focus()
    page.keyboard.press("+")
    page.wait_for_url(re.compile("from="))
    zoomed = page.url
    page.keyboard.press("ArrowLeft")  # moves on in place: Back doesn't go through each step
    page.wait_for_url(lambda url: url not in {plot, zoomed})
    page.go_back()
    page.wait_for_url(plot)
    expect(page.locator("#panel h2")).to_have_text("db.query")
    expect(page.get_by_role("button", name="Reset zoom")).to_be_hidden()
    page.go_back()
    expect(page.locator("#panel")).to_be_hidden()
    tab.checked(shop.url)


def test_a_link_to_a_metric_that_is_not_there_says_so(shop: StoreDaemon, tab: Tab) -> None:
    page = tab.open(f"{shop.url}/#/plot/gauge/nix", rows=10)
    notice = page.locator("#notice")
    expect(notice).to_contain_text("This daemon has no gauge “nix”")
    row(page, "db.query").click()
    expect(notice).to_be_hidden()
    page.goto(f"{shop.url}/#/plot/timer/db.query?source=web-1")
    expect(notice).to_contain_text("No series of the timer “db.query” passes these filters")
    tab.checked(shop.url)


AXES = """() => {
  const words = [];
  const { fillText } = CanvasRenderingContext2D.prototype;
  CanvasRenderingContext2D.prototype.fillText = function (text, x, ...rest) {
    const half = this.measureText(text).width / 2;
    if (this.textAlign === "center") words.push([text, x - half, x + half, this.canvas.width]);
    else words.push([text, 0, 0, 1]);
    return fillText.call(this, text, x, ...rest);
  };
  window.words = words;
}"""


def test_time_labels_are_several_and_whole(shop: StoreDaemon, tab: Tab) -> None:
    tab.page.add_init_script(f"({AXES})()")
    page = tab.open(f"{shop.url}/#/plot/gauge/shop.orders?range=300", rows=0)
    wait_for_plot(page)
    chart, room = page.locator(".chart canvas"), 0

    def times() -> dict[str, tuple[float, float]]:
        words = page.evaluate("window.words")
        return {
            text: (left, right) for text, left, right, of in words if ":" in text and of == room
        }

    for width in (1280, 390, 360):
        page.set_viewport_size({"width": width, "height": 800})
        eventually(lambda before=room: chart.evaluate("canvas => canvas.width") != before)  # type: ignore[misc]  # a default has no type
        room = chart.evaluate("canvas => canvas.width")
        eventually(lambda: len(times()) >= 2)
        for text, (left, right) in times().items():
            assert 0 <= left < right <= room, text
    tab.checked(shop.url)


def test_the_axis_of_a_rate_is_written_like_the_rate(served: StoreDaemon, tab: Tab) -> None:
    client = Zibrato(served.socket, linger=30)
    client.count(name="rare")
    client.close()
    tab.page.add_init_script(f"({AXES})()")
    page = tab.open(f"{served.url}/#/plot/counter/rare?range=86400")
    wait_for_plot(page)
    labels = {text for text, *_ in page.evaluate("window.words") if ":" not in text}
    assert any(text.endswith("/min") or text.endswith("/h") for text in labels), labels
    assert not any(" m/s" in text for text in labels), labels
    tab.checked(served.url)
