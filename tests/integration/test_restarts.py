"""Plain clients under daemons that come and go: an orderly stop loses nothing of what was sent."""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests import soak
from tests.integration.librato_server import LibratoServer
from tests.integration.processes import eventually, python
from tests.integration.shipping import shipping
from tests.integration.tally import Tally
from tests.ports import free_port

RESTARTS = soak.rounds(30)
STOPPED = "plain: the daemon is stopped (QUIT) under a flood"
FLOOD = """
import signal, sys, time, zmq

ended = []
signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
socket = zmq.Context.instance().socket(zmq.PUSH)
socket.set(zmq.SNDHWM, 100)  # less than 8 KiB: ZeroMQ may end within a frame of what is more
socket.connect(sys.argv[1])
made = 0
print("started", flush=True)
while not ended:
    for _ in range(10):  # some 5,000 a second: no pause is as long as a daemon's of 0.1 s
        socket.send(b"info|counter|hits|1")
        made += 1
    time.sleep(0.002)
print("made", made, flush=True)
signal.pause()
"""


def an_ipc_socket(path: Path) -> str:
    return f"ipc://{path}/socket"


def a_tcp_socket(_path: Path) -> str:
    return f"tcp://127.0.0.1:{free_port()}"


@pytest.mark.soak
@pytest.mark.parametrize(
    "endpoint_in",
    [
        pytest.param(an_ipc_socket, marks=pytest.mark.fault(f"{STOPPED} over ipc")),
        pytest.param(a_tcp_socket, marks=pytest.mark.fault(f"{STOPPED} over tcp")),
    ],
)
def test_a_daemon_that_quits_under_load_loses_nothing(
    tmp_path: Path, endpoint_in: Callable[[Path], str], account_for: Callable[[Tally], None]
) -> None:
    endpoint = endpoint_in(tmp_path)
    with LibratoServer() as server:
        with python(FLOOD, endpoint) as one, python(FLOOD, endpoint) as other:
            one.wait_for("started")
            other.wait_for("started")
            for _ in range(RESTARTS):
                with shipping(server, endpoint) as process:
                    before = server.count("hits")
                    eventually(lambda seen=before: server.count("hits") > seen)  # type: ignore[misc]  # a default has no type
                    assert process.stop(signal.SIGQUIT) == 0
            with shipping(server, endpoint):
                made = 0
                for flood in (one, other):
                    flood.send(signal.SIGTERM)
                    made += int(flood.wait_for(r"made (\d+)")[1])
                with suppress(AssertionError):  # of which the tally says more
                    eventually(lambda: server.count("hits") >= made)
        assert server.rejections == []
        account_for(Tally(made, server.count("hits"), RESTARTS))
