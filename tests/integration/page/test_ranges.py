"""A plot opens with a range that fits the age of its data."""

from __future__ import annotations

import re
from collections.abc import Iterator
from time import time
from typing import Any

import pytest

from tests.integration.browser import Tab
from tests.integration.page.elements import expect, row, wait_for_plot
from tests.integration.page.store_daemon import StoreDaemon
from zibrato import Zibrato
from zibrato.model import GAUGE, Series, Summary
from zibrato.store.db.schema import open_for_writing
from zibrato.store.db.tiers import RETENTION, parse_retention
from zibrato.store.db.writer import Writer


def chosen(page: Any) -> Any:
    return page.locator('[data-group="range"] [aria-pressed="true"]')


def test_what_has_run_for_seconds_opens_at_five_minutes(served: StoreDaemon, tab: Tab) -> None:
    client = Zibrato(served.socket, linger=30)
    client.gauge(name="young", value=1)
    client.close()
    page = tab.open(served.url)
    row(page, "young").click()
    wait_for_plot(page)
    expect(chosen(page)).to_have_text("5m")
    assert "range" not in page.url  # a link to it fits its data anew
    page.locator(".segments button", has_text="6h").click()
    expect(chosen(page)).to_have_text("6h")
    page.wait_for_url("**range=21600**")
    tab.checked(served.url)


AGES = {1200: "1h", 7000: "6h", 2 * 86400: "1w", 20 * 86400: "30d"}


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreDaemon]:
    """A daemon whose file has gauges that were last read long ago, each at another time."""
    made = StoreDaemon(tmp_path_factory.mktemp("old"))
    connection = open_for_writing(made.file, 1 << 30)
    writer = Writer(connection, parse_retention(RETENTION), 1 << 30)
    reading = Summary(1, 5.0, 5.0, 5.0, 25.0, 5.0)
    writer.add([(Series(GAUGE, f"old.{age}", "box"), int(time() - age), reading) for age in AGES])
    while writer.maintenance(time()):
        pass
    connection.close()
    made.start()
    with made.process:
        yield made
        made.stop()


def test_what_was_last_seen_long_ago_opens_where_it_shows(old: StoreDaemon, tab: Tab) -> None:
    page = tab.open(old.url, rows=len(AGES))
    for age, name in AGES.items():
        expect(row(page, f"old.{age}").locator(".last")).to_contain_text("5")
        expect(row(page, f"old.{age}").locator(".rate")).to_have_text(re.compile(r"(min|h|d) ago$"))
        row(page, f"old.{age}").click()
        wait_for_plot(page)
        expect(page.locator("#panel h2")).to_have_text(f"old.{age}")
        expect(chosen(page)).to_have_text(name)
        expect(page.locator('.stats div:has(dt:text-is("Last")) dd')).to_have_text("5")
        page.keyboard.press("Escape")
        expect(page.locator("#panel")).to_be_hidden()
    tab.checked(old.url)
