"""What the page says of the daemon itself, and where it listens."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.integration.browser import Tab
from tests.integration.page.elements import expect, row
from tests.integration.page.store_daemon import StoreDaemon
from tests.integration.processes import daemon, eventually
from zibrato import Zibrato

TOLD = """
  window.told = [];
  addEventListener("DOMContentLoaded", () => {
    const empty = document.getElementById("empty");
    new MutationObserver(() => told.push(empty.innerText)).observe(empty, { childList: true });
  });
"""


def received(served: StoreDaemon) -> int:
    series = served.get("/data/health")["series"]
    return sum(one["total"] for one in series if one["name"] == "zibrato.intake.received")


def test_the_empty_page_has_a_program_that_reaches_this_daemon(
    served: StoreDaemon, tab: Tab
) -> None:
    page = tab.open(served.url, rows=0)
    expect(page.locator("#empty code").first).to_contain_text(served.socket)
    program = page.locator("#empty code").first.inner_text()
    subprocess.run([sys.executable, "-c", program], check=True)
    row(page, "pages").wait_for()
    row(page, "render").wait_for()
    tab.checked(served.url)


def test_the_empty_page_says_at_once_and_never_wrongly_where_the_daemon_listens(
    served: StoreDaemon, tab: Tab
) -> None:
    eventually(lambda: served.get("/data/series")["series"] != [])  # its own, which are hidden
    served.stop()
    options = ("--flush-interval", "600", "--socket", served.socket, "--store", served.file)
    with daemon(*map(str, options), "--web", "tcp:0:interface=127.0.0.1") as process:
        url = process.wait_for(r"the page is at (http://\S+)/").group(1)
        tab.page.add_init_script(TOLD)
        page = tab.open(url, rows=0)
        expect(page.locator("#empty .hint")).to_contain_text(served.socket)
        assert not [told for told in page.evaluate("told") if "no address" in told]
        tab.checked(url)
        process.stop()
    served.start()


def test_what_another_daemon_measured_of_itself_is_not_this_ones(
    served: StoreDaemon, tab: Tab
) -> None:
    foreign = {"name": "zibrato.intake.received", "value": 1e9, "source": "elsewhere",
               "attributes": {"summarize_function": "sum"}}  # fmt: skip
    dropped = {**foreign, "name": "zibrato.backend.dropped"}
    served.post("/v1/metrics", {"gauges": [foreign, dropped]})
    client = Zibrato(served.socket, linger=30)
    client.count(name="one")
    client.close()
    eventually(lambda: received(served) >= 1)
    page = tab.open(f"{served.url}/#/health", rows=0)
    health = page.locator("#health")
    expect(health.locator('.card:has-text("Received") b')).to_have_text(re.compile("^[1-9][0-9]*$"))
    assert received(served) < 1e6
    expect(health.locator(".verdict")).to_contain_text("Nothing was rejected or dropped")
    expect(page.locator("#health-badge")).to_be_hidden()
    tab.checked(served.url)


def test_the_badge_can_be_acknowledged_until_more_is_lost(served: StoreDaemon, tab: Tab) -> None:
    client = Zibrato(served.socket, linger=30)

    def lose() -> None:
        client.gauge(name="x" * 300, value=1)
        assert client.flush()

    lose()
    page = tab.open(f"{served.url}/#/health", rows=0)
    badge = page.locator("#health-badge")
    expect(badge).to_be_visible()
    page.get_by_role("button", name="Acknowledge").click()
    expect(badge).to_be_hidden()
    expect(page.locator(".verdict")).to_contain_text("1 dropped")
    page.reload()
    expect(page.locator(".verdict")).to_contain_text("You have acknowledged that")
    expect(badge).to_be_hidden()
    lose()
    expect(badge).to_be_visible()
    expect(page.locator("#health-link")).to_have_attribute("title", "Measurements: 1 dropped")
    client.close()
    tab.checked(served.url)


def test_figures_of_a_daemon_that_is_away_say_so(served: StoreDaemon, tab: Tab) -> None:
    verdict = tab.open(f"{served.url}/#/health", rows=0).locator(".verdict")
    expect(verdict).to_contain_text("Nothing was rejected")
    served.stop()
    expect(verdict).to_contain_text("last figures")
    served.start()
    expect(verdict).to_contain_text("Nothing was rejected")


def test_what_is_wrong_with_the_daemon_is_said_as_zibrato_status_says_it(
    served: StoreDaemon, tab: Tab
) -> None:
    page = tab.open(f"{served.url}/#/health", rows=0)
    badge, verdicts = page.locator("#health-badge"), page.locator(".verdict")
    expect(verdicts).to_have_count(1)
    expect(badge).to_be_hidden()
    path = served.socket.removeprefix("ipc://")
    Path(path).unlink()
    expect(verdicts.first).to_contain_text(f"critical: the socket {path} is gone")
    expect(verdicts.first).to_have_attribute("data-state", "critical")
    expect(badge).to_be_visible()
    expect(page.locator("#health-link")).to_have_attribute("title", re.compile("^critical: "))
