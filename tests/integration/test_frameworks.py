"""The integrations in applications of one line more, in real servers: each request is counted."""

from __future__ import annotations

import http.client
import re
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.batches import batch_of
from tests.integration.processes import BIN, ROOT, Process, eventually, python
from tests.integration.sink import Sink
from zibrato.client.drain import OnRows
from zibrato.client.rows import Rows
from zibrato.testing import Recording

APPLICATIONS = ROOT / "examples" / "frameworks"


class Source(Sink):
    """A sink that a recording listens to, so that it can be asked for series by their tags."""

    def add(self, on_rows: OnRows, /) -> None:
        """Have `on_rows` called with what arrives."""
        self._on_rows = on_rows

    def catch_up(self) -> None:
        """Take what has arrived."""
        self.take(50)

    def remove(self, _: OnRows, /) -> None:
        """Close."""
        self.close()

    def _add(self, frame: bytes) -> None:
        batch, rows = batch_of(frame), Rows()
        rows.counters.extend(batch.counters)
        rows.timers.extend(batch.timers)
        rows.gauges.extend(batch.gauges)
        self._on_rows(rows)


@pytest.fixture
def endpoint(tmp_path: Path) -> str:
    return f"ipc://{tmp_path}/socket"


@pytest.fixture
def arrived(endpoint: str) -> Iterator[Recording]:
    """What the application's processes have sent."""
    recording = Recording([Source(endpoint)])
    yield recording
    recording.end()


def run(endpoint: str, *command: str, **environment: str) -> Process:
    """Return a process of a command of this interpreter's environment."""
    variables = {"ZIBRATO_SOCKET": endpoint, "PYTHONPATH": str(ROOT), **environment}
    return Process([sys.executable, "-m", *command], variables)


def gunicorn(endpoint: str, application: str) -> Process:
    options = (f"--chdir={APPLICATIONS}", "--workers=1", "--bind=127.0.0.1:0")
    return run(endpoint, "gunicorn", *options, application)


def uvicorn(endpoint: str, application: str) -> Process:
    return run(endpoint, "uvicorn", f"--app-dir={APPLICATIONS}", "--port=0", application)


def port_of(server: Process) -> int:
    """Return the port that the server says it listens at."""
    return int(server.wait_for(r"http://127.0.0.1:(\d+)")[1])


def get(port: int, path: str) -> int:
    """Return the status of a request, its body read to the end."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


def abandon(port: int, path: str) -> None:
    """Ask, and go away while the answer comes in."""
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        assert connection.recv(1)


def visit(port: int) -> None:
    """Make 8 requests for items, 4 reports, 3 failures and 2 for what isn't there."""
    statuses = [get(port, f"/items/{number}") for number in range(8)]
    statuses += [get(port, "/report") for _ in range(4)]
    assert statuses == [200] * 12
    assert [get(port, "/broken") for _ in range(3)] == [500] * 3
    assert [get(port, "/nothing/here") for _ in range(2)] == [404] * 2


def wait_for(arrived: Recording, number: int, name: str = "http.requests") -> None:
    """Wait until so many have been sent.

    As it ends, an application has a second for what is left, which is little on a busy machine.
    """
    eventually(lambda: arrived.counted(name) >= number)


def check(arrived: Recording, item: str, abandoned: int = 0) -> None:
    """Hold `arrived` to what `visit` does, `item` being the route of the items.

    So many reports more were `abandoned`.
    """
    expected = {
        (item, "GET", "2xx"): 8,
        ("/report", "GET", "2xx"): 4 + abandoned,
        ("/broken", "GET", "5xx"): 3,
        ("other", "GET", "4xx"): 2,
    }
    assert by_tags(arrived, "http.requests", "route", "method", "status") == expected
    for (route, _, status), count in expected.items():
        times = arrived.timed("http.request_time", tags={"route": route, "status": status})
        assert len(times) == count
        assert all(0 < seconds < 30 for seconds in times)


def by_tags(arrived: Recording, name: str, *tags: str) -> dict[tuple[str, ...], float]:
    """Return the sums of a counter by the values of its tags."""
    return {
        tuple(measurement.tags[tag] for tag in tags): measurement.sum
        for measurement in arrived.measurements
        if (measurement.kind, measurement.name) == ("counter", name)
    }


def test_flask(endpoint: str, arrived: Recording) -> None:
    with gunicorn(endpoint, "flask_app:app") as server:
        visit(port_of(server))
        for _ in range(5):
            abandon(port_of(server), "/report")
        wait_for(arrived, 22)
        assert server.stop() == 0
    check(arrived, "/items/<int:number>", abandoned=5)


def test_fastapi(endpoint: str, arrived: Recording) -> None:
    with uvicorn(endpoint, "fastapi_app:app") as server:
        visit(port_of(server))
        for _ in range(5):
            abandon(port_of(server), "/report")
        wait_for(arrived, 17 + 5)
        server.stop()
    check(arrived, "/items/{number}", abandoned=5)
    assert by_tags(arrived, "http.exceptions", "route", "exception") == {
        ("/broken", "LookupError"): 3
    }


def test_django_in_a_wsgi_server(endpoint: str, arrived: Recording) -> None:
    with gunicorn(endpoint, "django_app:application") as server:
        visit(port_of(server))
        wait_for(arrived, 17)
        assert server.stop() == 0
    check(arrived, "/items/<int:number>")
    assert by_tags(arrived, "http.exceptions", "route", "exception") == {
        ("/broken", "LookupError"): 3
    }


def test_django_in_an_asgi_server(endpoint: str, arrived: Recording) -> None:
    with uvicorn(endpoint, "django_app:asynchronous") as server:
        visit(port_of(server))
        wait_for(arrived, 17)
        server.stop()
    check(arrived, "/items/<int:number>")
    assert by_tags(arrived, "http.exceptions", "route", "exception") == {
        ("/broken", "LookupError"): 3
    }


QUIET = ("--without-gossip", "--without-mingle", "--without-heartbeat")
ORDERS = """
import celery_app
for number in range(20):
    celery_app.add.delay(number, number)
for number in range(5):
    celery_app.order.delay(number)
"""


def test_celery(endpoint: str, arrived: Recording, tmp_path: Path) -> None:
    queue = str(tmp_path / "queue")
    with python(
        ORDERS, environment={"PYTHONPATH": f"{APPLICATIONS}:{ROOT}", "QUEUE": queue}
    ) as client:
        assert client.wait() == 0, client.output
    celery = ("celery", f"--workdir={APPLICATIONS}", "--app=celery_app", "worker")
    options = ("--concurrency=2", "--loglevel=INFO", *QUIET)
    with run(endpoint, *celery, *options, QUEUE=queue) as worker:
        # Each task logs one of these after its signals were sent.
        eventually(
            lambda: len(re.findall(r"\] (?:succeeded|raised)|\] retry: ", worker.output)) == 30
        )
        wait_for(arrived, 30, "celery.tasks")
        assert worker.stop() == 0
    assert by_tags(arrived, "celery.tasks", "task", "state") == {
        ("shop.add", "SUCCESS"): 20,
        ("shop.order", "RETRY"): 5,
        ("shop.order", "FAILURE"): 5,
    }
    assert len(arrived.timed("celery.task_time")) == 30
    assert by_tags(arrived, "celery.failures", "task", "exception") == {
        ("shop.order", "LookupError"): 5
    }


def test_klein(endpoint: str, arrived: Recording) -> None:
    arguments = [str(BIN / "twistd"), "-n", "--pidfile=", "-y", str(APPLICATIONS / "klein_app.py")]
    listen = "tcp:port=0:interface=127.0.0.1"
    variables = {"ZIBRATO_SOCKET": endpoint, "LISTEN": listen, "PYTHONPATH": str(ROOT)}
    with Process(arguments, variables) as server:
        port = int(server.wait_for(r"Site starting on (\d+)")[1])
        for kind in ("coroutine", "chain", "inline"):
            assert [get(port, f"/{kind}/{number}") for number in range(1, 5)] == [200] * 4
        # Once there is a connection, a stop has its second for what is left alone.
        wait_for(arrived, 1)
        assert get(port, "/inline/0") == 500
        server.stop()
    expected = {
        ("/coroutine/<int:number>", "2xx"): 4,
        ("/chain/<int:number>", "2xx"): 4,
        ("/inline/<int:number>", "2xx"): 4,
        ("/inline/<int:number>", "5xx"): 1,
    }
    assert by_tags(arrived, "http.requests", "route", "status") == expected
    for (route, status), count in expected.items():
        times = arrived.timed("http.request_time", tags={"route": route, "status": status})
        assert len(times) == count
        assert min(times) > 0.04  # each waits for 0.05 s of the reactor's clock
    assert by_tags(arrived, "http.exceptions", "route", "exception") == {
        ("/inline/<int:number>", "LookupError"): 1
    }


def test_every_application_is_documented_and_every_documented_one_is_there() -> None:
    text = (ROOT / "docs" / "howto" / "frameworks.rst").read_text()
    named = set(re.findall(r"examples/frameworks/(\w+\.py)", text))
    assert named == {path.name for path in APPLICATIONS.glob("*.py")}
