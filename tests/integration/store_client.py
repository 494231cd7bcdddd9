"""A daemon with a store, and what tests ask of it over HTTP."""

from __future__ import annotations

import json
import urllib.error
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from tests.integration.processes import Process, daemon

PAGE = r"the page is at (http://\S+)/"


class Store:
    """A daemon with a store on an ephemeral port, that can be started again."""

    def __init__(self, directory: Path) -> None:
        self.endpoint = f"ipc://{directory}/socket"
        self.path = directory / "store.sqlite"
        self.process: Process
        self.url = ""

    def start(self, *options: str) -> Process:
        self.process = daemon(
            *("--socket", self.endpoint, "--flush-interval", "1", "--source", "box"),
            *("--web", "tcp:0:interface=127.0.0.1", "--store", str(self.path), *options),
        )
        self.url = self.process.wait_for(PAGE)[1]
        return self.process

    def get(self, path: str) -> Any:
        with urlopen(self.url + path) as response:
            return json.load(response)

    def post(self, path: str, body: bytes, **headers: str) -> int:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        with urlopen(Request(self.url + path, body, named)) as response:
            return int(response.status)

    def total(self, name: str) -> float:
        """Return the sum of all that was measured of a name, over all sources."""
        try:
            measurements = self.get(f"/v1/metrics/{name}?duration=7200&resolution=1")[
                "measurements"
            ]
        except urllib.error.HTTPError:
            return 0.0
        return float(sum(point["sum"] for source in measurements.values() for point in source))
