"""A daemon with a store and a page, which can be stopped and started again."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from tests.integration.processes import Process, daemon


class StoreDaemon:
    """A daemon with a store and a page; has the same address and file when it is started again."""

    def __init__(self, directory: Path) -> None:
        self.socket = f"ipc://{directory}/socket"
        self.file = directory / "store.sqlite"
        self._port = "0"
        self.process: Process
        self.url = ""

    def start(self) -> None:
        """Start it, and wait until the page can be had."""
        self.process = daemon(
            *("--socket", self.socket, "--flush-interval", "1", "--source", "box"),
            *("--stop-timeout", "30"),
            *("--web", f"tcp:{self._port}:interface=127.0.0.1", "--store", str(self.file)),
        )
        self.url = self.process.wait_for(r"the page is at (http://\S+)/").group(1)
        self._port = self.url.rpartition(":")[2]

    def stop(self) -> None:
        """Stop it in order."""
        self.process.stop(signal.SIGTERM)

    def get(self, path: str) -> Any:
        """Return what it answers to GET."""
        with urlopen(self.url + path) as response:
            return json.load(response)

    def names(self) -> set[str]:
        """Return the names of the metrics that are not its own."""
        names = {series["name"] for series in self.get("/data/series")["series"]}
        return {name for name in names if not name.startswith("zibrato.")}

    def post(self, path: str, body: Any, method: str = "POST") -> None:
        """Post a JSON body."""
        headers = {"Content-Type": "application/json"}
        data = json.dumps(body).encode()
        urlopen(Request(self.url + path, data, headers, method=method)).close()

    def put(self, path: str, body: Any) -> None:
        """Put a JSON body."""
        self.post(path, body, "PUT")
