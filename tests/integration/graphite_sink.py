"""Takes Graphite's lines over TCP, on a port that a restart keeps, and adds up what came."""

from __future__ import annotations

import socketserver
import threading
from collections import defaultdict
from contextlib import suppress
from socket import SHUT_RDWR, socket


class GraphiteSink:
    """Serves an ephemeral port of 127.0.0.1; `sums` are of the values of each path."""

    def __init__(self) -> None:
        self.sums: defaultdict[str, float] = defaultdict(float)
        self._lock = threading.Lock()
        self._server: _Server | None = None
        self.port = 0
        self.start()

    def start(self) -> None:
        """Listen, on the port of before if there was one."""
        self._server = _Server(self, self.port)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Close the port and all connections; what was added up stays."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()
            for connection in [*server.connections]:
                with suppress(OSError):
                    connection.shutdown(SHUT_RDWR)

    def take(self, line: bytes) -> None:
        """Add up a line: a path, a value and a time."""
        path, value, _ = line.decode().split()
        with self._lock:
            self.sums[path] += float(value)


class _Server(socketserver.ThreadingTCPServer):
    """Knows its connections, so that stopping ends them too."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, owner: GraphiteSink, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.owner = owner
        self.connections: set[socket] = set()


class _Handler(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        self.server.connections.add(self.connection)
        with suppress(OSError):
            for line in self.rfile:
                if line.endswith(b"\n"):
                    self.server.owner.take(line)
        self.server.connections.discard(self.connection)
