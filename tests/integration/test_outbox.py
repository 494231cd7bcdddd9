"""A daemon that is killed or stopped with what it has not delivered, and started again."""

from __future__ import annotations

import os
import shlex
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from time import time

import pytest
import zmq

from tests.integration.librato_rules import Measurement
from tests.integration.librato_server import LibratoServer
from tests.integration.outbox_file import rows
from tests.integration.processes import BIN, Process, daemon, eventually
from tests.integration.store_client import Store


@pytest.fixture
def server() -> Iterator[LibratoServer]:
    with LibratoServer() as made:
        yield made


class Outbox:
    """A daemon that ships to Librato every second, and the file of its outbox."""

    def __init__(self, directory: Path, server: LibratoServer) -> None:
        self.endpoint = f"ipc://{directory}/socket"
        self.path = directory / "outbox"
        self._account = (
            *("--username", server.username, "--apikey", server.apikey),
            *("--hostname", server.url),
        )

    def options(self, interval: str = "1") -> tuple[str, ...]:
        timing = ("--flush-interval", interval, "--stop-timeout", "0.1")
        return (*self._account, "--outbox", str(self.path), "--socket", self.endpoint, *timing)

    def start(self, interval: str = "1") -> Process:
        return daemon(*self.options(interval))

    def push(self, lines: str) -> None:
        with zmq.Context() as context, context.socket(zmq.PUSH) as socket:
            socket.connect(self.endpoint)
            socket.send(lines.encode())

    def send(self, value: int) -> None:
        self.push(f"info|counter|c|{value}")

    def send_and_wait(self, value: int) -> None:
        """Return once the interval with the value is committed: one in which nothing else was."""
        start = int(time()) - 100 + value
        self.push(f"info|counter|c|{value}|{start}")
        eventually(lambda: self.rows("snapshot", f"start = {start}"))

    def rows(self, table: str, condition: str = "1") -> int:
        return rows(self.path, table, condition)


@pytest.fixture
def outbox(tmp_path: Path, server: LibratoServer) -> Outbox:
    return Outbox(tmp_path, server)


def test_what_was_not_delivered_arrives_in_order_after_a_kill_and_after_a_stop(
    outbox: Outbox, server: LibratoServer
) -> None:
    server.stop()
    with outbox.start() as process:
        for value in (1, 2, 3):
            outbox.send_and_wait(value)
        process.stop(signal.SIGKILL)
    with outbox.start() as process:
        process.wait_for("can't deliver")
        outbox.send(4)
        process.stop()
        assert "measurements at the next start" in process.output
    server.start()
    with outbox.start() as process:
        server.wait_for(lambda: server.total("c") == 10)
        eventually(lambda: outbox.rows("snapshot", "end < strftime('%s') - 5") == 0)
    times = [one["measure_time"] for one in server.measurements("c")]
    assert times == sorted(times)
    assert sum(one["sum"] for one in server.measurements("c")) == 10


def test_what_was_open_for_a_second_is_found_again_after_a_kill(
    outbox: Outbox, server: LibratoServer
) -> None:
    server.stop()  # a delivery that a stop aborts may have arrived, and would come again
    with outbox.start("3600") as process:
        outbox.send(5)
        eventually(lambda: outbox.rows("open_interval"))
        process.stop(signal.SIGKILL)
    with outbox.start("3600") as process:
        outbox.send(2)
        eventually(lambda: outbox.rows("open_interval") > 1)
        process.stop()
    server.start()
    with outbox.start():
        server.wait_for(lambda: server.total("c") == 7)


def test_librato_gets_twice_what_had_arrived_of_the_delivery_under_way_and_no_more(
    outbox: Outbox, server: LibratoServer
) -> None:
    names = {f"n.{number}" for number in range(1200)}
    with outbox.start() as process:
        outbox.send(1)
        server.wait_for(lambda: server.total("c") == 1)
        (before,) = server.measurements("c")
        noted = f"start <= {before['measure_time']}"
        eventually(lambda: not outbox.rows("snapshot", noted))

        def kill(measurement: Measurement) -> str | None:
            if len({one["name"] for one in server.measurements()} & names) > 600:
                process.send(signal.SIGKILL)
            return None

        server.reject = kill
        outbox.push("\n".join(f"info|counter|{name}|1" for name in names))
        assert process.wait() == -signal.SIGKILL
    arrived = {(one["name"], one["measure_time"]) for one in server.measurements()}
    server.reject = lambda _measurement: None
    with outbox.start():
        server.wait_for(lambda: names <= server.names())
        last = max(one["measure_time"] for one in server.measurements() if one["name"] in names)
        eventually(lambda: not outbox.rows("snapshot", f"start <= {last}"))
    times = Counter((one["name"], one["measure_time"]) for one in server.measurements())
    twice = {key for key, count in times.items() if count > 1 and key[0] in {"c", *names}}
    print(f"{len(twice)} measurements came twice, of {len(names)} in the delivery under way")
    assert twice == {key for key in arrived if key[0] in names}
    assert set(times.values()) <= {1, 2}


def test_a_full_disk_is_told_once_and_costs_nothing(tmp_path: Path, server: LibratoServer) -> None:
    mount = tmp_path / "disk"
    mount.mkdir()
    script = f"mount -t tmpfs -o size=8m none {mount} && head -c 7800000 /dev/zero >{mount}/fill"
    namespace = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    if subprocess.run([*namespace, script], capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    outbox, sent = Outbox(tmp_path, server), 0
    outbox.path = mount / "outbox"
    server.stop()
    command = shlex.join(
        [str(BIN / "twistd"), "-n", "--pidfile=", "zibrato", *outbox.options("0.5")]
    )
    with Process([*namespace, f"{script} && exec {command}"]) as process:
        process.wait_for("listening on")

        def fill() -> bool:
            nonlocal sent
            if sent >= 30_000:  # twice what has room; ever more would exceed --max-series
                return "can't be written" in process.output
            names = [f"n.{sent + number}.{os.urandom(40).hex()}" for number in range(500)]
            outbox.push("\n".join(f"info|counter|{name}|1" for name in names))
            sent += len(names)
            return "can't be written" in process.output

        eventually(fill)
        outbox.send(7)
        Path(f"/proc/{process.popen.pid}/root{mount}/fill").write_bytes(b"")
        process.wait_for("the outbox's file can be written again")
        server.start()
        server.wait_for(lambda: server.total("c") == 7)
        server.wait_for(lambda: sum(name.startswith("n.") for name in server.names()) == sent)
        process.stop()
        assert process.output.count("can't be written") == 1
        assert "Traceback" not in process.output
    assert sum(1 for one in server.measurements() if one["name"].startswith("n.")) == sent


KILLED = """
import os, signal, sys
from zibrato.daemon.outbox.journal import Journal

def die(self, key, identities):
    os.kill(os.getpid(), signal.SIGKILL)

Journal.done = die
from twisted.scripts.twistd import run
run()
"""
"""A daemon that is killed once a backend has taken a snapshot, before that is noted."""


def test_the_store_takes_once_what_is_delivered_again_after_a_crash(tmp_path: Path) -> None:
    store = Store(tmp_path)
    # All that was measured is in the first snapshot, which the stop makes.
    options = ("--socket", store.endpoint, "--flush-interval", "3600", "--store", str(store.path))
    command = [sys.executable, "-c", KILLED, "--nodaemon", "--pidfile=", "zibrato", *options]
    with Process([*command, "--web", "none"]) as process:
        process.wait_for("listening on")
        with zmq.Context() as context, context.socket(zmq.PUSH) as socket:
            socket.connect(store.endpoint)
            socket.send(b"info|counter|c|7")
        assert process.stop() == -signal.SIGKILL
    with store.start() as process:
        eventually(lambda: store.total("c") >= 7)
        outbox = Path(f"{store.path}.outbox")
        with closing(sqlite3.connect(outbox)) as connection:
            rest = "SELECT count(*) FROM snapshot WHERE sequence = 1"
            eventually(lambda: connection.execute(rest).fetchone() == (0,))
        assert store.total("c") == 7


def test_a_file_that_is_deleted_meanwhile_costs_nothing(
    outbox: Outbox, server: LibratoServer
) -> None:
    server.stop()
    with outbox.start() as process:
        outbox.send_and_wait(1)
        for part in outbox.path.parent.glob("outbox*"):
            part.unlink()
        process.wait_for("was deleted; the outbox goes on with a copy that has all of it")
        outbox.send(2)
        process.stop()
    server.start()
    with outbox.start():
        server.wait_for(lambda: server.total("c") == 3)


def test_a_damaged_file_is_quarantined_and_the_daemon_starts(
    outbox: Outbox, server: LibratoServer
) -> None:
    outbox.path.write_bytes(b"no database, but long enough to be one" * 200)
    with outbox.start() as process:
        process.wait_for("the outbox's file .* can't be used .*: quarantined as .*corrupt-")
        outbox.send(1)
        server.wait_for(lambda: server.total("c") == 1)


def test_another_programs_database_is_refused_in_one_line_and_let_alone(tmp_path: Path) -> None:
    path = tmp_path / "bookmarks"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE bookmarks (url)")
    arguments = ("--socket", f"ipc://{tmp_path}/socket", "--backend", "memory", "--outbox", path)
    with Process([str(BIN / "zibrato"), *map(str, arguments)], forked=True) as process:
        assert process.wait() == 1
        (line,) = [line for line in process.output.splitlines() if line.startswith("zibrato:")]
        assert line == (
            f"zibrato: --outbox: {path} is another program's database; give another file with "
            "--outbox PATH"
        )
        assert "Traceback" not in process.output
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("bookmarks",)]


def test_another_daemons_file_is_refused_before_anything_starts(outbox: Outbox) -> None:
    with outbox.start():
        other = f"{outbox.endpoint}2"
        arguments = ("--socket", other, "--backend", "memory", "--outbox", str(outbox.path))
        command = [str(BIN / "twistd"), "-n", "--pidfile=", "zibrato", *arguments]
        with Process(command, forked=True) as second:
            assert second.wait() == 1
            assert "another daemon or the store has it" in second.output
