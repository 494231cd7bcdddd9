"""A Librato-style HTTP server in threads of its own: strict, all or nothing, and a recorder.

with LibratoServer() as server:
    post(server.url + "/v1/metrics", auth=(server.username, server.apikey))
    server.wait_for(lambda: server.total("requests") == 100)
"""

from __future__ import annotations

import hmac
import json
import socket
import ssl
import threading
import time
from base64 import b64encode
from collections import deque
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from tests.integration.librato_rules import ApiError, Measurement, measurements
from tests.integration.librato_tagged_rules import partial_answer, tagged_measurements
from tests.ports import free_port

MAX_BODY = 1_000_000
DEADLINE = 60.0


class LibratoServer:
    """Serves POST {url}/v1/metrics and …/measurements on a port of its own, kept by a restart.

    Controls, to be set at any time: `reject(measurement)` returns an error text for what to
    reject, `in_part` says that what is tagged is rejected by itself; while `down` is a status,
    every request gets it; while `hang`, none is answered, and `hanging` counts them.
    `requests` are the measurements of each accepted request in order of arrival, `rejections` the
    statuses of all others.
    """

    def __init__(
        self,
        username: str = "user@example.com",
        apikey: str = "0123456789abcdef",
        apipath: str = "/v1/",
        now: Callable[[], float] = time.time,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.username = username
        self.apikey = apikey
        self.path = f"{apipath}metrics"
        self.tagged_path = f"{apipath}measurements"
        self.now = now
        self.tls = tls
        self.reject: Callable[[Measurement], str | None] = lambda _measurement: None
        self.in_part = False
        self.down: int | None = None
        self.requests: list[list[Measurement]] = []
        self.rejections: list[int] = []
        self.changed = threading.Condition(threading.RLock())
        self._types: dict[str, str] = {}
        self._limits: deque[tuple[int, dict[str, str]]] = deque()
        self.hanging = 0
        self._hang = False
        self._http: _Server | None = None
        self.port = 0

    def __enter__(self) -> LibratoServer:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Scheme, address and port."""
        return f"https://localhost:{self.port}" if self.tls else f"http://127.0.0.1:{self.port}"

    @property
    def hang(self) -> bool:
        """Whether requests are left without an answer; those that are get none afterwards."""
        return self._hang

    @hang.setter
    def hang(self, hang: bool) -> None:
        with self.changed:
            self._hang = hang
            self.changed.notify_all()

    def start(self) -> None:
        """Listen, on the port of before if there was one."""
        # Not an ephemeral one, which anybody may get while it is stopped.
        self._http = _Server(self, self.port or free_port())
        self.port = self._http.server_address[1]
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Close the port and all connections; what was recorded stays."""
        if self._http is not None:
            server, self._http = self._http, None
            server.shutdown()
            server.close_connections()
            server.server_close()

    def rate_limit(self, times: int = 1, status: int = 429, **headers: str) -> None:
        """Answer the next `times` requests with `status` and `headers` (_ stands for -)."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._limits.extend([(status, named)] * times)

    def wait_for(self, condition: Callable[[], object], deadline: float = DEADLINE) -> None:
        """Return once `condition` holds; fails after `deadline` seconds. Looked at on changes."""
        with self.changed:
            if not self.changed.wait_for(condition, deadline):
                raise AssertionError(
                    f"not so within {deadline} s; {len(self.requests)} requests were accepted, "
                    f"{len(self.rejections)} were not {self.rejections[-5:]}, with the names "
                    f"{sorted(self.names())[:20]}"
                )

    def measurements(self, name: str | None = None) -> list[Measurement]:
        """Return what arrived, of `name` or all, in order; a name's case makes no difference."""
        with self.changed:
            return [
                gauge
                for request in self.requests
                for gauge in request
                if name is None or gauge["name"].lower() == name.lower()
            ]

    def names(self) -> set[str]:
        """Return the names that arrived, as they were spelt."""
        return {gauge["name"] for gauge in self.measurements()}

    def total(self, name: str) -> float:
        """Return the sum of the sums and values of `name`."""
        posted = self.measurements(name)
        return sum([float(gauge["sum" if "sum" in gauge else "value"]) for gauge in posted])

    def count(self, name: str) -> int:
        """Return how often `name` was measured: its counts, a single value being one."""
        return sum([int(gauge.get("count", 1)) for gauge in self.measurements(name)])

    def answer(self, path: str, headers: Any, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body of the answer to a post, having recorded it."""
        with self.changed:
            try:
                return self._accept(path, headers, body)
            except ApiError as error:
                self.rejections.append(error.status)
                return _rejection(error)
            finally:
                self.changed.notify_all()

    def _accept(self, path: str, headers: Any, body: bytes) -> tuple[int, dict[str, str], bytes]:
        if self.down is not None:
            raise ApiError(self.down, {"system": ["down for maintenance"]})
        if path not in {self.path, self.tagged_path}:
            raise ApiError(404, {"request": ["Not Found"]})
        if self._limits:
            raise _Limited(*self._limits.popleft())
        token = b64encode(f"{self.username}:{self.apikey}".encode()).decode()
        if not hmac.compare_digest(headers.get("Authorization", ""), f"Basic {token}"):
            raise ApiError(401, "Authorization Required")
        if headers.get_content_type() != "application/json":
            raise ApiError(415, {"request": ["expected application/json"]})
        if len(body) > MAX_BODY:
            raise ApiError(413, {"request": ["the body is too large"]})
        if path == self.tagged_path:
            return self._take(tagged_measurements(body, self.now()))
        posted = measurements(body, self.now(), self._types)
        self._types.update((gauge["name"].lower(), gauge["type"]) for gauge in posted)
        return self._take(posted)

    def _take(self, posted: list[Measurement]) -> tuple[int, dict[str, str], bytes]:
        errors = [error for gauge in posted if (error := self.reject(gauge)) is not None]
        if errors and not self.in_part:
            raise ApiError(400, {"params": {"name": errors[:1]}})
        self.requests.append([gauge for gauge in posted if self.reject(gauge) is None])
        return (202, {}, partial_answer(len(posted), errors)) if errors else (200, {}, b"")


class _Limited(ApiError):
    """A request is one too many for now."""

    def __init__(self, status: int, headers: dict[str, str]) -> None:
        super().__init__(status, "rate limit reached, slow down")
        self.headers = headers


def _rejection(error: ApiError) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body: plain text for 401, one of Librato's shapes else."""
    headers = {"Content-Type": "application/json"}
    if error.status == 401:
        return 401, {"Content-Type": "text/plain"}, str(error.errors).encode()
    if isinstance(error, _Limited):
        body = json.dumps({"error": error.errors})
        return error.status, {**headers, **error.headers}, body.encode()
    if error.status >= 500:
        headers["Connection"] = "close"
    return error.status, headers, json.dumps({"errors": error.errors}).encode()


class _Server(ThreadingHTTPServer):
    """Knows its connections, so that stopping ends them too."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, owner: LibratoServer, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.owner = owner
        if owner.tls is not None:  # each connection's own thread does the handshake
            self.socket = owner.tls.wrap_socket(
                self.socket, server_side=True, do_handshake_on_connect=False
            )
        self.stopping = False
        self._connections: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        """End every connection, those too whose request hangs."""
        with self.owner.changed:
            self.stopping = True
            self.owner.changed.notify_all()
        for connection in list(self._connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # the client was faster

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: connections break in these tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def do_POST(self) -> None:
        owner = self.server.owner
        body = b"".join(self._body())
        if self._hangs(owner):
            self.close_connection = True
            return
        self._reply(*owner.answer(self.path, self.headers, body))

    def do_GET(self) -> None:
        self._reply(405, {}, b"")

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def _body(self) -> Iterator[bytes]:
        """Generate the body; what is far too much is read but not kept."""
        left = int(self.headers.get("Content-Length", 0))
        kept = 0
        while left > 0 and (data := self.rfile.read(min(left, 65536))):
            left -= len(data)
            if kept <= MAX_BODY:
                kept += len(data)
                yield data

    def _hangs(self, owner: LibratoServer) -> bool:
        """Wait while the server hangs; return whether it did."""
        with owner.changed:
            if not owner.hang:
                return False
            owner.hanging += 1
            owner.changed.notify_all()
            owner.changed.wait_for(lambda: self.server.stopping or not owner.hang)
            return True

    def _reply(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
