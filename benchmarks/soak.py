"""Whether a daemon keeps within its bounds while it gets too much of everything.

    python -m benchmarks.soak [--minutes 10] [--picture docs/explanation/soak.svg]

A daemon on one processor, with default intervals and bounds, gets twice the measurements that it
can process, in a tenth more series than it may have. A thousand clients are connected, and each
second a hundred of them leave and others come. First, this measures how much the daemon can
process. Then its memory must be constant after a warm-up, its timers must be on time, and
everything beyond a bound must be counted, by reason: every measurement was shipped, was dropped, or
was never accepted; otherwise the exit status is 1.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks import probe, processes
from benchmarks.ingest import probed_daemon
from benchmarks.picture import Panel, svg
from benchmarks.probe import Look
from benchmarks.processes import BenchmarkError
from benchmarks.report import machine, table, versions

SERIES, BEYOND, CLIENTS = 100_000, 10_000, 1_000
OWN = "zibrato."
CALIBRATION = 20.0
SHARE_OF_MEMORY = 1.05
"""How much memory the last quarter may take, relative to the second one."""
LATENESS = 0.05
SETTLED = 25.0
"""Seconds without anything new, after which nothing more is expected: more than two intervals."""
MIB = 1 << 20


class Shipped:
    """Adds up what a daemon's log backend writes, and frees the disk space as it reads.

    `count` is the number of the benchmark's measurements; `own` has the sums of the daemon's own
    counters by name and reason.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0
        self._rest = b""
        self.count = 0
        self.own: Counter[tuple[str, str]] = Counter()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    @property
    def known(self) -> int:
        """How many measurements were shipped, dropped or rejected."""
        kinds = ("zibrato.intake.dropped", "zibrato.intake.rejected", "zibrato.backend.dropped")
        return self.count + sum(n for (name, _), n in [*self.own.items()] if name in kinds)

    def settle(self, expected: int) -> None:
        """Wait until `expected` measurements are known, or none was added for `SETTLED` seconds."""
        before, since = 0, time.monotonic()
        while self.known < expected and time.monotonic() < since + SETTLED:
            if self.known != before:
                before, since = self.known, time.monotonic()
            time.sleep(0.1)

    def end(self) -> None:
        """Read what is left."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(0.5):
            self._take()
        self._take()

    def _take(self) -> None:
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._read)
            while data := file.read(1 << 20):
                self._read += len(data)
                *lines, self._rest = (self._rest + data).split(b"\n")
                for line in lines:
                    self._add(json.loads(line))
        # After ten minutes, the file would have gigabytes.
        hole = ("fallocate", "--punch-hole", "--offset", "0", "--length", str(self._read))
        subprocess.run([*hole, str(self._path)], check=False, stderr=subprocess.DEVNULL)

    def _add(self, line: Mapping[str, object]) -> None:
        name, tags = line["name"], line["tags"]
        assert isinstance(name, str)
        assert isinstance(tags, dict)
        if not name.startswith(OWN):
            count = line["count"]
            assert isinstance(count, int)
            self.count += count
        elif line["kind"] == "counter":
            total = line["sum"]
            assert isinstance(total, int | float)
            self.own[name, tags.get("reason", "")] += round(total)


class Memory:
    """Records the resident memory of a process every second: Unix times and bytes."""

    def __init__(self, pid: int) -> None:
        self._path = Path(f"/proc/{pid}/statm")
        self.points: list[tuple[float, int]] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def end(self) -> None:
        """Stop recording."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        page = os.sysconf("SC_PAGE_SIZE")
        while not self._ended.wait(1):
            try:
                pages = int(self._path.read_text().split()[1])
            except OSError:
                return
            self.points.append((time.time(), pages * page))


class Run(NamedTuple):
    """The result of one daemon: clients' reports, what was shipped, its memory and lateness."""

    warm: Mapping[str, float]
    end: Mapping[str, float]
    sent: Mapping[str, float]
    shipped: Shipped
    memory: Sequence[tuple[float, int]]
    looks: Sequence[Look]

    @property
    def rate(self) -> float:
        """Measurements a second that were accepted after the warm-up."""
        taken = [told["made"] - told.get("full", 0) for told in (self.warm, self.end)]
        return (taken[1] - taken[0]) / (self.end["to"] - self.warm["to"])


def main() -> int:
    """Run, print the results and draw the picture; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0, help="how long it gets too much")
    parser.add_argument("--picture", type=Path, help="the SVG file to draw memory and lag into")
    arguments = parser.parse_args()
    print(f"{machine()}; {versions('zibrato', 'Twisted', 'txZMQ', 'pyzmq', 'msgspec')};")
    print(f"{processes.pinning()}\n", flush=True)
    try:
        rate = run(0.0, CALIBRATION).rate
        print(f"It can take {rate:,.0f} measurements a second, and gets twice as many for")
        print(f"{arguments.minutes:g} minutes.\n", flush=True)
        result = run(2 * rate, arguments.minutes * 60)
    except BenchmarkError as error:
        print(f"WORTHLESS: {error}", file=sys.stderr)
        return 1
    print(table(("what became of them", "measurements"), list(account(result))))
    print(f"\n{result.sent['connections'] / 2:,.0f} clients came and left.")
    print(*goals(result), sep="\n")
    if arguments.picture:
        arguments.picture.write_text(picture(result))
    return int(lost(result) != 0)


def run(rate: float, seconds: float) -> Run:
    """Run a new daemon with so many measurements a second, or 0 for as many as it accepts."""
    with tempfile.TemporaryDirectory(prefix="zibrato-") as path:
        directory = Path(path)
        account = directory / "account.json"
        shipped = Shipped(account)
        more = ("--flush-interval", "10", "--outbox", f"{directory}/outbox")
        try:
            with probed_daemon(directory, account, *more) as (endpoint, pid):
                memory = Memory(pid)
                try:
                    warm, end, sent = send(endpoint, rate, seconds)
                finally:
                    memory.end()
                # What a daemon has not read when the deadline of its stop is over would be lost.
                shipped.settle(round(sent["made"] - sent.get("full", 0)))
        finally:
            shipped.end()
        return Run(warm, end, sent, shipped, memory.points, probe.read(directory / "probe"))


def send(endpoint: str, rate: float, seconds: float) -> Sequence[Mapping[str, float]]:
    """Run the clients; return their reports: warmed up, at the end, and when all was sent."""
    parts = (endpoint, SERIES + BEYOND, CLIENTS, rate, seconds)
    command = [sys.executable, "-m", "benchmarks.soak_clients", *map(str, parts)]
    with processes.running(command, processor=1) as clients:
        output, _ = clients.communicate()
    if clients.returncode:
        raise BenchmarkError(f"the clients ended with status {clients.returncode}")
    return [json.loads(line) for line in output.splitlines()]


def account(result: Run) -> Iterator[tuple[str, str]]:
    """Yield a row for each possible fate of measurements."""
    yield "made", f"{result.sent['made']:,}"
    yield "shipped", f"{result.shipped.count:,}"
    yield "dropped by clients: full", f"{result.sent.get('full', 0):,}"
    for (name, reason), count in sorted(result.shipped.own.items()):
        if name.endswith((".dropped", ".rejected")):
            yield f"{name.removeprefix(OWN)}: {reason}", f"{count:,}"
    yield "lost", f"{lost(result):,}"


def lost(result: Run) -> float:
    """Return how many measurements are in none of the rows."""
    return result.sent["made"] - result.sent.get("full", 0) - result.shipped.known


def goals(result: Run) -> Iterator[str]:
    """Yield a line for each goal."""
    held = {True: "held", False: "NOT held"}
    second, last = quarters(result)
    yield (
        f"Goal, memory flat once warm: {held[last <= SHARE_OF_MEMORY * second]}; "
        f"{second / MIB:,.0f} MiB in the second quarter, {last / MIB:,.0f} MiB in the last."
    )
    looks = measured(result)
    late, used = p99(look.late for look in looks), p99(look.used for look in looks)
    yield (
        f"Goal, a 10 ms timer late by under 50 ms: {held[late < LATENESS]}; "
        f"p99 {late * 1e3:.1f} ms, worst {max(look.late for look in looks) * 1e3:.0f} ms."
    )
    yield (
        f"Of the processor the reactor used up to {used * 1e3:.1f} ms before it came to a timer, "
        f"99 times in 100; at most {max(look.used for look in looks) * 1e3:.0f} ms."
    )
    yield f"Goal, everything is counted: {held[lost(result) == 0]}."


def quarters(result: Run) -> tuple[float, float]:
    """Return the median bytes of memory in the second and in the last quarter of the time."""
    start, end = result.warm["to"], result.end["to"]
    parts = [
        median(
            size
            for at, size in result.memory
            if quarter / 4 <= (at - start) / (end - start) < (quarter + 1) / 4
        )
        for quarter in (1, 3)
    ]
    return parts[0], parts[1]


def measured(result: Run) -> list[Look]:
    """Return the looks after the warm-up."""
    return [look for look in result.looks if result.warm["to"] <= look.due <= result.end["to"]]


def p99(values: Iterable[float]) -> float:
    """Return the 99th percentile."""
    ordered = sorted(values)
    return ordered[len(ordered) * 99 // 100]


def picture(result: Run) -> str:
    """Return the picture; its time begins when the clients start."""
    begun, end = result.sent["from"], result.end["to"]
    memory = [(at - begun, size / MIB) for at, size in result.memory if begun <= at <= end]
    worst: dict[int, float] = {}
    for look in result.looks:
        if begun <= look.due <= end:
            second = int(look.due - begun)
            worst[second] = max(worst.get(second, 0.0), look.late * 1e3)
    return svg(
        "Memory and lateness of a daemon that gets twice what it can take",
        [
            Panel("resident memory, MiB", memory),
            Panel(
                "how late a timer came, worst of each second, ms",
                sorted(worst.items()),
                marks=[(LATENESS * 1e3, "50 ms")],
            ),
        ],
    )


if __name__ == "__main__":
    sys.exit(main())
