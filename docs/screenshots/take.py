"""Take the README's pictures of the page: `python docs/screenshots/take.py [DIRECTORY]`.

A real daemon gets an hour of an imagined shop's measurements, then those of a minute as they
happen; Chromium looks at it. Takes about three minutes.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
from pathlib import Path
from time import sleep, time
from typing import Any
from urllib.request import Request, urlopen

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from tests.integration.browser import Tab, browser  # noqa: E402 - found by the path above
from tests.integration.processes import daemon  # noqa: E402 - found by the path above
from tests.integration.shop import open_shop  # noqa: E402 - found by the path above

HISTORY = 3600
LIVE = 130
"""Seconds: more than the 60 intervals of a sparkline, in which the history would leave a gap."""
INTERVAL = 2
LIMIT = 200_000
# Any: Playwright has a type for each of its options.
DESK: dict[str, Any] = {"viewport": {"width": 1200, "height": 760}}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 780}, "color_scheme": "dark"}


PICTURES = (
    ("list", "", DESK),
    ("timer", "#/plot/timer/shop.checkout.duration", DESK),
    ("health", "#/health", DESK),
    ("phone-list", "", PHONE),
    ("phone-timer", "#/plot/timer/shop.checkout.duration?log=1", PHONE),
)


def annotate(url: str, stream: str, ago: float, event: dict[str, object]) -> None:
    """Post an annotation that began `ago` seconds ago."""
    body = {"start_time": int(time() - ago), **event}
    headers = {"Content-Type": "application/json"}
    request = Request(f"{url}/v1/annotations/{stream}", json.dumps(body).encode(), headers)  # noqa: S310 - http:, from our daemon
    urlopen(request).close()  # noqa: S310 - http:, from our daemon


def take(url: str, directory: Path) -> None:
    """Take every picture; raises where one is too large to look at from a README."""
    with browser() as running:
        for name, link, settings in PICTURES:
            tab = Tab(running, **settings)
            page = tab.open(f"{url}/{link}", rows=0)
            page.locator('#status[data-state="live"]').wait_for()
            if "plot" in link:
                page.locator("#panel[data-ready]").wait_for()
            page.wait_for_timeout(2500)
            path = directory / f"{name}.png"
            page.screenshot(path=path, animations="disabled")
            tab.checked(url)
            print(f"{path}: {path.stat().st_size:,} bytes", flush=True)
            if path.stat().st_size > LIMIT:
                raise SystemExit(f"{path} is larger than {LIMIT:,} bytes")


def main() -> None:
    """Start the daemon, feed it, take the pictures."""
    random.seed(7)
    directory = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    with tempfile.TemporaryDirectory() as temporary:
        endpoint = f"ipc://{temporary}/socket"
        options = ("--web", "tcp:0:interface=127.0.0.1", "--store", f"{temporary}/store")
        with daemon("--socket", endpoint, "--flush-interval", str(INTERVAL), *options) as process:
            url = process.wait_for(r"the page is at (http://\S+)/").group(1)
            with open_shop(endpoint, HISTORY, INTERVAL):
                annotate(url, "deploys", 1620, {"title": "Release 4.2.0", "source": "ci"})
                annotate(
                    url, "maintenance", 720,
                    {"title": "Reindex", "source": "db-1", "end_time": int(time() - 600)},
                )  # fmt: skip
                sleep(LIVE)
                take(url, directory)
            process.stop()


if __name__ == "__main__":
    main()
