"""The store in real daemons: killed, out of disk, fed over HTTP, asked by real clients."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import urllib.error
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from time import time
from typing import Any
from urllib.request import Request, urlopen

import pytest

from tests import soak
from tests.integration.processes import BIN, Process, daemon, eventually, python
from tests.integration.store_client import PAGE, Store
from zibrato import Zibrato


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path)
    with made.start():
        yield made


def rejected(call: Callable[..., object], *arguments: Any, **named: Any) -> int:
    with pytest.raises(urllib.error.HTTPError) as caught:
        call(*arguments, **named)
    caught.value.close()
    return caught.value.code


def test_what_a_program_measures_is_kept_and_shown(store: Store) -> None:
    with Zibrato(store.endpoint, linger=30) as z:
        for number in range(1, 101):
            z.count(name="c", value=3)
            z.timing(name="t", value=number / 100)
            z.gauge(name="g", value=number)
    # A client sends at each full second, which may be amid these.
    eventually(lambda: (store.total("c"), store.total("g")) == (300, 5050))
    eventually(lambda: store.total("t") == pytest.approx(50.5))
    series = {one["name"]: one for one in store.get("/data/series")["series"]}
    assert series["c"]["kind"] == "counter"
    span = f"start={int(time()) - 600}&end={int(time()) + 10}&points=1"
    merged = store.get(f"/data/plot?ids={series['t']['id']}&{span}")["merged"]
    assert sum(merged["count"]) == 100
    if len(merged["count"]) == 1:
        assert abs(merged["p95"][0] - 0.95) < 0.01 * 0.95
    names = {one["name"] for one in store.get("/data/health")["series"]}
    assert names >= {"zibrato.intake.received", "zibrato.reactor.lag"}


def test_a_daemon_ships_to_another_ones_store_with_exact_totals(
    store: Store, tmp_path: Path
) -> None:
    endpoint = f"ipc://{tmp_path}/first"
    account = ("--username", "u", "--apikey", "secret", "--hostname", store.url)
    timing = ("--flush-interval", "1", "--stop-timeout", "30")
    with daemon("--socket", endpoint, *account, *timing) as first:
        programs = [python(COUNTING, endpoint) for _ in range(3)]
        for program in programs:
            with program:
                assert program.wait() == 0
        first.stop()
    assert store.total("c") == 3 * 10_000 * 2
    found = store.get("/v1/metrics/t?duration=7200&resolution=1")["measurements"]
    assert sum(point["count"] for source in found.values() for point in source) == 3 * 100
    assert store.get("/v1/metrics/c")["attributes"]["summarize_function"] == "sum"
    kinds = {one["name"]: one["kind"] for one in store.get("/data/series")["series"]}
    assert kinds["c"] == "counter"


KILLS = soak.rounds(50)
COUNTING = """
import sys
from zibrato import Zibrato
with Zibrato(sys.argv[1], linger=30) as z:
    for number in range(10_000):
        z.count(name="c", value=2)
        if number % 100 == 0:
            z.timing(name="t", value=number)
"""


@pytest.mark.soak
def test_kills_under_load_lose_no_answered_post_and_break_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    answered = 0
    for kill in range(KILLS):
        with store.start("--flush-interval", "0.2") as process:
            sender = python(SENDING, store.url, store.endpoint)
            with sender:
                sender.wait_for(rf"^{3 + kill % 7}$")
                process.send(signal.SIGKILL)
                process.wait()
                sender.wait()
            counts = [int(line) for line in sender.output.split()]
            answered += counts[-1]
    with store.start() as process:
        total = store.total("posted")
        process.stop()
        assert "corrupt" not in process.output
    assert answered <= total <= answered + KILLS  # one was under way at each kill
    assert list(tmp_path.glob("*corrupt*")) == []
    with closing(sqlite3.connect(store.path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


SENDING = """
import sys
from urllib.request import urlopen
from zibrato import Zibrato
url, endpoint = sys.argv[1:]
z = Zibrato(endpoint, linger=0)
count = 0
try:
    while True:
        for number in range(500):
            z.count(name=f"load.{number}")
            z.timing(name=f"time.{number}", value=0.1)
        body = b"gauges[0][name]=posted&gauges[0][value]=1"
        urlopen(url + "/v1/metrics", body).close()
        count += 1
        print(count, flush=True)
except OSError:
    print(count, flush=True)
"""


def test_a_full_disk_is_told_once_and_survived(tmp_path: Path) -> None:
    mount = tmp_path / "disk"
    mount.mkdir()
    script = f"mount -t tmpfs -o size=3m none {mount} && head -c 2600000 /dev/zero >{mount}/fill"
    trial = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script]
    if subprocess.run(trial, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    endpoint = f"ipc://{tmp_path}/socket"
    run = (
        f"{script} && exec {BIN}/zibrato --socket {endpoint} --flush-interval 0.5 "
        f"--store {mount}/store.sqlite --web tcp:0:interface=127.0.0.1"
    )
    with Process([*trial[:-1], run]) as process:
        store = Store(tmp_path)
        store.url = process.wait_for(PAGE)[1]
        with Zibrato(endpoint, linger=30) as z:
            for number in range(1500):
                z.count(name=f"{'n' * 100}.{number}")
            process.wait_for("store can't deliver: .*database or disk is full")
            z.count(name="c", value=7)
        assert rejected(store.post, "/v1/metrics", many_gauges()) == 503
        Path(f"/proc/{process.popen.pid}/root{mount}/fill").write_bytes(b"")
        process.wait_for("store is back")
        eventually(lambda: store.total("c") == 7)
        process.stop()
        assert process.output.count("can't deliver") == 1
        assert "Traceback" not in process.output


def many_gauges() -> bytes:
    gauges = [{"name": f"{'m' * 200}.{number}", "value": number} for number in range(3000)]
    return json.dumps({"gauges": gauges}).encode()


def test_a_corrupt_file_is_quarantined_and_a_new_one_begun(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.path.write_bytes(os.urandom(50_000))
    with store.start() as process:
        process.wait_for(r"store.sqlite is corrupt .*quarantined as \S+corrupt-\d+; a new file")
        with Zibrato(store.endpoint, linger=30) as z:
            z.count(name="c")
        eventually(lambda: store.total("c") == 1)
    (aside,) = tmp_path.glob("store.sqlite.corrupt-*")
    assert aside.stat().st_size == 50_000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--web", "tcp:0"), "--web: tcp:0 can be reached from elsewhere: give --web-credentials"),
        (("--web", "tcp:0", "--web-credentials", "/nix"), "--web-credentials: can't read /nix"),
        (("--web", "nonsense:1"), "--web: "),
        (("--store", "/proc/nix/da"), "--backend store: can't use /proc/nix/da"),
    ],
)
def test_what_can_not_be_is_one_line_before_anything_starts(
    tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    given = ("--socket", f"ipc://{tmp_path}/socket", "--store", str(tmp_path / "s"), *options)
    with Process([str(BIN / "zibrato"), *given], forked=True) as process:
        assert process.wait() == 1
        (line,) = process.output.splitlines()
        assert line.startswith(f"zibrato: {message}")


def test_a_port_and_a_file_that_are_taken_are_rejected(store: Store, tmp_path: Path) -> None:
    port = store.url.rpartition(":")[2]
    other = ("--socket", f"ipc://{tmp_path}/other")
    for options, message in (
        (("--store", f"{tmp_path}/b", "--web", f"tcp:{port}:interface=127.0.0.1"), "--web: can't"),
        (("--store", str(store.path), "--web", "none"), "--backend store: .*another daemon has it"),
    ):
        with Process([str(BIN / "zibrato"), *other, *options], forked=True) as process:
            process.wait_for(f"^zibrato: {message}")
            assert process.wait() == 1


def test_with_no_account_the_store_is_in_the_state_directory(tmp_path: Path) -> None:
    web = ("--web", "tcp:0:interface=127.0.0.1")
    environment = {"XDG_STATE_HOME": str(tmp_path / "state"), "STATE_DIRECTORY": ""}
    with daemon("--socket", f"ipc://{tmp_path}/s", *web, environment=environment) as process:
        process.wait_for(PAGE)
        eventually((tmp_path / "state/zibrato/zibrato.sqlite").exists)


def test_any_address_with_credentials_asks_for_them(tmp_path: Path) -> None:
    file = tmp_path / "web"
    file.write_text("user:pass\n")
    store = Store(tmp_path)
    with store.start("--web", "tcp:0", "--web-credentials", str(file)):
        assert rejected(store.get, "/data/health") == 401
        allowed = {"Authorization": "Basic dXNlcjpwYXNz"}
        with urlopen(Request(f"{store.url}/data/health", headers=allowed)) as response:
            assert response.status == 200


def test_bodies_are_bounded_however_they_come(store: Store) -> None:
    assert rejected(store.post, "/v1/metrics", b"x" * 1_000_001) == 413
    host, _, port = store.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as connection:
        head = f"POST /v1/metrics HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head.encode())
        for _ in range(20):
            connection.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
        connection.sendall(b"0\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")
    assert store.get("/v1/metrics")["query"]["total"] >= 0


def test_live_events_come_as_intervals_close(store: Store) -> None:
    with urlopen(f"{store.url}/events", timeout=20) as stream, Zibrato(store.endpoint) as z:
        assert stream.headers["Content-Type"] == "text/event-stream"
        z.count(name="seen.live", value=5)
        for line in stream:
            if line.startswith(b"data: [") and b'"seen.live"' in line:
                break
        series_ids = {series["name"]: series["id"] for series in json.loads(line[6:])}
        for line in stream:
            if line.startswith(b"data: {"):
                points = {point[0]: point for point in json.loads(line[6:])["points"]}
                assert points[series_ids["seen.live"]][1:3] == [1, 5.0]
                break


def test_a_subscriber_that_does_not_read_is_dropped_and_harms_nobody(store: Store) -> None:
    host, _, port = store.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(4096)
        with Zibrato(store.endpoint, linger=30) as z:
            z.count(name="c", value=5)
        eventually(lambda: store.total("c") == 5)
    store.process.stop()
    assert "Traceback" not in store.process.output


def test_export_writes_csv_and_json_lines(store: Store) -> None:
    body = b"gauges[0][name]=e.x&gauges[0][value]=1.5&gauges[0][source]=s"
    assert store.post("/v1/metrics", body) == 200
    command = [str(BIN / "zibrato"), "export", "e.x", "--store", str(store.path)]
    written = subprocess.run([*command, "--start", "1h"], capture_output=True, check=True)
    (row,) = csv.DictReader(io.StringIO(written.stdout.decode()))
    assert (row["source"], float(row["sum"]), row["count"]) == ("s", 1.5, "1")
    written = subprocess.run([*command, "--format=jsonl"], capture_output=True, check=True)
    assert json.loads(written.stdout)["last"] == 1.5
    with Process([*command[:2], "nix", *command[3:]], forked=True) as process:
        assert process.wait() == 1
        assert process.output.startswith("zibrato export: nothing in ")
    module = [sys.executable, "-m", "zibrato.store.export", *command[2:]]
    assert subprocess.run(module, capture_output=True, check=True).stdout.startswith(b"time,name")
