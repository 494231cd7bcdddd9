"""The page of a real daemon, in a real browser."""

from __future__ import annotations

import json
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
import zmq

from tests.integration.browser import Tab, browser
from tests.integration.processes import ROOT, Process, daemon, eventually
from tests.integration.shop import SHOP, many, send_history
from zibrato import Zibrato

LEVELS = "#filter-level"
SOURCES = "#filter-source"
METRICS = len(SHOP)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as running:
        yield running


@pytest.fixture
def tab(chromium: Any) -> Iterator[Tab]:
    made = Tab(chromium)
    yield made
    made.context.close()


class Daemon:
    """A daemon with a store and a page; the same address and file when it is started again."""

    def __init__(self, directory: Path) -> None:
        self.socket = f"ipc://{directory}/socket"
        self._file = directory / "store.sqlite"
        self._port = "0"
        self.process: Process
        self.url = ""

    def start(self) -> None:
        """Start it, and wait until the page can be had."""
        self.process = daemon(
            *("--socket", self.socket, "--flush-interval", "1", "--source", "box"),
            *("--web", f"tcp:{self._port}:interface=127.0.0.1", "--store", str(self._file)),
        )
        self.url = self.process.wait_for(r"the page is at (http://\S+)/").group(1)
        self._port = self.url.rpartition(":")[2]

    def stop(self) -> None:
        """Stop it in order."""
        self.process.stop(signal.SIGTERM)

    def get(self, path: str) -> Any:
        """Return what it answers to GET."""
        with urlopen(self.url + path) as response:
            return json.load(response)

    def shown(self) -> set[str]:
        """Return the names of the metrics that are not its own."""
        known = {one["name"] for one in self.get("/data/series")["series"]}
        return {name for name in known if not name.startswith("zibrato.")}

    def post(self, path: str, body: Any) -> None:
        """Post a JSON body."""
        headers = {"Content-Type": "application/json"}
        urlopen(Request(self.url + path, json.dumps(body).encode(), headers)).close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Daemon]:
    made = Daemon(tmp_path)
    made.start()
    yield made
    with made.process:
        made.stop()


@pytest.fixture
def demo(served: Daemon) -> Iterator[Daemon]:
    with Process([sys.executable, str(ROOT / "examples/demo.py"), served.socket]):
        yield served


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon that has five minutes of a shop's measurements."""
    made = Daemon(tmp_path_factory.mktemp("shop"))
    made.start()
    with made.process:
        with zmq.Context() as context, context.socket(zmq.PUSH) as socket:
            socket.connect(made.socket)
            send_history(socket, 300, 1)
            eventually(lambda: len(made.shown()) == METRICS)
        yield made
        made.stop()


def names(page: Any) -> list[str]:
    return [
        re.sub(r"\s", "", text) for text in page.locator(".row:visible .name a").all_inner_texts()
    ]


def row(page: Any, name: str) -> Any:
    return page.locator(f'.row:visible:has(a[title="{name}"])').first


def expect(locator: Any) -> Any:
    from playwright.sync_api import expect as expected

    return expected(locator)


def status(page: Any, text: str) -> None:
    expect(page.locator("#status")).to_have_text(text, timeout=20_000)


def drawn(page: Any) -> None:
    """Wait until the plot is drawn."""
    page.locator("#panel[data-ready]:not([aria-busy]) .chart canvas").wait_for()


def horizontal(page: Any) -> int:
    """Return how far the page can be scrolled sideways."""
    return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))


# --- with a real daemon -------------------------------------------------------------------------


def test_the_example_appears_live_on_an_empty_page(served: Daemon, tab: Tab) -> None:
    page = tab.open(served.url, rows=0)
    expect(page.locator("#empty")).to_contain_text("Nothing measured yet")
    status(page, "Live")
    page.evaluate("window.stayed = true")
    with Process([sys.executable, str(ROOT / "examples/demo.py"), served.socket]):
        row(page, "shop.render_timer").wait_for()
        row(page, "shop.orders").wait_for()
        expect(row(page, "shop.render_counter").locator(".rate")).to_have_text(
            re.compile(r"[1-9].*/s")
        )
        before = row(page, "shop.orders").locator(".last").inner_text()
        expect(row(page, "shop.orders").locator(".last")).not_to_have_text(before)
        assert "shop.render_counter" in names(page)
        assert row(page, "shop.render_timer").locator(".level").inner_text() == "debug"
        assert row(page, "shop.orders").locator(".source").inner_text() == "demo"
    assert page.evaluate("window.stayed") is True
    assert not [name for name in names(page) if name.startswith("zibrato.")]
    tab.checked(served.url)


def test_a_plot_opens_zooms_and_resets(demo: Daemon, tab: Tab) -> None:
    page = tab.open(demo.url)
    row(page, "shop.render_timer").click()
    drawn(page)
    assert "#/plot/timer/shop.render_timer" in page.url
    page.locator(".segments button", has_text="5m").click()
    page.locator("#panel .heat canvas").wait_for()
    box = page.locator(".chart .u-over").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + 60, steps=8)
    page.mouse.up()
    page.wait_for_url(re.compile("from=.*to="))
    start, end = (int(re.search(f"{name}=(\\d+)", page.url)[1]) for name in ("from", "to"))  # type: ignore[index]
    assert end - start == pytest.approx(120, abs=5)
    reset = page.get_by_role("button", name="Reset zoom")
    expect(reset).to_be_enabled()
    reset.click()
    expect(reset).to_be_disabled()
    assert "from=" not in page.url
    tab.checked(demo.url)


def test_a_percentile_is_the_one_of_the_api(served: Daemon, tab: Tab) -> None:
    client = Zibrato(served.socket)
    for milliseconds in range(1, 101):
        client.timing(name="known", value=milliseconds / 1000)
    page = tab.open(f"{served.url}/#/plot/timer/known?range=300", rows=0)
    drawn(page)
    client.close()
    known = next(one for one in served.get("/data/series")["series"] if one["name"] == "known")
    now = served.get("/data/series")["now"]
    path = f"/data/plot?ids={known['id']}&start={int(now) - 300}&end={int(now) + 5}&points=305"
    newest = next(value for value in reversed(served.get(path)["merged"]["p95"]) if value)
    shown = page.evaluate("async (v) => (await import('/static/format.js')).duration(v)", newest)
    expect(page.locator('.legend button:has-text("p95") b')).to_have_text(shown)
    expect(page.locator('.stats div:has(dt:text-is("Timings")) dd')).to_have_text("100")
    expect(page.locator('.stats div:has(dt:text-is("Max")) dd')).to_have_text("100 ms")
    tab.checked(served.url)


def test_the_connection_comes_back_by_itself(served: Daemon, tab: Tab) -> None:
    client = Zibrato(served.socket)
    client.gauge(name="before", value=1)
    page = tab.open(served.url)
    status(page, "Live")
    page.evaluate("window.stayed = true")
    served.stop()
    status(page, "Reconnecting…")
    client.gauge(name="after", value=2)
    served.start()
    status(page, "Live")
    row(page, "after").wait_for()
    row(page, "before").wait_for()
    assert page.evaluate("window.stayed") is True
    client.close()
    refused = [error for error in tab.errors if "ERR_" in error]
    assert tab.errors == refused  # what Chromium itself says of a server that is away


def test_sources_are_overlaid_or_merged(served: Daemon, tab: Tab) -> None:
    clients = [Zibrato(served.socket, source=f"web-{number}") for number in (1, 2)]
    for client in clients:
        client.gauge(name="depth", value=5)
        client.close()
    page = tab.open(f"{served.url}/#/plot/gauge/depth?range=300")
    drawn(page)
    expect(page.locator(".legend button")).to_have_count(2)
    page.get_by_role("button", name="Merged").click()
    expect(page.locator(".legend")).to_contain_text("mean")
    page.locator(SOURCES).select_option("web-2")
    expect(page.locator("#panel .about")).to_contain_text("web-2")
    tab.checked(served.url)


def test_annotations_are_marked(served: Daemon, tab: Tab) -> None:
    client = Zibrato(served.socket)
    client.count(name="orders")
    client.close()
    page = tab.open(served.url)
    served.post("/v1/annotations/deploys", {"title": "Release 7"})
    row(page, "orders").click()
    expect(page.locator(".marks")).to_contain_text("Release 7")
    tab.checked(served.url)


def test_health_is_one_click_away(demo: Daemon, tab: Tab) -> None:
    page = tab.open(demo.url)
    page.get_by_role("link", name="Health").click()
    health = page.locator("#health")
    expect(health).to_contain_text("Nothing was lost since the daemon started")
    expect(health.locator('.card:has-text("Received") b')).to_have_text(re.compile(r"[1-9]"))
    expect(health).to_contain_text("Reactor lag")
    expect(health.locator("table", has_text="Accepted")).to_contain_text("store")
    health.locator('.card:has-text("Memory")').click()
    drawn(page)
    tab.checked(demo.url)


# --- with a daemon that knows a shop --------------------------------------------------------------


def test_search_and_filters(shop: Daemon, tab: Tab) -> None:
    page = tab.open(shop.url, rows=10)
    page.keyboard.press("/")
    page.keyboard.type("shop err")
    expect(page.locator("#count")).to_have_text("1 metric")
    assert names(page) == ["shop.errors"]
    page.keyboard.press("Escape")
    page.locator(LEVELS).select_option("warning+")
    expect(page.locator("#count")).to_have_text("3 metrics")
    page.locator(SOURCES).select_option("worker-1")
    expect(page.locator("#count")).to_have_text("2 metrics")
    page.locator("#clear").click()
    page.locator("#filter-tag").select_option("region=eu")
    expect(page.locator("#count")).to_have_text("2 metrics")
    page.locator("#clear").click()
    expect(page.locator("#count")).to_have_text(f"{METRICS} metrics")
    page.locator("#search").fill("no such thing")
    expect(page.locator("#empty")).to_contain_text("No metric matches")
    page.get_by_role("button", name="Clear search and filters").click()
    page.locator("#own").click()
    page.locator("#search").fill("zibrato.")
    expect(page.locator("#count")).not_to_have_text(f"{METRICS} metrics")
    assert all(name.startswith("zibrato.") for name in names(page))
    tab.checked(shop.url)


def test_everything_works_from_the_keyboard(shop: Daemon, tab: Tab) -> None:
    page = tab.open(shop.url, rows=10)
    page.keyboard.press("/")
    page.keyboard.type("db.")
    expect(page.locator("#count")).to_have_text("3 metrics")
    page.keyboard.press("ArrowDown")
    grid = page.get_by_role("grid", name="Metrics")
    expect(grid).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.locator(".row.active a")).to_have_attribute("title", "db.query")
    active = page.locator(".row.active").get_attribute("id")
    expect(grid).to_have_attribute("aria-activedescendant", active)
    page.keyboard.press("Enter")
    drawn(page)
    expect(page.locator("#panel h2")).to_have_text("db.query")
    expect(page.locator("#panel")).to_be_focused()
    page.keyboard.press("+")
    page.wait_for_url(re.compile("from="))
    page.keyboard.press("0")
    page.wait_for_url(lambda url: "from=" not in url)
    page.keyboard.press("Escape")
    expect(page.locator("#panel")).to_be_hidden()
    expect(grid).to_be_focused()
    tab.checked(shop.url)


def test_a_link_leads_back_to_the_same_plot(shop: Daemon, tab: Tab) -> None:
    state = "q=shop&range=86400&mode=interval&split=each"
    page = tab.open(f"{shop.url}/#/plot/counter/shop.render_counter?{state}")
    drawn(page)
    expect(page.locator("#panel h2")).to_have_text("shop.render_counter")
    for name in ("1d", "Count", "Each"):
        pressed = page.locator(f'.segments button:text-is("{name}")').get_attribute("aria-pressed")
        assert pressed == "true", name
    expect(page.locator("#search")).to_have_value("shop")
    tab.checked(shop.url)


SWIPE = """() => {
  const over = document.querySelector(".chart .u-over");
  const { left, top, width } = over.getBoundingClientRect();
  const point = (type, part) =>
    over.dispatchEvent(
      new PointerEvent(type, {
        pointerType: "touch",
        clientX: left + width * part,
        clientY: top + 20,
        bubbles: true,
      }),
    );
  point("pointerdown", 0.2);
  point("pointermove", 0.5);
  point("pointerup", 0.6);
}"""


def test_a_phone_zooms_by_finger_and_never_scrolls_sideways(shop: Daemon, chromium: Any) -> None:
    tab = Tab(chromium, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    page = tab.open(shop.url, rows=8)
    assert horizontal(page) <= 0
    row(page, "shop.checkout.duration").tap()
    drawn(page)
    assert horizontal(page) <= 0
    page.evaluate(SWIPE)
    page.wait_for_url(re.compile("from=.*to="))
    page.get_by_role("button", name="Close the plot").tap()
    row(page, "cache.hits").wait_for()
    page.locator("#health-link").tap()
    expect(page.locator("#health")).to_contain_text("Lost, by reason")
    assert horizontal(page) <= 0
    tab.checked(shop.url)
    tab.context.close()


def test_dark_follows_the_system_and_the_choice(shop: Daemon, chromium: Any) -> None:
    tab = Tab(chromium, color_scheme="dark")
    page = tab.open(shop.url)

    def lightness() -> int:
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(map(int, re.findall(r"\d+", background)[:3]))

    assert lightness() < 150
    page.locator("#theme").click()
    assert lightness() > 600
    page.reload()
    row(page, "cache.hits").wait_for()
    assert lightness() > 600
    page.locator("#theme").click()
    assert lightness() < 150
    tab.checked(shop.url)
    tab.context.close()


FRAMES = """() => new Promise((done) => {
  const times = [];
  let step = 0;
  const frame = (now) => {
    times.push(now);
    if (step === 60) {
      done(times.slice(1).map((each, i) => each - times[i]).sort((a, b) => a - b));
      return;
    }
    RUN;
    step += 1;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
})"""


def frames(page: Any, run: str) -> list[float]:
    """Return how long each of 60 frames took, sorted, in milliseconds, with `run` in each."""
    return list(page.evaluate(FRAMES.replace("RUN", run)))


def test_five_thousand_metrics_scroll_smoothly(served: Daemon, tab: Tab) -> None:
    with zmq.Context() as context, context.socket(zmq.PUSH) as socket:
        socket.connect(served.socket)
        socket.send(many(5000))
        page = tab.open(served.url, rows=10)
    expect(page.locator("#count")).to_have_text("5,000 metrics")
    took = frames(page, "document.getElementById('list').scrollTop += 2111")
    assert took[len(took) // 2] < 50
    assert took[-1] < 400
    assert page.locator(".row").count() < 60
    assert page.evaluate("document.querySelectorAll('*').length") < 1500
    page.locator("#search").fill("part4999")
    expect(page.locator("#count")).to_have_text("1 metric")
    tab.checked(served.url)


def test_ten_thousand_points_stay_smooth(shop: Daemon, tab: Tab) -> None:
    def answer(route: Any) -> None:
        times = list(range(1_700_000_000, 1_700_020_000, 2))
        values = [10 + index % 97 / 10 for index in range(10_000)]
        columns = dict.fromkeys(("count", "sum", "min", "max", "last", "p50", "p95", "p99"), values)
        number = int(re.search(r"ids=(\d+)", route.request.url)[1])  # type: ignore[index]
        series = [{"id": number, **columns}]
        body = {"resolution": 2, "times": times, "series": series, "merged": columns, "heat": None}
        route.fulfill(json=body)

    tab.page.route("**/data/plot?*", answer)
    link = f"{shop.url}/#/plot/timer/db.query?from=1700000000&to=1700020000"
    page = tab.open(link)
    drawn(page)
    box = page.locator(".chart .u-over").bounding_box()
    page.mouse.move(box["x"] + 40, box["y"] + 60)
    move = (
        "document.querySelector('.u-over').dispatchEvent(new MouseEvent('mousemove', "
        f"{{clientX: {box['x']} + step * 9, clientY: {box['y']} + 50, bubbles: true}}))"
    )
    took = frames(page, move)
    assert took[len(took) // 2] < 50
    assert took[-1] < 400
    tab.checked(shop.url)


def test_a_logarithmic_scale_may_begin_anywhere(shop: Daemon, tab: Tab) -> None:
    page = tab.open(shop.url)
    page.evaluate(LOGARITHMIC)
    tab.checked(shop.url)


LOGARITHMIC = """async () => {
  const { Chart } = await import("/static/chart.js");
  const root = document.body.appendChild(document.createElement("div"));
  const chart = new Chart(root, { zoom() {}, reset() {}, hover() {} });
  for (let low = 0.01; low < 0.12; low *= 1.01) {
    const values = [low, low * 12, low * 90];
    const lines = [{ label: "one", values, color: "--p50" }];
    const drawn = { times: [1, 2, 3], lines, bands: [], stepped: false };
    chart.show(drawn, { start: 1, end: 3 }, "seconds", true);
    await new Promise(requestAnimationFrame);
  }
  root.remove();
}"""


NUMBERS = [
    ("number", 0, "0"),
    ("number", 1234, "1,234"),
    ("number", 12345, "12.3 k"),
    ("number", 999_950, "1 M"),
    ("number", -0.5, "\N{MINUS SIGN}0.5"),
    ("number", 0.00042, "420 µ"),
    ("number", None, "\N{EN DASH}"),
    ("duration", 0.0000042, "4.2 µs"),
    ("duration", 0.0234, "23.4 ms"),
    ("duration", 1, "1 s"),
    ("duration", 90, "90 s"),
    ("duration", 7200, "2 h"),
    ("bytes", 512, "512 B"),
    ("bytes", 67_108_864, "64 MiB"),
    ("rate", 12.34, "12.3/s"),
    ("rate", 0.05, "3/min"),
    ("whole", 1204331, "1,204,331"),
]


def test_numbers_are_written_for_people(shop: Daemon, tab: Tab) -> None:
    page = tab.open(shop.url)
    ask = "async ([kind, value]) => (await import('/static/format.js'))[kind](value)"
    shown = [page.evaluate(ask, [kind, value]) for kind, value, _ in NUMBERS]
    assert shown == [wanted for _, _, wanted in NUMBERS]
    tab.checked(shop.url)
