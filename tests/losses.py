"""A table of what receivers lose when they are stopped or killed, or when their sink is away.

    python -m tests.losses

Each receiver, Zibrato's and the installed peers, has the same faults, with intervals of the same
length. statsd lines are sent only while there is a receiver, and it is stopped only after it has
read all of them, so that a loss is of lines that it had received. Zibrato's own clients count all
the time, and faster. No peer has to be exact: this asserts nothing.
"""

from __future__ import annotations

import random
import re
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Protocol

from benchmarks import lines, processes
from benchmarks.report import table
from tests.integration.graphite_sink import GraphiteSink
from tests.integration.librato_server import LibratoServer
from tests.integration.processes import Process, daemon, eventually
from tests.integration.shipping import account, counting, hold_for, made_by

HEAD = ("receiver", "fault", "times", "made", "delivered", "lost", "duplicated")
INTERVAL = 10
"""Seconds, the default of all receivers."""
SHORT = 2
"""Seconds, for a flush that has to happen during an outage."""
OUTAGE = 5.0
ROUNDS = 3
PAUSE = 0.005
NAMES = [f"hits{number:02}" for number in range(40)]
"""Names of lines: so many that no receiver's output buffer waits to be filled."""


class Sink(Protocol):
    """The server that a receiver ships to."""

    def start(self) -> None: ...
    def stop(self) -> None: ...


class Load(Protocol):
    """The traffic that is sent to a receiver."""

    def run(self, seconds: float) -> None: ...
    def end(self) -> int: ...


class Lines:
    """Sends statsd lines to a port, while it is run."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._made = 0

    def run(self, seconds: float) -> None:
        """Send for so many seconds once the receiver listens; return when it has read all."""
        eventually(self._queues)
        end, pause = monotonic() + seconds, Event()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.connect(("127.0.0.1", self._port))
            while monotonic() < end:
                client.send(f"{NAMES[self._made % len(NAMES)]}:1|c".encode())
                self._made += 1
                pause.wait(PAUSE)
        eventually(lambda: set(self._queues()) == {0})

    def _queues(self) -> list[int]:
        """Return how many bytes the kernel holds for each socket at the port."""
        _, *rows = map(str.split, Path("/proc/net/udp").read_text().splitlines())
        port = f":{self._port:04X}"
        return [int(row[4].partition(":")[2], 16) for row in rows if row[1].endswith(port)]

    def end(self) -> int:
        """Return how many lines were sent."""
        return self._made


class Clients:
    """Programs that count all the time."""

    def __init__(self, stack: ExitStack, endpoint: str, acknowledged: str) -> None:
        self._programs = stack.enter_context(counting(2, endpoint, acknowledged))

    def run(self, seconds: float) -> None:
        """Wait while they count."""
        hold_for(seconds)()

    def end(self) -> int:
        """End the programs; return how often they have counted."""
        return made_by(self._programs)


@dataclass
class Receiver:
    """A receiver that can be restarted, with its sink and its load."""

    start: Callable[[], Process]
    sink: Sink
    delivered: Callable[[], int]
    load: Load
    interval: int

    def finish(self) -> tuple[int, int]:
        """Run until everything has arrived, or for three intervals; return made and delivered."""
        with self.start() as process:
            made = self.load.end()
            end = monotonic() + 3 * self.interval
            eventually(lambda: self.delivered() >= made or monotonic() > end, 4 * self.interval)
            process.stop()
        return made, self.delivered()


Make = Callable[[ExitStack, Path, int], Receiver | None]


def zibrato(acknowledged: str | None) -> Make:
    """Return a maker of a daemon with (acknowledged) clients, or with lines if it is None."""

    def make(stack: ExitStack, directory: Path, interval: int) -> Receiver:
        server = stack.enter_context(LibratoServer())
        endpoint, port = f"ipc://{directory}/socket", lines.free_port()
        options = (
            *("--socket", endpoint, "--statsd", f"udp:{port}", *account(server)),
            *("--flush-interval", str(interval), "--outbox", f"{directory}/outbox"),
        )
        load = Lines(port) if acknowledged is None else Clients(stack, endpoint, acknowledged)
        names = {"hits", *NAMES}

        def delivered() -> int:
            return sum(gauge["count"] for gauge in server.measurements() if gauge["name"] in names)

        return Receiver(lambda: daemon(*options), server, delivered, load, interval)

    return make


def statsd(stack: ExitStack, directory: Path, interval: int) -> Receiver | None:
    """Return npm's statsd, or None if it isn't installed."""
    sink, port = GraphiteSink(), lines.free_port()
    stack.callback(sink.stop)
    command = lines.statsd(
        directory,
        port,
        backends=["./backends/graphite"],
        graphiteHost="127.0.0.1",
        graphitePort=sink.port,
        graphite={"legacyNamespace": False},
        flushInterval=interval * 1000,
    )
    return None if command is None else peer(command, sink, port, r"\.hits\d+\.count$", interval)


def collectd(stack: ExitStack, directory: Path, interval: int) -> Receiver | None:
    """Return collectd with its plugins statsd and write_graphite, or None if it isn't installed."""
    sink, port = GraphiteSink(), lines.free_port()
    stack.callback(sink.stop)
    node = (
        "LoadPlugin write_graphite\n<Plugin write_graphite>\n<Node sink>\n"
        f'Host "127.0.0.1"\nPort "{sink.port}"\nProtocol "tcp"\nStoreRates false\n'
        "</Node>\n</Plugin>\n"
    )
    command = lines.collectd(directory, port, interval, "CounterSum true\n", node)
    return None if command is None else peer(command, sink, port, r"\.count-hits\d+$", interval)


def peer(command: list[str], sink: GraphiteSink, port: int, path: str, interval: int) -> Receiver:
    """Return a peer; `path` is the pattern of the paths of its sums of hits."""

    def start() -> Process:
        process = Process(command)
        processes.await_port(process.popen, port)
        return process

    def delivered() -> int:
        return round(sum(value for name, value in [*sink.sums.items()] if re.search(path, name)))

    return Receiver(start, sink, delivered, Lines(port), interval)


def undisturbed(receiver: Receiver) -> int:
    """Cause no fault: this shows what is lost by the setup itself."""
    with receiver.start() as process:
        receiver.load.run(2 * receiver.interval)
        hold_for(2.5 * receiver.interval)()
        process.stop()
    return 0


def stopped(receiver: Receiver) -> int:
    """Stop the receiver in the middle of an interval."""
    return _ended(receiver, signal.SIGTERM)


def killed(receiver: Receiver) -> int:
    """Kill the receiver in the middle of an interval."""
    return _ended(receiver, signal.SIGKILL)


def _ended(receiver: Receiver, number: int) -> int:
    for _ in range(ROUNDS):
        with receiver.start() as process:
            receiver.load.run(random.uniform(1.2, 1.8) * receiver.interval)
            process.stop(number)
    return ROUNDS


def without_sink(receiver: Receiver) -> int:
    """Stop the sink for a while."""
    with receiver.start() as process:
        receiver.load.run(2 * receiver.interval)
        receiver.sink.stop()
        receiver.load.run(OUTAGE)
        receiver.sink.start()
        receiver.load.run(2 * receiver.interval)
        process.stop()
    return 1


def stopped_without_sink(receiver: Receiver) -> int:
    """Stop the sink, and stop the receiver before the sink is back."""
    with receiver.start() as process:
        receiver.load.run(2 * receiver.interval)
        receiver.sink.stop()
        receiver.load.run(OUTAGE)
        process.stop()
    receiver.sink.start()
    return 1


RECEIVERS: dict[str, Make] = {
    "zibrato, acknowledged": zibrato("1"),
    "zibrato, plain": zibrato("0"),
    "zibrato, statsd lines": zibrato(None),
    "statsd (npm)": statsd,
    "collectd": collectd,
}
FAULTS: dict[str, tuple[Callable[[Receiver], int], int]] = {
    "none": (undisturbed, SHORT),
    "stopped (TERM)": (stopped, INTERVAL),
    "killed (-9)": (killed, INTERVAL),
    "sink away for 5 s": (without_sink, SHORT),
    "sink away, stopped": (stopped_without_sink, SHORT),
}


def measured(name: str, fault: str) -> tuple[str, ...]:
    """Return the row of one receiver with one fault."""
    inject, interval = FAULTS[fault]
    with tempfile.TemporaryDirectory(prefix="zibrato-") as path, ExitStack() as stack:
        receiver = RECEIVERS[name](stack, Path(path), interval)
        if receiver is None:
            return (name, fault, "not there", *[""] * 4)
        times = inject(receiver)
        made, delivered = receiver.finish()
    lost = f"{max(0, made - delivered):,} ({max(0, made - delivered) / made:.2%})"
    repeated = f"{max(0, delivered - made):,}"
    return (name, fault, str(times), f"{made:,}", f"{delivered:,}", lost, repeated)


def rows() -> Iterator[tuple[str, ...]]:
    """Yield all rows; all receivers run at the same time."""
    with ThreadPoolExecutor(len(RECEIVERS)) as pool:
        for fault in FAULTS:
            yield from pool.map(measured, RECEIVERS, [fault] * len(RECEIVERS))


def table_of_losses() -> str:
    """Return the whole table."""
    return table(HEAD, list(rows()))


if __name__ == "__main__":
    print(table_of_losses())
