"""What it costs to divide the load of one machine between two daemons that ship to a hub.

    python -m benchmarks.spread [--frames 200000]

Each row is one way to receive the same frames: with one daemon; with two, each with a socket of its
own; and with two behind a forwarder (ZeroMQ's own proxy, in C), so that clients need to know only
one socket. The figures are processor time for each frame, including aggregation and shipping.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from array import array
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import zmq

from benchmarks import processes
from benchmarks.report import PACKAGES, load, machine, table, versions
from zibrato.wire import VERSION, Batch, SampleRow, encode, pack

SIZES = (1, 1000)
"""Samples in a frame; for each `FEWER` small frames, there is one large one."""
FEWER = 40
SERIES = 20
HIGH_WATER = 16
SETTLED = 0.02
"""A process that uses less than this many processor seconds in a second has nothing left to do."""
HEAD = ("samples a frame", "taken in by", "a daemon, µs", "all daemons, µs", "the forwarder, µs")
FORWARDER = """
import sys, zmq
context, (front, *back) = zmq.Context(), sys.argv[1:]
pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
pull.set(zmq.RCVHWM, 16)
push.set(zmq.SNDHWM, 16)
pull.bind(front)
for endpoint in back:
    push.connect(endpoint)
zmq.proxy(pull, push)
"""


class Layout:
    """Daemons, perhaps with a forwarder, that end with the stack; clients push to `endpoints`."""

    def __init__(self, stack: ExitStack, directory: Path, daemons: int, *, forwards: bool) -> None:
        self._stack = stack
        self._directory = directory
        account = f"log:path={directory / 'account.json'}"
        first = self._daemon("first", account)
        self.hub: list[int] = []
        if daemons > 1:
            self.hub = [first[1]]
            way = f"zibrato:socket={first[0]}"
            workers = [self._daemon(f"worker{number}", way) for number in range(daemons)]
        else:
            workers = [first]
        self.endpoints = [endpoint for endpoint, _ in workers]
        self.workers = [pid for _, pid in workers]
        self.forwarder: list[int] = []
        if forwards:
            front = f"ipc://{directory}/front"
            command = [sys.executable, "-c", FORWARDER, front, *self.endpoints]
            self.forwarder = [self._started(command, front)]
            self.endpoints = [front]

    def _daemon(self, name: str, backend: str) -> tuple[str, int]:
        endpoint = f"ipc://{self._directory}/{name}"
        place = self._directory / f"{name}.files"
        place.mkdir()
        options = [
            *("--socket", endpoint, "--flush-interval", "10", "--web", "none", "--source", name),
            *("--outbox", str(place / "outbox"), "--backend", backend),
        ]
        return endpoint, self._started([*processes.twistd(place), "zibrato", *options], endpoint)

    def _started(self, command: Sequence[str], endpoint: str) -> int:
        process: subprocess.Popen[str]
        process = self._stack.enter_context(processes.running(command, processor=0))
        processes.await_socket(process, endpoint)
        return process.pid


def main() -> int:
    """Run every layout and print the table; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=200_000, help="small frames to send")
    count = parser.parse_args().frames
    print(f"{machine()}; {versions(*PACKAGES)};\n{load()}\n", flush=True)
    rows = [
        row(size, max(1, count // (FEWER if size > 1 else 1)), daemons, forwards=forwards)
        for size in SIZES
        for daemons, forwards in ((1, False), (2, False), (2, True))
    ]
    print(table(HEAD, rows), load(), sep="\n")
    return 0


def row(size: int, count: int, daemons: int, *, forwards: bool) -> tuple[str, ...]:
    """Measure what so many frames of a size cost in a layout; return the row."""
    with tempfile.TemporaryDirectory(prefix="zibrato-") as path, ExitStack() as stack:
        layout = Layout(stack, Path(path), daemons, forwards=forwards)
        parts = (layout.workers, layout.hub, layout.forwarder)
        everything = [pid for pids in parts for pid in pids]
        settle(everything)
        before = [seconds(pids) for pids in parts]
        push(layout.endpoints, frames(size), count)
        settle(everything)
        workers, hub, forwarder = (
            (seconds(pids) - began) / count * 1e6 for pids, began in zip(parts, before, strict=True)
        )
    what = "one" if daemons == 1 else "two and a hub" + (", forwarded" if forwards else "")
    costs = (f"{workers / daemons:,.2f}", f"{workers + hub:,.2f}", f"{forwarder:,.2f}")
    return (f"{size:,}", what, *costs[:2], costs[2] if forwards else "")


def frames(size: int) -> list[bytes]:
    """Return frames with `size` samples each, for `SERIES` timers."""
    now, rows = time.time(), min(size, SERIES)
    samples = pack(array("d", [0.001 * number for number in range(1, size // rows + 1)]))
    return [
        encode(
            Batch(
                VERSION, "c", number, now, now, (),
                [SampleRow(f"t{(number + one) % SERIES}", "info", "w", {}, samples)
                 for one in range(rows)],
            )
        )
        for number in range(SERIES)
    ]  # fmt: skip


def push(endpoints: Sequence[str], some: Sequence[bytes], count: int) -> None:
    """Push `count` frames, to each endpoint in turn."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    sockets = [context.socket(zmq.PUSH) for _ in endpoints]
    for socket, endpoint in zip(sockets, endpoints, strict=True):
        socket.set(zmq.SNDHWM, HIGH_WATER)
        socket.connect(endpoint)
    for number in range(count):
        sockets[number % len(sockets)].send(some[number % len(some)])
    for socket in sockets:
        socket.close(linger=60_000)
    context.term()


def seconds(pids: Sequence[int]) -> float:
    """Return the processor time of processes."""
    return sum(map(processes.cpu_seconds, pids))


def settle(pids: Sequence[int]) -> None:
    """Wait until the processes have nothing left to do."""
    before = -1.0
    while (now := seconds(pids)) - before > SETTLED:
        before = now
        time.sleep(1)


if __name__ == "__main__":
    sys.exit(main())
