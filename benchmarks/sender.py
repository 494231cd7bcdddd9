"""What sending costs in the background: processor time, wakeups, memory.

    python benchmarks/sender.py [--idle 30]

1. The processor time of the sender thread for a million events, and that of ZeroMQ's own threads,
   with a real daemon that receives them.
2. What an idle client costs in a minute, scaled up from `--idle` seconds.
3. The memory of a program that makes a million counts and a million timings a minute without a
   daemon, for an hour. The hour is simulated: the clock of the sender thread's connection advances
   by a second at each step. Then a receiver starts, and every measurement must be accounted for;
   otherwise the exit status is 1.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
import threading
import time
from array import array
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import zmq

from benchmarks import processes
from benchmarks.processes import BenchmarkError
from benchmarks.report import machine, table, versions
from zibrato import Zibrato
from zibrato.client.connection import Connection
from zibrato.client.connector import Connector
from zibrato.client.instruments import Instruments
from zibrato.client.recorder import Recorder
from zibrato.daemon.process_memory import resident_memory
from zibrato.endpoint import Endpoint
from zibrato.wire import Batch, decode_batch

MILLION = 1_000_000
MINUTE = 60
HOUR = 3600
A_SECOND = MILLION // MINUTE
SETTLED = 3.0
"""Seconds after which everything that was recorded has left the process."""
LOOKS = (0, 1, 5, 15, 30, 45, 60)


class Usage(NamedTuple):
    """What one or several threads used since their start: processor seconds, voluntary switches."""

    seconds: float = 0.0
    wakeups: int = 0

    def since(self, earlier: Usage) -> Usage:
        """Return what was used in between."""
        return Usage(self.seconds - earlier.seconds, self.wakeups - earlier.wakeups)


def main() -> int:
    """Print three tables; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--idle", type=float, default=30.0, help="seconds to watch an idle client")
    arguments = parser.parse_args()
    processes.pin(0)
    print(f"{machine()};\n{versions('zibrato', 'pyzmq')}; {processes.pinning()}\n")
    try:
        with tempfile.TemporaryDirectory(prefix="zibrato-") as directory:
            with_daemon(Path(directory), arguments.idle)
        with tempfile.TemporaryDirectory(prefix="zibrato-") as directory:
            without_daemon(f"ipc://{directory}/socket")
    except BenchmarkError as error:
        print(f"WORTHLESS: {error}", file=sys.stderr)
        return 1
    return 0


def with_daemon(directory: Path, idle: float) -> None:
    """Print what sending a million events costs, and what a minute of idleness costs."""
    endpoint = f"ipc://{directory}/socket"
    with processes.daemon(directory, endpoint) as account:
        z = Zibrato(endpoint, linger=processes.DEADLINE, max_pending=10 * MILLION)
        events: dict[str, Callable[[], object]] = {
            "counts": z.count_me(name="bench.count").count,
            "timings": partial(z.time_me(name="bench.time").record, 0.01),
            "readings of a gauge": partial(z.bind_gauge("bench.gauge"), 1.5),
        }
        rows = [[f"a million {name}", *cost(z, event)] for name, event in events.items()]
        rows.append([f"a minute idle (from {idle:.0f} s)", *idleness(idle)])
        z.close()
    expect(len(events) * MILLION, processes.shipped(account, "bench."), "shipped")
    print(table(("processor time", "sender thread", "ZeroMQ's threads", "wakeups"), rows) + "\n")


def cost(z: Zibrato, event: Callable[[], object]) -> tuple[str, str, str]:
    """Return the cells for the cost of sending a million events of one kind."""
    before = usage()
    for _ in itertools.repeat(None, MILLION):
        event()
    if not z.flush(processes.DEADLINE):
        raise BenchmarkError("the daemon takes nothing")
    return cells(before, 1.0)


def idleness(seconds: float) -> tuple[str, str, str]:
    """Return the cells for the cost of a minute of idleness."""
    time.sleep(SETTLED)
    before = usage()
    time.sleep(seconds)
    return cells(before, MINUTE / seconds)


def cells(before: tuple[Usage, Usage], scale: float) -> tuple[str, str, str]:
    """Return the cells for what was used since `before`."""
    ours, theirs = (now.since(then) for now, then in zip(usage(), before, strict=True))
    return (
        f"{ours.seconds * scale * 1e3:.1f} ms",
        f"{theirs.seconds * scale * 1e3:.1f} ms",
        f"{(ours.wakeups + theirs.wakeups) * scale:,.0f}",
    )


def usage() -> tuple[Usage, Usage]:
    """Return what the sender thread has used so far, and what threads outside of Python have."""
    known = {thread.native_id: thread.name for thread in threading.enumerate()}
    ours, theirs = Usage(), Usage()
    for task in Path("/proc/self/task").iterdir():
        name = known.get(int(task.name))
        if name == "zibrato-sender":
            ours = used(task)
        elif name is None:
            one = used(task)
            theirs = Usage(theirs.seconds + one.seconds, theirs.wakeups + one.wakeups)
    return ours, theirs


def used(task: Path) -> Usage:
    """Return what one thread has used, from its directory in /proc."""
    status = dict(line.split(":\t", 1) for line in (task / "status").read_text().splitlines())
    nanoseconds = int((task / "schedstat").read_text().split()[0])
    return Usage(nanoseconds / 1e9, int(status["voluntary_ctxt_switches"]))


def without_daemon(endpoint: str) -> None:
    """Print how memory grows in an hour without a daemon; then check what arrives."""
    connection = Connection(Connector(Endpoint.of_client(endpoint)))
    instruments = Instruments(Recorder(connection.buffers))
    count = instruments.count_me(name="bench.count").count
    record = instruments.time_me(name="bench.time").record
    now, sizes = time.time() - HOUR, {0: memory()}
    for second in range(1, HOUR + 1):
        for _ in itertools.repeat(None, A_SECOND):
            count()
            record(0.01)
        connection.step(now + second)
        if second % MINUTE == 0:
            sizes[second // MINUTE] = memory()
    dropped = connection.dropped["full"]
    arrived = receive(connection, endpoint, now + HOUR)
    rows = [[f"after {minute} min", f"{sizes[minute] / 2**20:.1f} MiB"] for minute in LOOKS]
    print(table(("no daemon, a million counts and timings a minute", "memory"), rows))
    made = A_SECOND * HOUR
    expect(made, arrived["bench.count"], "counted")
    expect(made, arrived["bench.time"] + arrived["zibrato.client.dropped"], "timed or reported")
    print(f"\nOf {made:,} counts {arrived['bench.count']:,} arrived when a receiver came, and of")
    print(f"as many timings {arrived['bench.time']:,}; {dropped:,} were dropped, and reported so.")


def receive(connection: Connection, endpoint: str, now: float) -> Counter[str]:
    """Return the measurements of each name that a receiver gets when it finally starts."""
    arrived: Counter[str] = Counter()
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    with context.socket(zmq.PULL) as socket:
        socket.bind(endpoint)
        while connection.pending or socket.poll(1000):
            connection.step(now)
            while socket.poll(0):
                add(socket.recv(), arrived)
    context.term()
    connection.close(0.0)
    return arrived


def add(frame: bytes, arrived: Counter[str]) -> None:
    """Count the measurements in a frame."""
    batch = decode_batch(frame)
    assert isinstance(batch, Batch)
    for counter in batch.counters:
        own = counter.name.startswith("zibrato.client.")
        arrived[counter.name] += int(counter.sum) if own else counter.count
    for timer in batch.timers:
        arrived[timer.name] += len(array("d", timer.samples))


def memory() -> int:
    """Return this process's resident memory in bytes."""
    return resident_memory() or 0


def expect(made: int, counted: int, what: str) -> None:
    """Raise BenchmarkError if the numbers differ."""
    if made != counted:
        raise BenchmarkError(f"{made:,} measurements were made, {counted:,} were {what}")


if __name__ == "__main__":
    sys.exit(main())
