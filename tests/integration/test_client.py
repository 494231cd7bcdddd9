"""The client against real sockets: nothing lost, nothing doubled, nobody blocked."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import zmq

from tests.batches import batch_of
from tests.integration.processes import DEADLINE, eventually, python
from tests.integration.sink import Sink
from zibrato import Zibrato


def test_importing_the_client_loads_no_twisted() -> None:
    program = (
        "import sys, zibrato; zibrato.Zibrato; "
        "print([name for name in sys.modules if name.startswith(('twisted', 'zope', 'txzmq'))])"
    )
    with python(program) as process:
        assert process.wait() == 0
    assert process.output.strip() == "[]"


def test_eight_threads_ten_million_events_are_exact(sink: Sink) -> None:
    times = 625_000
    with Zibrato(sink.endpoint, linger=30) as z:

        @z.count_me(name="calls")
        def work() -> None: ...

        tick = z.count_me(name="ticks", value=2).count

        def run() -> None:
            for _ in range(times):
                work()
                tick()

        threads = [threading.Thread(target=run) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    sink.wait_for("calls", 8 * times)
    sink.wait_for("ticks", 8 * times)
    assert sink.sums["ticks"] == 16 * times


def test_it_works_before_the_daemon_is_up_and_while_it_restarts(tmp_path: Path) -> None:
    endpoint = f"ipc://{tmp_path}/late"
    with Zibrato(endpoint, linger=30) as z:
        for _ in range(100):
            z.count(name="c")
        assert not z.flush(0.01)
        sink = Sink(endpoint)
        sink.wait_for("c", 100)
        for round_ in range(3):
            sink.close()
            for _ in range(50):  # in which nobody waits for the daemon: it comes after this
                z.count(name="c")
                z.timing(name="t", value=0.1)
            sink.open()
            z.flush()
            sink.wait_for("c", 100 + 50 * (round_ + 1))
        sink.wait_for("t", 150)
    sink.close()


def test_a_process_flushes_as_it_ends(sink: Sink) -> None:
    program = """
import sys
from zibrato import Zibrato
z = Zibrato(sys.argv[1], linger=30)
@z.count_me(name="c")
def work(): pass
for _ in range(12345): work()
"""
    with python(program, sink.endpoint) as process:
        assert process.wait() == 0
    assert process.output == ""
    sink.wait_for("c", 12345)


def test_without_a_daemon_a_process_ends_within_linger(tmp_path: Path) -> None:
    program = """
import sys, time
from zibrato import Zibrato
z = Zibrato(sys.argv[1], linger=0.2)
z.count(name="c")
"""
    with python(program, f"ipc://{tmp_path}/nobody") as process:
        assert process.wait() == 0
    assert process.output == ""


@pytest.mark.parametrize("bind", [False, True])
def test_connect_and_bind(tmp_path: Path, bind: bool) -> None:
    endpoint = f"ipc://{tmp_path}/reverse"
    context: zmq.Context[Any] = zmq.Context()
    with context.socket(zmq.PULL) as pull, Zibrato(endpoint, bind=bind) as z:
        (pull.connect if bind else pull.bind)(endpoint)
        z.count(name="c")
        z.flush()
        assert pull.poll(int(1000 * DEADLINE))
        batch = batch_of(pull.recv())
        assert batch.counters[0].name == "c"
    context.term()


def test_clients_of_one_endpoint_share_a_connection(sink: Sink) -> None:
    first, second = (Zibrato(sink.endpoint, linger=30) for _ in range(2))
    first.count(name="c")
    second.count(name="c")
    first.close()
    first.close()
    second.count(name="c")
    second.close()
    sink.wait_for("c", 3)
    second.count(name="c")
    eventually(lambda: second.dropped["closed"] == 1)


def test_a_client_of_an_endpoint_that_was_closed_begins_anew(sink: Sink) -> None:
    for round_ in range(3):
        with Zibrato(sink.endpoint, linger=30) as z:
            z.count(name="c")
        sink.wait_for("c", round_ + 1)
        assert z.dropped == {}


def test_a_context_handed_in_is_used_and_left_alone(sink: Sink) -> None:
    context: zmq.Context[Any] = zmq.Context()
    with Zibrato(sink.endpoint, linger=30, context=context) as z:
        z.count(name="c")
    assert not context.closed
    sink.wait_for("c", 1)
    context.term()


def test_a_context_ended_by_its_host_costs_nothing_but_the_connection(sink: Sink) -> None:
    context: zmq.Context[Any] = zmq.Context()
    z = Zibrato(sink.endpoint, context=context)
    z.count(name="c")
    z.flush()
    sink.wait_for("c", 1)
    context.destroy(linger=0)
    z.count(name="c")
    z.close()


def test_the_environment_names_the_socket(sink: Sink) -> None:
    program = "from zibrato import Zibrato; Zibrato(linger=30).count(name='c')"
    with python(program, environment={"ZIBRATO_SOCKET": sink.endpoint}) as process:
        assert process.wait() == 0
    sink.wait_for("c", 1)


@pytest.mark.parametrize("endpoint", ["nonsense", "http://host", "ipc://", "/run/socket"])
def test_an_endpoint_that_is_none_is_rejected(endpoint: str) -> None:
    with pytest.raises(ValueError, match="socket: expected ipc://PATH"):
        Zibrato(endpoint)


def test_a_forked_child_sends_its_own_and_nothing_of_its_parent(sink: Sink) -> None:
    program = """
import os, sys
from zibrato import Zibrato
z = Zibrato(sys.argv[1], linger=30)
for _ in range(1000): z.count(name="parent")
children = []
for _ in range(4):
    pid = os.fork()
    if not pid:
        for _ in range(500): z.count(name="child")
        sys.exit()
    children.append(pid)
for pid in children:
    os.waitpid(pid, 0)
"""
    with python(program, sink.endpoint) as process:
        assert process.wait() == 0
    assert process.output == ""
    sink.wait_for("parent", 1000)
    sink.wait_for("child", 2000)


def test_the_interpreter_is_named_in_no_output_at_exit(tmp_path: Path) -> None:
    """A daemon thread blocked in ZeroMQ while the interpreter ends must not print or crash."""
    program = f"""
from zibrato import Zibrato
for number in range(5):
    Zibrato("ipc://{tmp_path}/" + str(number), linger=0.05).count(name="c")
"""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", program],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        env={**os.environ, "PYTHONWARNINGS": "error"},
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
