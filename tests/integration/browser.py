"""Chromium, headless, driven by Playwright; what it says and asks for is written down."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NAMES = (
    "chromium-headless-shell",  # draws the same for half of the processor's time
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
)
HOW = "apt-get install chromium"
DESK = {"width": 1280, "height": 800}


def chromium() -> str | None:
    """Return the browser's path; install Debian's where it is missing and this may."""
    path = _installed()
    if path is None and os.geteuid() == 0 and shutil.which("apt-get"):
        for command in (["update", "-qq"], ["install", "-y", "-qq", "chromium"]):
            subprocess.run(["apt-get", *command], check=False, capture_output=True)
        path = _installed()
    return path


@contextmanager
def browser() -> Iterator[Any]:
    """Yield a running browser; skips where there is none and none can be installed."""
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    path = chromium()
    if path is None:
        pytest.skip(f"no Chromium on this machine: {HOW}")
    playwright.expect.set_options(timeout=30_000)  # 5 s are too few on a busy machine
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield running
        running.close()


class Tab:
    """A page with its own profile that keeps what went to the console and over the network."""

    def __init__(self, browser: Any, **settings: Any) -> None:
        self.context = browser.new_context(
            **{"viewport": {"width": 1280, "height": 800}, **settings}
        )
        self.page = self.context.new_page()
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))

    def _said(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.errors.append(message.text)

    def open(self, url: str, rows: int = 1) -> Any:
        """Go to `url` and wait until that many metrics are there; return Playwright's page."""
        self.page.goto(url)
        if rows:
            self.page.locator(".row:visible").nth(rows - 1).wait_for()
        return self.page

    def checked(self, url: str) -> None:
        """Assert that nothing went wrong and that nothing was asked of anyone else than `url`."""
        assert self.errors == []
        elsewhere = [asked for asked in self.requests if not asked.startswith((url, "data:"))]
        assert elsewhere == []


def _installed() -> str | None:
    return next((path for path in map(shutil.which, NAMES) if path), None)
