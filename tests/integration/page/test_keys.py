"""The keys, and that the page says which there are."""

from __future__ import annotations

import re

from tests.integration.browser import Tab
from tests.integration.page.elements import expect, row, wait_for_plot
from tests.integration.page.store_daemon import StoreDaemon


def test_a_question_mark_lists_all_keys(shop: StoreDaemon, tab: Tab) -> None:
    page = tab.open(shop.url, rows=10)
    help_ = page.locator("#help")
    page.keyboard.press("?")
    expect(help_).to_be_visible()
    for key in ("/", "Esc", "?", "Enter", "\N{LEFTWARDS ARROW}", "+", "0"):
        expect(help_.locator(f'kbd:text-is("{key}")').first).to_be_visible()
    page.keyboard.press("Escape")
    expect(help_).to_be_hidden()
    page.get_by_role("button", name="Keys").click()
    expect(help_).to_be_visible()
    help_.get_by_role("button", name="Close").click()
    expect(help_).to_be_hidden()
    page.locator("#search").press("?")
    expect(help_).to_be_hidden()
    expect(page.locator("#search")).to_have_value("?")
    tab.checked(shop.url)


def test_arrows_move_the_plot_wherever_the_focus_is(shop: StoreDaemon, tab: Tab) -> None:
    page = tab.open(shop.url, rows=10)
    row(page, "db.query").click()
    wait_for_plot(page)
    expect(page.locator("#panel .keys")).to_contain_text("all keys")
    page.locator("#list").focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_url(re.compile("from="))
    page.keyboard.press("0")
    page.wait_for_url(lambda url: "from=" not in url)
    page.locator("#search").press("ArrowLeft")
    page.locator("#search").press("+")
    assert "from=" not in page.url
    tab.checked(shop.url)
