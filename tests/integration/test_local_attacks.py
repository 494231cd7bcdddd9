"""A local user who may write to the intake, and means harm: all that comes of it are counts."""

from __future__ import annotations

import os
import pty
import random
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import zmq

from tests.intake.zmtp import GREETING, connected, frame, ready
from tests.integration.processes import BIN, Process, daemon, eventually
from zibrato import Zibrato
from zibrato.wire import MAX_FRAME

ESCAPES = "\x1b]0;owned\x07\x1b[2Jred\r\n\x9b31m\u202e"
MEMORY = 150 * 1024 * 1024
"""Bytes by which the daemon may grow: of what it is sent here, it would be gigabytes."""


class Daemon(NamedTuple):
    """A daemon with a store, at a port of loopback and a path."""

    process: Process
    port: int
    ipc: str
    store: Path
    log: Path

    @property
    def memory(self) -> int:
        return int(Path(f"/proc/{self.process.popen.pid}/statm").read_text().split()[1]) * 4096

    @property
    def logged(self) -> str:
        return self.log.read_text() if self.log.exists() else ""

    def rejected(self, reason: str) -> bool:
        lines = self.logged.splitlines()
        words = '"zibrato.intake.rejected"', f'"reason":"{reason}"'
        return any(all(word in line for word in words) for line in lines)

    def push(self, context: zmq.Context[Any]) -> zmq.Socket[Any]:
        made: zmq.Socket[Any] = context.socket(zmq.PUSH)
        made.set(zmq.LINGER, 30_000)
        made.connect(self.ipc)
        return made


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    path = tmp_path_factory.mktemp("attacked")
    ipc, store, log = f"ipc://{path}/socket", path / "store", path / "log.json"
    process = daemon(
        *("--socket", ipc, "--socket", "tcp://127.0.0.1:*", "--flush-interval", "0.5"),
        *("--store", str(store), "--backend", f"log:path={log}", "--web", "none"),
    )
    with process:
        port = int(process.wait_for(r"listening on tcp://127.0.0.1:(\d+)")[1])
        yield Daemon(process, port, ipc, store, log)
        process.stop()
        assert "Traceback" not in process.output
        assert "\x1b" not in process.output
        assert process.output.count("\n") < 30


@pytest.fixture
def unharmed(attacked: Daemon) -> Iterator[Daemon]:
    """The daemon, which must be as well afterwards as it was."""
    before = attacked.memory
    yield attacked
    with Zibrato(attacked.ipc, linger=30) as z:
        name = f"well.{random.getrandbits(64)}"
        z.count(name=name)
    eventually(lambda: name in attacked.logged)
    assert attacked.memory - before < MEMORY


@pytest.mark.attack("garbage and silence below ZMTP", before="nothing that is known")
def test_what_speaks_no_zeromq(unharmed: Daemon) -> None:
    chance = random.Random(7)
    beginnings = (
        *(b"", b"\xff", GREETING[:20], GREETING, GREETING + ready(), b"GET / HTTP/1.1\r\n\r\n"),
        *(chance.randbytes(1000), GREETING + chance.randbytes(1000)),
        GREETING + ready() + b"\x02\x7f" + b"\xff" * 7 + b"promised, and never sent",
    )
    with ExitStack() as half_open:
        for _ in range(30):
            for data in beginnings:
                connection = socket.create_connection(("127.0.0.1", unharmed.port))
                half_open.enter_context(connection)
                connection.sendall(data)
        with Zibrato(f"tcp://127.0.0.1:{unharmed.port}", linger=30) as z:
            z.count(name="beside.them")
            assert z.flush(30)
        eventually(lambda: "beside.them" in unharmed.logged)


@pytest.mark.attack(
    "subscriptions to acknowledgements without end", before="5 GB in 20 s, and nothing else worked"
)
def test_who_subscribes_without_end_takes_no_memory_and_holds_up_nobody(unharmed: Daemon) -> None:
    """ZeroMQ needs 25 kB for each of these topics."""
    chance = random.Random(7)
    path = f"{unharmed.ipc.removeprefix('ipc://')}.ack"
    with connected(path, b"SUB") as peer, pytest.raises(OSError, match=r"reset|pipe"):
        for _ in range(50_000):
            peer.sendall(frame(b"\1" + chance.randbytes(500)))
    with Zibrato(unharmed.ipc, linger=30, acknowledged=True) as z:
        z.count(name="acknowledged.beside.them")
        assert z.flush(30)


@pytest.mark.attack("frames without end, deep and huge", before="nothing that is known")
def test_frames_that_are_no_measurements(unharmed: Daemon) -> None:
    context: zmq.Context[Any] = zmq.Context()
    with context, unharmed.push(context) as push:
        for _ in range(50_000):
            push.send(b"")
            push.send(b"\xc1")
        for bad in (
            *(b"\x91" * MAX_FRAME, b"\x81" * MAX_FRAME, b"\xff" * MAX_FRAME, bytes(MAX_FRAME)),
            *(b"\xdd\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff"),
            b"\x98\x01\xa1c\x00\x00\x00" + b"\xdd\x00\x07\xff\x00" + b"\x90" * (MAX_FRAME - 64),
        ):
            push.send(bad)
        for reason in ("empty", "malformed"):
            eventually(lambda: unharmed.rejected(reason))  # noqa: B023 - called at once
        push.send(bytes(MAX_FRAME + 1))  # which ZeroMQ discards, with the connection


@pytest.mark.attack("terminal escapes in names", before="the log backend wrote U+009B as it is")
def test_names_that_a_terminal_would_obey(unharmed: Daemon) -> None:
    markup = "<img src=x onerror=alert(1)>"
    context: zmq.Context[Any] = zmq.Context()
    with context, unharmed.push(context) as push:
        for text in (ESCAPES.replace("\n", ""), markup):
            push.send(f"info|counter|{text}|1\n{text}|counter|level|1".encode())
    with Zibrato(unharmed.ipc, linger=30, source=ESCAPES, tags={ESCAPES: ESCAPES}) as z:
        z.count(name=ESCAPES, value=7)
        z.count(name="plain", value=7)
    eventually(lambda: '"plain"' in unharmed.logged)
    log = unharmed.logged
    assert "owned" in log
    assert not {*log} & {"\x1b", "\x07", "\r", "\x9b", "\u202e"}
    shown = eventually_exported(unharmed, "plain")
    assert "owned" in shown
    assert not {*shown} & {"\x1b", "\x07", "\x9b", "\u202e"}


def eventually_exported(unharmed: Daemon, name: str) -> str:
    """Return what `zibrato export` shows of a metric on a terminal, once the store has it."""
    shown = ""

    def is_there() -> bool:
        nonlocal shown
        shown = on_terminal([str(BIN / "zibrato"), "export", name, "--store", str(unharmed.store)])
        return "nothing in" not in shown

    eventually(is_there)
    return shown


def on_terminal(command: list[str]) -> str:
    """Return what a command shows on a terminal."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, stdout=theirs, stderr=theirs, stdin=theirs) as process:
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 65_536):
                shown += part
        except OSError:  # how a terminal ends
            pass
        process.wait()
    os.close(ours)
    return shown.decode()
