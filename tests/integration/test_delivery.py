"""The whole path: instrumented programs, a real `twistd zibrato`, a strict Librato server."""

from __future__ import annotations

import json
import random
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from time import time
from typing import Any

import pytest
import zmq

from tests.integration.librato_server import LibratoServer
from tests.integration.processes import BIN, ROOT, Process, daemon, eventually, python
from zibrato import Zibrato


@pytest.fixture
def server() -> Iterator[LibratoServer]:
    with LibratoServer() as made:
        yield made


@pytest.fixture
def endpoint(tmp_path: Path) -> str:
    return f"ipc://{tmp_path}/socket"


def librato(server: LibratoServer, endpoint: str, *options: str) -> Process:
    """Return a running daemon that ships to `server` every second."""
    return daemon(
        *("--username", server.username, "--apikey", server.apikey, "--hostname", server.url),
        *("--socket", endpoint, "--flush-interval", "1", "--stop-timeout", "30", *options),
    )


PROGRAM = """
import sys, threading
from zibrato import Zibrato

z = Zibrato(sys.argv[1], linger=30)

@z.time_me(level="debug", name="render_timer")
@z.count_me(name="render_counter")
def render(number):
    return number

def work(calls):
    for number in range(calls):
        render(number)
        if number % 100 == 0:
            with z.Time_me(name="query_timer"):
                z.gauge(name="queue_depth", value=number)
            with z.Count_me(name="rows", value=4):
                pass
            z.timing(name="fixed", value=(number // 100) % 100 + 1)

threads = [threading.Thread(target=work, args=(calls,)) for calls in (8334, 8333, 8333)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


def test_a_hundred_thousand_calls_arrive_exactly_once(server: LibratoServer, endpoint: str) -> None:
    made, blocks = 100_000, 12 * 84
    with librato(server, endpoint, "--source", "box") as process:
        programs = [python(PROGRAM, endpoint) for _ in range(4)]
        for program in programs:
            with program:
                assert program.wait() == 0
                assert program.output == ""
        process.stop()
    assert server.total("render_counter") == server.count("render_counter") == made
    assert server.count("render_timer") == made
    assert server.count("query_timer") == blocks
    assert server.count("rows") == blocks
    assert server.total("rows") == 4 * blocks
    assert server.count("queue_depth") == blocks
    assert server.rejections == []
    assert {gauge["source"] for gauge in server.measurements()} == {"box"}
    check_counters(server)
    check_timers(server, blocks)


def check_counters(server: LibratoServer) -> None:
    """A counter is a gauge whose sums are to be added up."""
    for gauge in server.measurements("render_counter"):
        assert gauge["attributes"] == {"summarize_function": "sum"}
        assert set(gauge) <= {
            "name",
            "source",
            "count",
            "sum",
            "attributes",
            "measure_time",
            "type",
        }


def check_timers(server: LibratoServer, blocks: int) -> None:
    """`fixed` has known values: every whole second from 1 to 84, evenly."""
    fixed = server.measurements("fixed")
    assert sum(gauge["count"] for gauge in fixed) == blocks
    assert min(gauge["min"] for gauge in fixed) == 1
    assert max(gauge["max"] for gauge in fixed) == 84
    values = [1 + number // 100 % 100 for number in range(0, 8333, 100)]
    assert server.total("fixed") == 12 * sum(values)
    assert sum(gauge["sum_squares"] for gauge in fixed) == 12 * sum(v * v for v in values)
    assert len(server.measurements("fixed.p50")) == len(fixed)
    for percent in (50, 95, 99):
        for gauge in server.measurements(f"fixed.p{percent}"):
            assert 1 <= gauge["value"] <= 84
    if len(fixed) == 1:
        (median,) = server.measurements("fixed.p50")
        assert median["value"] == 42


def test_the_levels_let_through_just_what_they_name(server: LibratoServer, endpoint: str) -> None:
    with librato(server, endpoint, "--levels", "warning+") as process:
        with Zibrato(endpoint, linger=30) as z:
            for level in ("debug", "info", "warning", "error", "critical", "custom"):
                z.count(name=f"at.{level}", level=level)
        process.stop()
    own = {name for name in server.names() if name.startswith("zibrato.")}
    assert server.names() - own == {"at.warning", "at.error", "at.critical"}


def test_a_label_of_ones_own_is_named_as_the_daemon_starts(endpoint: str) -> None:
    with daemon("--socket", endpoint, "--levels", "info,wraning", "--backend", "memory") as process:
        process.wait_for(r"levels: info,wraning \(not standard levels: wraning\)")


def test_a_poisoned_measurement_costs_only_itself(server: LibratoServer, endpoint: str) -> None:
    server.reject = lambda gauge: "is cursed" if gauge["name"] == "m.500" else None
    with librato(server, endpoint) as process:
        with Zibrato(endpoint, linger=30) as z:
            for number in range(1000):
                z.gauge(name=f"m.{number}", value=number)
        server.wait_for(lambda: len({n for n in server.names() if n.startswith("m.")}) == 999)
        # It is muted by now, and costs no request and no line any more.
        with Zibrato(endpoint, linger=30) as z:
            z.gauge(name="m.500", value=1)
            z.gauge(name="m.0", value=1)
        server.wait_for(lambda: server.count("m.0") == 2)
        process.stop()
        assert len([line for line in process.output.splitlines() if "m.500" in line]) == 1
        assert "is cursed" in process.output
    assert {f"m.{number}" for number in range(1000) if number != 500} <= server.names()
    assert all(server.count(f"m.{number}") == 1 for number in range(1, 1000) if number != 500)


def test_what_was_recorded_in_an_outage_arrives_in_order_with_its_own_time(
    server: LibratoServer, endpoint: str
) -> None:
    with librato(server, endpoint) as process, Zibrato(endpoint, linger=30) as z:
        z.count(name="c")
        server.wait_for(lambda: server.count("c") == 1)
        server.down = 503
        for _ in range(5):
            assert z.flush(30)  # the next batch begins after this
            z.count(name="c")
            assert z.flush(30)
            sent = int(time())
            eventually(lambda second=sent: time() >= second + 1)  # type: ignore[misc]  # a default has no type
        process.wait_for("librato can't deliver")
        server.down = None
        server.wait_for(lambda: server.count("c") == 6)
    times = [gauge["measure_time"] for gauge in server.measurements("c")]
    assert times == sorted(times)
    assert len(set(times[1:])) == 5
    assert all(gauge["count"] == 1 for gauge in server.measurements("c"))


@pytest.mark.attack("frames that are none, and giant ones", before="nothing that is known")
def test_ten_million_bad_bytes_do_no_harm(server: LibratoServer, endpoint: str) -> None:
    chance = random.Random(7)
    with librato(server, endpoint) as process:
        context: zmq.Context[Any] = zmq.Context()
        push = context.socket(zmq.PUSH)
        push.connect(endpoint)
        bad, good = 0, 0
        while bad < 10_000_000:
            frame = chance.randbytes(chance.choice([1, 7, 100, 10_000, 500_000]))
            push.send(b"\xff" + frame)
            bad += len(frame)
            push.send(b"info|counter|good|1")
            good += 1
        push.close(linger=60_000)
        context.term()
        server.wait_for(lambda: server.count("good") >= good, 60)
        process.stop()
    assert server.count("good") == good
    assert server.total("zibrato.intake.rejected") == good
    assert process.output.count("Traceback") == 0


def test_every_measurement_is_in_the_daemons_own_account(
    server: LibratoServer, endpoint: str
) -> None:
    with librato(server, endpoint) as process:
        with Zibrato(endpoint, linger=30) as z:
            for number in range(500):
                z.count(name="c", value=number)
        server.wait_for(lambda: server.count("c") == 500)
        server.wait_for(lambda: server.total("zibrato.backend.delivered") >= 500)
        process.stop()
    assert server.total("zibrato.intake.received") >= 500
    assert server.names() >= {"zibrato.reactor.lag", "zibrato.outbox.bytes", "zibrato.series"}


def test_text_lines_of_any_program_arrive(server: LibratoServer, endpoint: str) -> None:
    with librato(server, endpoint) as process:
        example = [sys.executable, str(ROOT / "examples" / "text_lines.py"), endpoint]
        with Process(example) as producer:
            assert producer.wait() == 0
        process.stop()
    assert any(not name.startswith("zibrato.") for name in server.names())


def test_several_endpoints_feed_one_daemon(server: LibratoServer, endpoint: str) -> None:
    other = f"{endpoint}-bound-by-client"
    options = ("--socket", "tcp://127.0.0.1:*", "--socket", f"connect:{other}")
    with librato(server, endpoint, *options) as process:
        tcp = process.wait_for(r"listening on (tcp://127.0.0.1:\d+)")[1]
        for where, bind in ((endpoint, False), (tcp, False), (other, True)):
            with Zibrato(where, bind=bind, linger=30) as z:
                z.count(name="c")
        server.wait_for(lambda: server.count("c") == 3)
        process.stop()


def test_an_application_can_carry_the_daemon_in_its_own_tree() -> None:
    arguments = [str(BIN / "twistd"), "-n", "--pidfile=", "-y", str(ROOT / "examples/embedded.py")]
    with Process(arguments, {"INTERVAL": "1"}) as process:
        line = process.wait_for(r'^\{.*"name":"app.work",.*\}$')
        assert json.loads(line[0])["count"] >= 1
        assert process.stop(signal.SIGTERM) == -signal.SIGTERM


@pytest.mark.attack(
    "lines of hundreds of intervals at once",
    before="700 requests an interval, more than could be sent",
)
def test_lines_of_hundreds_of_intervals_share_requests(
    server: LibratoServer, endpoint: str
) -> None:
    now = int(time())
    lines = [f"info|counter|late|1|{now - 10 * age}" for age in range(1, 700)]
    with librato(server, endpoint) as process, zmq.Context() as context:
        with context.socket(zmq.PUSH) as socket:
            socket.connect(endpoint)
            socket.send("\n".join(lines).encode())
        server.wait_for(lambda: server.total("late") == len(lines))
        process.stop()
    assert len({gauge["measure_time"] for gauge in server.measurements("late")}) == len(lines)
    assert len(server.requests) < 100
