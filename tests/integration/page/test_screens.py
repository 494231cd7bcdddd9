"""A phone, wide screens, and the two themes."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.integration.browser import Tab
from tests.integration.page.elements import expect, horizontal, row, wait_for_plot
from tests.integration.page.store_daemon import StoreDaemon
from zibrato import Zibrato

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

COLUMNS = """() => {
  const all = (root, names) => [...root.querySelectorAll(names)];
  const boxes = (root, names) => all(root, names).map((part) => part.getBoundingClientRect());
  const rows = all(document, ".row:not([hidden])");
  const cells = boxes(rows[0], ".name, .spark, .kind, .level, .source, .last, .rate");
  const everyBox = (names) => rows.flatMap((row) => boxes(row, names));
  const texts = rows.flatMap((row) => [...row.children, ...all(row, ".name a, .meta > *")]);
  return {
    isWhole: texts.every((text) => text.scrollWidth <= text.clientWidth || !text.clientWidth),
    heads: boxes(document, "#heads > *").map(({ left }) => left),
    cells: cells.map(({ left }) => left),
    right: cells.at(-1).right,
    spark: cells[1],
    name: Math.max(...everyBox(".name a").map(({ right }) => right)),
    source: Math.max(...everyBox(".source *").map(({ right }) => right)),
    last: Math.min(...everyBox(".last span").map(({ left }) => left)),
  };
}"""


CLIPPED = """() => [...document.querySelectorAll(".row:not([hidden]) :is(.level, .source span)")]
  .filter((part) => part.scrollWidth > part.clientWidth)
  .map((part) => part.innerText)"""


NAMES = """() => [...document.querySelectorAll(".row:not([hidden]) .name a")].map((link) => {
  const own = link.querySelector(".own-name");
  const [inner, outer] = [own, link].map((part) => part.getBoundingClientRect());
  const isWhole = own.scrollWidth <= own.clientWidth && inner.right <= outer.right + 1;
  return isWhole && inner.width > 0 ? own.innerText : "";
})"""


def test_the_list_fills_its_width_and_clips_nothing(shop: StoreDaemon, tab: Tab) -> None:
    page = tab.open(shop.url, rows=10)
    expect(page.locator("#activity")).to_have_text("Activity, 60 s")  # intervals are of 1 s
    for width in (1920, 1280, 960, 840):
        page.set_viewport_size({"width": width, "height": 800})
        page.evaluate("() => new Promise(requestAnimationFrame)")
        columns = page.evaluate(COLUMNS)
        assert columns["isWhole"], width
        assert columns["right"] <= width
        assert columns["cells"] == pytest.approx(columns["heads"], abs=1)
        assert columns["spark"]["left"] - columns["name"] < 80, width
        assert columns["last"] - columns["source"] < 120, width
        assert columns["spark"]["width"] >= (0.3 * width if width > 1200 else 90)
    tab.checked(shop.url)


@pytest.mark.parametrize(("width", "link"), [(390, ""), (1280, "#/plot/counter/cache.hits")])
def test_a_narrow_list_clips_no_level_and_no_source(
    shop: StoreDaemon, chromium: Any, width: int, link: str
) -> None:
    tab = Tab(chromium, viewport={"width": width, "height": 1300})
    page = tab.open(f"{shop.url}/{link}", rows=17)
    assert page.evaluate(CLIPPED) == []
    expect(row(page, "mail.bounced").locator(".kind")).to_have_text("counter")
    tab.checked(shop.url)
    tab.context.close()


@pytest.mark.parametrize("width", [360, 1280])
def test_a_name_that_has_no_room_loses_its_namespace_first(
    served: StoreDaemon, chromium: Any, width: int
) -> None:
    namespace = "a.namespace.that.is.much.too.long.for.a.list." * 4
    tab = Tab(chromium, viewport={"width": width, "height": 800})
    with Zibrato(served.socket, linger=30) as z:
        z.count(name=f"{namespace}_requests")
        z.count(name=f"{namespace}_errors")
        page = tab.open(served.url, rows=2)
    assert page.evaluate(NAMES) == ["_errors", "_requests"]
    tab.checked(served.url)
    tab.context.close()


def test_few_metrics_get_higher_rows_than_many(shop: StoreDaemon, tab: Tab) -> None:
    page = tab.open(shop.url, rows=10)

    def heights() -> list[int]:
        parts = ".row:visible", ".row:visible canvas"
        return [int(page.locator(part).first.bounding_box()["height"]) for part in parts]

    assert heights() == [32, 26]
    page.locator("#search").fill("db.")
    expect(page.locator("#count")).to_have_text("3 metrics")
    expect(page.locator("#list.roomy")).to_be_visible()
    assert heights() == [52, 44]


def test_a_phone_zooms_by_finger_and_never_scrolls_sideways(
    shop: StoreDaemon, chromium: Any
) -> None:
    tab = Tab(chromium, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    page = tab.open(shop.url, rows=8)
    assert horizontal(page) <= 0
    row(page, "shop.checkout.duration").tap()
    wait_for_plot(page)
    assert horizontal(page) <= 0
    page.evaluate(SWIPE)
    page.wait_for_url(re.compile("from=.*to="))
    page.get_by_role("button", name="Close the plot").tap()
    row(page, "cache.hits").wait_for()
    page.locator("#health-link").tap()
    expect(page.locator("#health")).to_contain_text("Rejected and dropped, by reason")
    assert horizontal(page) <= 0
    tab.checked(shop.url)
    tab.context.close()


def test_a_phone_shows_long_texts_within_its_width(served: StoreDaemon, chromium: Any) -> None:
    tab = Tab(chromium, viewport={"width": 360, "height": 740}, has_touch=True)
    page = tab.open(served.url, rows=0)
    page.locator("#empty code").first.wait_for()
    box = page.locator("#empty").bounding_box()
    assert 0 <= box["x"] <= box["x"] + box["width"] <= 360
    with Zibrato(served.socket, linger=30) as z:
        z.count(name="pages", level="w" * 32, source="s" * 120, tags={"key": "v" * 120})
        row(page, "pages").wait_for()
    event = {"title": "t" * 120, "description": "d" * 120}
    served.post("/v1/annotations/deploys", event)
    level, meta = (row(page, "pages").locator(part).bounding_box() for part in (".level", ".meta"))
    assert level["x"] + level["width"] <= meta["x"] + meta["width"]
    row(page, "pages").tap()
    wait_for_plot(page)
    page.locator(".marks li").wait_for()
    for part in (".about", ".marks"):
        shown = page.locator(f"#panel {part}")
        assert shown.evaluate("(text) => text.scrollWidth <= text.clientWidth"), part
    tab.checked(served.url)
    tab.context.close()


def test_dark_follows_the_system_and_the_choice(shop: StoreDaemon, chromium: Any) -> None:
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
