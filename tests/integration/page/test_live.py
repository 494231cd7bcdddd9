"""The page follows a daemon that comes, measures and goes."""

from __future__ import annotations

import re
import sys
from typing import Any

from tests.integration.browser import Tab
from tests.integration.page.elements import expect, expect_status, names, row, wait_for_plot
from tests.integration.page.store_daemon import StoreDaemon
from tests.integration.processes import ROOT, Process, eventually
from zibrato import Zibrato


def test_the_example_appears_live_on_an_empty_page(served: StoreDaemon, tab: Tab) -> None:
    page = tab.open(served.url, rows=0)
    expect(page.locator("#empty")).to_contain_text("Nothing measured yet")
    expect(page.locator("#empty .hint")).to_contain_text(served.socket)
    expect_status(page, "Live")
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


def test_the_connection_comes_back_by_itself(served: StoreDaemon, tab: Tab) -> None:
    client = Zibrato(served.socket, linger=30)
    client.gauge(name="before", value=1)
    page = tab.open(served.url)
    expect_status(page, "Live")
    page.evaluate("window.stayed = true")
    served.stop()
    expect_status(page, "Reconnecting…")
    client.gauge(name="after", value=2)
    served.start()
    expect_status(page, "Live")
    row(page, "after").wait_for()
    row(page, "before").wait_for()
    assert page.evaluate("window.stayed") is True
    client.close()
    refused = [error for error in tab.errors if "ERR_" in error]
    assert tab.errors == refused  # what Chromium itself says of a server that is away


def test_what_is_measured_while_the_list_is_on_its_way_shows(served: StoreDaemon, tab: Tab) -> None:
    def answer_late(route: Any) -> None:
        answer = route.fetch()
        client.gauge(name="meanwhile", value=1)
        eventually(lambda: "meanwhile" in served.names())
        route.fulfill(response=answer)

    client = Zibrato(served.socket, linger=30)
    tab.page.route("**/data/series", answer_late, times=1)
    page = tab.open(served.url)
    assert names(page) == ["meanwhile"]
    client.close()
    tab.checked(served.url)


def test_annotations_are_marked(served: StoreDaemon, tab: Tab) -> None:
    client = Zibrato(served.socket, linger=30)
    client.count(name="orders")
    client.close()
    page = tab.open(served.url)
    served.post("/v1/annotations/deploys", {"title": "Release 7"})
    row(page, "orders").click()
    expect(page.locator(".marks")).to_contain_text("Release 7")
    tab.checked(served.url)


def test_health_is_one_click_away(demo: StoreDaemon, tab: Tab) -> None:
    page = tab.open(demo.url)
    page.get_by_role("link", name="Health").click()
    health = page.locator("#health")
    expect(health).to_contain_text("Nothing was rejected or dropped since the daemon started")
    expect(health.locator('.card:has-text("Received") b')).to_have_text(re.compile(r"[1-9]"))
    expect(health).to_contain_text("Reactor lag")
    expect(health.locator("table", has_text="Accepted")).to_contain_text("store")
    health.locator('.card:has-text("Memory")').click()
    wait_for_plot(page)
    tab.checked(demo.url)
