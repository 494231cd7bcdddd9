"""The list of metrics: search, filters, the keyboard."""

from __future__ import annotations

import re

from tests.integration.browser import Tab
from tests.integration.page.elements import (
    LEVELS,
    METRICS,
    SOURCES,
    expect,
    names,
    row,
    wait_for_plot,
)
from tests.integration.page.store_daemon import StoreDaemon


def test_search_and_filters(shop: StoreDaemon, tab: Tab) -> None:
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


def test_everything_works_from_the_keyboard(shop: StoreDaemon, tab: Tab) -> None:
    page = tab.open(shop.url, rows=10)
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
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
    wait_for_plot(page)
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


def test_a_name_and_units_that_were_put_are_shown(served: StoreDaemon, tab: Tab) -> None:
    served.post("/v1/metrics", {"gauges": [{"name": "q.depth", "value": 12, "source": "box"}]})
    page = tab.open(served.url)
    served.put("/v1/metrics/q.depth", {
        "display_name": "Waiting jobs", "description": "Of all workers",
        "attributes": {"display_units_short": "jobs"},
    })  # fmt: skip
    expect(row(page, "q.depth").locator(".name")).to_contain_text("Waiting jobs")
    expect(row(page, "q.depth").locator(".last")).to_contain_text("12 jobs")
    row(page, "q.depth").click()
    wait_for_plot(page)
    expect(page.locator("#panel h2")).to_have_text("Waiting jobs")
    expect(page.locator("#panel .about")).to_contain_text("q.depth")
    expect(page.locator("#panel .about")).to_contain_text("Of all workers")
    expect(page.locator(".stats")).to_contain_text("12 jobs")
    expect(page.locator(".legend")).to_contain_text("12 jobs")
    served.put("/v1/metrics", {
        "names": "q.*", "display_name": None, "attributes": {"display_units_short": "tasks"},
    })  # fmt: skip
    expect(page.locator("#panel h2")).to_have_text("q.depth")
    expect(page.locator(".stats")).to_contain_text("12 tasks")
    expect(page.locator(".legend")).to_contain_text("12 tasks")
    page.locator("#search").fill("tasks")
    expect(page.locator("#count")).to_have_text("0 metrics")
    tab.checked(served.url)
