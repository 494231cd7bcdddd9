"""A phone, and the two themes."""

from __future__ import annotations

import re
from typing import Any

from tests.integration.browser import Tab
from tests.integration.page.elements import expect, horizontal, row, wait_for_plot
from tests.integration.page.store_daemon import StoreDaemon

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
