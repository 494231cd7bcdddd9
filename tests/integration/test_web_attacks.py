"""What strangers do to a real daemon's page: it goes on, at its size, for everybody else."""

from __future__ import annotations

import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.integration.processes import BIN, DEADLINE, Process, eventually
from tests.integration.store_client import PAGE, Store
from zibrato import Zibrato

LIMITED = """
import os, resource, sys
soft, hard, *command = sys.argv[1:]
resource.setrlimit(resource.RLIMIT_NOFILE, (int(soft), int(hard)))
os.execv(command[0], command)
"""
MB = 1024
"""KiB."""
BURST = 40
"""Connections to each port that a daemon finds at once; Twisted lets 50 wait."""
ANY = "tcp:0:interface=127.0.0.1"
SERVERS = (PAGE, r"OTLP metrics are received at (http://[^/]+)", "listening on (tcp:.+) for statsd")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A daemon with a page."""
    store = Store(tmp_path)
    with store.start():
        yield store


def connect(store: Store) -> socket.socket:
    """Return a connection to the page's port."""
    host, _, port = store.url.rpartition("/")[2].partition(":")
    return socket.create_connection((host, int(port)), DEADLINE)


def resident(process: Process) -> int:
    """Return the resident memory of a process in KiB."""
    status = Path(f"/proc/{process.popen.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def limited(directory: Path, soft: int, hard: int) -> Store:
    """Return a daemon with servers of all kinds that may have so many descriptors."""
    store = Store(directory)
    limits = (sys.executable, "-c", LIMITED, str(soft), str(hard))
    twistd = (str(BIN / "twistd"), "--nodaemon", "--pidfile=", "zibrato")
    web = ("--store", str(store.path), "--web", ANY, "--otlp", ANY, "--statsd", "tcp:0")
    store.process = Process(
        [*limits, *twistd, "--socket", store.endpoint, "--flush-interval", "1", *web]
    )
    store.url = store.process.wait_for(PAGE)[1]
    return store


@pytest.mark.attack(
    "multipart bodies that are slow to parse", before="200 kB froze the daemon for 20 seconds"
)
def test_a_body_that_is_slow_to_parse_is_not_parsed(store: Store) -> None:
    """Twisted's parser takes ten minutes for this one, for whoever sends it."""
    body = b'--x\r\nContent-Disposition: form-data; name="a"; x="' + b";" * 900_000
    kind = b"Content-Type: multipart/form-data; boundary=x\r\n"
    head = b"POST /v1/metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n" % len(body)
    for headers, status in ((b"", b"415"), (b"Origin: http://evil.example\r\n", b"403")):
        with connect(store) as client:
            client.sendall(head + kind + headers + b"\r\n" + body)
            assert client.recv(12) == b"HTTP/1.1 " + status
    assert store.get("/data/health")


@pytest.mark.attack(
    "pipelined requests on a connection that reads nothing", before="the daemon took gigabytes"
)
def test_who_asks_on_and_on_and_reads_nothing_costs_one_answer(store: Store) -> None:
    """Each of these answers is of 145 kB."""
    before = resident(store.process)
    with connect(store) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(b"GET /static/vendor/uPlot.js HTTP/1.1\r\nHost: localhost\r\n\r\n" * 1500)
        for _ in range(100):  # the answers would all be there by now
            assert store.get("/data/health")
        assert resident(store.process) < before + 30 * MB


@pytest.mark.attack("requests sent slowly, by this host", before="128 kept out its applications")
def test_who_sends_slowly_keeps_nobody_out(store: Store) -> None:
    with ExitStack() as connections:
        for _ in range(200):
            connections.enter_context(connect(store)).sendall(b"GET / HTTP/1.1\r\nHost: localh")
        assert store.get("/data/health")


@pytest.mark.attack("scrapes that nobody reads", before="eight took 1.4 GB, of 30,000 timers")
def test_scrapes_that_nobody_reads_share_one_page_and_keep_nobody_out(tmp_path: Path) -> None:
    """Of 1,000 timers the page is 4 MB."""
    store = Store(tmp_path)
    with store.start("--backend", "prometheus"), ExitStack() as connections:
        with Zibrato(store.endpoint, linger=30) as z:
            for number in range(1000):
                z.timing(name=f"handler.{number}", value=0.1)
        eventually(lambda: store.total("handler.999"))  # which costs less to ask for
        eventually(lambda: urlopen(f"{store.url}/metrics").read().count(b"handler_") > 28 * 1000)
        before = resident(store.process)
        for _ in range(100):
            client = connections.enter_context(connect(store))
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert client.recv(12) == b"HTTP/1.1 200"
        assert urlopen(f"{store.url}/metrics").read().count(b"handler_") > 28 * 1000
        assert resident(store.process) < before + 50 * MB


@pytest.mark.parametrize(("soft", "hard"), [(192, 192), (64, 256)])
@pytest.mark.attack("idle connections that take all descriptors", before="libzmq ended the daemon")
def test_idle_connections_leave_descriptors_for_clients(
    tmp_path: Path, soft: int, hard: int
) -> None:
    store = limited(tmp_path, soft, hard)
    with store.process, ExitStack() as connections:
        ports = [int(store.process.wait_for(server)[1].rpartition(":")[2]) for server in SERVERS]
        for number in range(hard // 2 + 10):
            if number == hard // 4:  # as many as each may have; the next are a burst
                store.process.send(signal.SIGSTOP)
            if number == hard // 4 + BURST:
                store.process.send(signal.SIGCONT)
            for port in ports:
                client = connections.enter_context(socket.socket())
                client.bind((f"127.0.0.{2 + number // 50}", 0))
                client.setblocking(not 0 <= number - hard // 4 < BURST)
                with suppress(ConnectionResetError, BlockingIOError):  # it may be closed already
                    client.connect(("127.0.0.1", port))
        for number in range(10):
            application = Zibrato(store.endpoint, linger=30)
            application.count(name=f"clients.{number}", value=1)
            application.close()
        connections.close()
        eventually(lambda: store.total("clients.9") == 1)
        assert "too many connections: " in store.process.output
        assert "Traceback" not in store.process.output
