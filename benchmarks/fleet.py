"""How many daemons one hub can serve: what a snapshot costs its processor, and how that grows.

    python -m benchmarks.fleet [--rounds 3] [--hosts 10 100 1000]

Each row has a hub of its own, a `twistd` process, and one process that simulates the hosts. Each
host has its two connections to the hub. In each round it ships a snapshot, after everything of the
previous round was committed. A third of a snapshot's series are counters, a third are timers with
200 samples, and a third are gauges; no two hosts share series. The hub's interval is a second. The
processor time is that of the whole hub, without its start, but with its stop, which ships
everything. Everything that was shipped must have been received exactly once.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import zmq

from benchmarks import processes
from benchmarks.processes import BenchmarkError
from benchmarks.report import PACKAGES, load, machine, table, versions
from zibrato.backends.hub.window import Part, Window, parts
from zibrato.descriptors import raise_descriptor_limit
from zibrato.distribution import Distribution
from zibrato.model import COUNTER, GAUGE, TIMER, Identity, Series, Snapshot, Summary
from zibrato.wire import decode_acknowledgement

SERIES = (60, 600)
"""Series of each host."""
SAMPLES = 200
INTERVAL = 10.0
"""Seconds: the default interval in which a host ships."""
LEVEL = "debug"
"""The level of what hosts ship. The account has level info, so it has only the hub's own series."""
PATIENCE = 120.0
HEAD = (
    "a hub of", "series each", "keeps", "snapshots/s", "CPU ms each", "CPU µs a series",
    "hosts a core", "MiB",
)  # fmt: skip


class Load(NamedTuple):
    """The number of hosts, the number of series of each, and whether the hub keeps them."""

    hosts: int
    series: int
    keeps: bool

    def options(self, directory: Path) -> list[str]:
        """Return the options of the hub's backends."""
        account = ["--backend", f"log:path={directory / 'account.json'}:levels=info+"]
        store = f"store:path={directory / 'store.sqlite'}:max_stored_series=1000000"
        return [*account, *(["--backend", store] if self.keeps else [])]


class Result(NamedTuple):
    """The processor seconds, the seconds and the memory that a hub used for so many snapshots."""

    load: Load
    snapshots: int
    cpu: float
    seconds: float
    memory: int

    def cells(self) -> tuple[str, ...]:
        """Return the row of the table."""
        cost = self.cpu / self.snapshots
        return (
            f"{self.load.hosts:,}",
            f"{self.load.series:,}",
            "a store" if self.load.keeps else "nothing",
            f"{self.snapshots / self.seconds:,.0f}",
            f"{cost * 1e3:.2f}",
            f"{cost / self.load.series * 1e6:.1f}",
            f"{INTERVAL / cost:,.0f}",
            f"{self.memory / 2**20:,.0f}",
        )


def main() -> int:
    """Run every load and print the table; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="snapshots of each host")
    parser.add_argument("--hosts", type=int, nargs="+", default=[10, 100, 1000])
    arguments = parser.parse_args()
    raise_descriptor_limit()
    print(f"{machine()}; {versions(*PACKAGES)};")
    print(f"{processes.pinning()}; {arguments.rounds} snapshots of each host;\n{load()}\n")
    print(f"A host's own part: {shipping(SERIES[0]) * 1e3:.2f} ms to make a snapshot's frames of")
    print(f"{SERIES[0]} series.\n", flush=True)
    loads = [Load(hosts, SERIES[0], keeps) for keeps in (False, True) for hosts in arguments.hosts]
    loads.append(Load(max(1, arguments.hosts[-1] // 10), SERIES[1], True))
    try:
        start_up = start_up_seconds()
        results = [run(one, arguments.rounds, start_up) for one in loads]
    except BenchmarkError as error:
        print(f"WORTHLESS: {error}", file=sys.stderr)
        return 1
    print(table(HEAD, [result.cells() for result in results]))
    print(f"\nAll {sum(one.snapshots for one in results):,} snapshots were taken in, once.", load())
    return 0


def shipping(series: int, times: int = 20) -> float:
    """Return the processor seconds that a host needs to make the frames of a snapshot."""
    snapshot, began = snapshot_of("host", series, 0.0), time.process_time()
    for number in range(times):
        window = Window(parts_of(snapshot, Identity("run", number + 1)))
        while window.frame() is not None:
            window.sent()
    return (time.process_time() - began) / times


def start_up_seconds() -> float:
    """Return the processor seconds of a hub that receives nothing."""
    with tempfile.TemporaryDirectory(prefix="zibrato-") as path:
        before = _children_seconds()
        with hub(Path(path), Load(1, 3, True)):
            pass
        return _children_seconds() - before


def run(load: Load, rounds: int, start_up: float) -> Result:
    """Return what a load costs a new hub; raises BenchmarkError if a measurement was lost."""
    with tempfile.TemporaryDirectory(prefix="zibrato-") as path:
        directory = Path(path)
        before = _children_seconds()
        with hub(directory, load) as (endpoint, pid), Fleet(endpoint, load) as fleet:
            began = time.monotonic()
            for number in range(rounds):
                fleet.ship(time.time() - rounds + number, number + 1)
            seconds, memory = time.monotonic() - began, _peak_memory(pid)
        check(directory / "account.json", fleet.measurements)
    cpu = _children_seconds() - before - start_up
    return Result(load, load.hosts * rounds, cpu, seconds, memory)


@contextmanager
def hub(directory: Path, load: Load) -> Iterator[tuple[str, int]]:
    """Run a hub; yield its endpoint and process id."""
    endpoint = f"ipc://{directory}/hub"
    options = [
        *("--socket", endpoint, "--flush-interval", "1", "--web", "none"),
        *("--outbox", str(directory / "outbox"), "--max-series", "10000000"),
        *load.options(directory),
    ]
    command = [*processes.twistd(directory), "zibrato", *options]
    with processes.running(command, processor=0) as process:
        processes.await_socket(process, endpoint)
        yield endpoint, process.pid
        processes.stop(process)


class Fleet:
    """Hosts, each with its two sockets; `measurements` counts what they have shipped."""

    def __init__(self, endpoint: str, load: Load) -> None:
        self.measurements = 0
        self._endpoint = endpoint
        self._load = load
        self._names = [f"host{number}" for number in range(load.hosts)]

    def __enter__(self) -> Fleet:
        with ExitStack() as stack:
            context = stack.enter_context(zmq.Context(2))
            context.set(zmq.MAX_SOCKETS, 2 * self._load.hosts + 10)
            self._push: dict[str, zmq.Socket[bytes]] = {}
            self._back: dict[zmq.Socket[bytes], str] = {}
            self._poller = zmq.Poller()
            for name in self._names:
                push, back = context.socket(zmq.PUSH), context.socket(zmq.SUB)
                for socket, address in ((push, ""), (back, ".ack")):
                    stack.enter_context(socket)
                    socket.set(zmq.LINGER, 0)
                    socket.connect(f"{self._endpoint}{address}")
                back.set(zmq.SUBSCRIBE, name.encode())
                self._push[name], self._back[back] = push, name
                self._poller.register(back, zmq.POLLIN)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def ship(self, start: float, number: int) -> None:
        """Ship a snapshot of each host, and wait until all are committed; raises BenchmarkError."""
        waiting: dict[str, int] = {}
        for name in self._names:
            snapshot = snapshot_of(name, self._load.series, start)
            made = parts_of(snapshot, Identity(name, number))
            window = Window(made)
            while (frame := window.frame()) is not None:
                self._push[name].send(frame)
                window.sent()
            waiting[name] = made[-1].sequence
            self.measurements += snapshot.measurements
        limit = time.monotonic() + PATIENCE
        while waiting:
            if time.monotonic() > limit:
                raise BenchmarkError(f"{len(waiting)} hosts were not acknowledged")
            for back, _ in self._poller.poll(1000):
                self._read(back, waiting)

    def _read(self, back: zmq.Socket[bytes], waiting: dict[str, int]) -> None:
        topic, frame = back.recv_multipart()
        message, name = decode_acknowledgement(frame), self._back[back]
        if topic == name.encode() and message and (message.committed or 0) >= waiting.get(name, 0):
            waiting.pop(name, None)


def snapshot_of(source: str, count: int, start: float) -> Snapshot:
    """Return a snapshot with so many series."""
    third = count // 3
    summaries: dict[Series, Summary] = {}
    for number in range(third):
        tags = (("route", f"/{number}"),)
        counter = Series(COUNTER, "hits", source, tags, LEVEL)
        summaries[counter] = Summary(100 + number, 100.0 + number)
        summaries[Series(TIMER, "work", source, tags, LEVEL)] = _TIMINGS[number % len(_TIMINGS)]
        gauge = Series(GAUGE, "depth", source, tags, LEVEL)
        summaries[gauge] = Summary(1, 4.0, 4.0, 4.0, 16.0, 4.0)
    return Snapshot(start, start + 1, summaries)


def parts_of(snapshot: Snapshot, identity: Identity) -> list[Part]:
    """Return the parts of a snapshot."""
    work = parts(snapshot, identity)
    while True:
        try:
            next(work)
        except StopIteration as done:
            made: tuple[list[Part], int] = done.value
            return made[0]


def check(account: Path, measurements: int) -> None:
    """Raise BenchmarkError unless the hub has received exactly what was shipped."""
    taken = 0.0
    for text in account.read_text().splitlines():
        line = json.loads(text)
        if line["name"] in {"zibrato.intake.rejected", "zibrato.intake.dropped"}:
            raise BenchmarkError(f"the hub lost some: {text}")
        taken += line["sum"] if line["name"] == "zibrato.intake.received" else 0
    if taken < measurements or taken > measurements * 1.001 + 1000:
        raise BenchmarkError(f"{measurements:,} measurements were shipped, {taken:,.0f} taken in")


def _timings(chance: random.Random) -> Summary:
    samples = [chance.lognormvariate(-5, 0.5) for _ in range(SAMPLES)]
    made, squares = Distribution(samples), sum(sample * sample for sample in samples)
    return Summary(SAMPLES, sum(samples), made.low, made.high, squares, samples[-1], made)


def _children_seconds() -> float:
    """Return the processor seconds of all child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _peak_memory(pid: int) -> int:
    """Return the largest amount of memory, in bytes, that a process has had so far."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


_TIMINGS: Sequence[Summary] = [_timings(random.Random(seed)) for seed in range(50)]


if __name__ == "__main__":
    sys.exit(main())
