"""What the tests look for on the page."""

from __future__ import annotations

import re
from typing import Any

from tests.integration.shop import SHOP

LEVELS = "#filter-level"
SOURCES = "#filter-source"
METRICS = len(SHOP)


def names(page: Any) -> list[str]:
    return [
        re.sub(r"\s", "", text) for text in page.locator(".row:visible .name a").all_inner_texts()
    ]


def row(page: Any, name: str) -> Any:
    return page.locator(f'.row:visible:has(a[title="{name}"])').first


def expect(locator: Any) -> Any:
    from playwright.sync_api import expect as expected

    return expected(locator)


def expect_status(page: Any, text: str) -> None:
    expect(page.locator("#status")).to_have_text(text)


def wait_for_plot(page: Any) -> None:
    """Wait until the plot is drawn."""
    page.locator("#panel[data-ready]:not([aria-busy]) .chart canvas").wait_for()


def horizontal(page: Any) -> int:
    """Return how far the page can be scrolled sideways."""
    return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))
