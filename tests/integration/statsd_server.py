"""statsd of npm, unmodified but for what Node.js no longer has."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

from tests.integration import npm
from tests.integration.processes import Process, eventually
from tests.ports import free_port

OLD_NODE = 'require("util").log ??= console.log;'
"""What statsd calls is gone since Node.js 23."""


class StatsdServer:
    """A statsd that flushes to a backend, on a port that a restart keeps."""

    process: Process

    def __init__(self, modules: Path, directory: Path, backend: str, **settings: Any) -> None:
        self.port = free_port(socket.SOCK_DGRAM)
        server = {"server": "./servers/udp", "address": "127.0.0.1", "port": self.port}
        config = {"servers": [server], "backends": [backend], **settings,
                  "mgmt_address": "127.0.0.1", "mgmt_port": free_port(socket.SOCK_STREAM),
                  "flushInterval": 300, "deleteIdleStats": True, "debug": True}  # fmt: skip
        path = directory / "config.js"
        path.write_text(json.dumps(config))
        (directory / "node.js").write_text(OLD_NODE)
        node = [npm.NODE, "--require", str(directory / "node.js")]
        self._command = [*node, str(modules / "statsd/stats.js"), str(path)]

    def start(self) -> Process:
        """Return its process, once it listens."""
        self.process = Process(self._command)
        eventually(self._listens)  # it says that it is up before it is
        return self.process

    def _listens(self) -> bool:
        self.send("probe:1|c")
        return '"probe"' in self.process.output

    def send(self, *lines: str) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto("\n".join(lines).encode(), ("127.0.0.1", self.port))
