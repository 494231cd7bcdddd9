"""How many timer measurements a second a real daemon receives, and what they cost it.

    python benchmarks/ingest.py [--seconds 5]

Each row has a `twistd` process of its own, which is pinned to one processor, with percentiles and
intervals of one second. Another process pushes frames to it over ipc as fast as they are accepted.
The processor time is that of the whole daemon, including ZeroMQ's threads, aggregation and
shipping. In the end, every measurement that was sent must have been shipped; otherwise the exit
status is 1.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks import probe, processes
from benchmarks.processes import BenchmarkError
from benchmarks.producer import SERIES, Window
from benchmarks.report import PACKAGES, load, machine, table, versions

HERE = Path(__file__).resolve().parent


class Load(NamedTuple):
    """The content of a frame: a batch with `size` samples, or as many text lines."""

    form: str
    size: int

    def __str__(self) -> str:
        unit = "sample" if self.form == "batch" else "text line"
        return f"{self.size:,} {unit}{'s' if self.size > 1 else ''}"


LOADS = [Load("batch", size) for size in (1, 10, 100, 1000)]
HEAD = (
    "frames of",
    "measurements/s",
    "per CPU-second",
    "CPU ns each",
    "CPU busy",
    "timer late p99",
    "worst",
)
GOAL_RATES = {1: 450_000, 1000: 12_000_000}
"""Goals in measurements per second of processor time, by samples in a batch; with numpy."""
GOAL_LATENESS = 0.05


class Result(NamedTuple):
    """The result of one load: what was sent, the measured time window, and the timer's lateness."""

    load: Load
    sent: int
    window: Window
    lateness: list[float]

    @property
    def rate(self) -> float:
        """Measurements per second of the daemon's processor time."""
        return self.window.measurements / self.window.cpu

    @property
    def late(self) -> float:
        """The 99th percentile of the timer's lateness, in seconds."""
        return sorted(self.lateness)[len(self.lateness) * 99 // 100]

    def cells(self) -> tuple[str, ...]:
        """Return the row of the table."""
        start, end, measurements, cpu = self.window
        return (
            str(self.load),
            f"{measurements / (end - start):,.0f}",
            f"{self.rate:,.0f}",
            f"{cpu / measurements * 1e9:,.0f}",
            f"{cpu / (end - start):.0%}",
            f"{self.late * 1e3:.1f} ms",
            f"{max(self.lateness) * 1e3:.1f} ms",
        )


def main() -> int:
    """Run every load and print the table; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each row is measured")
    arguments = parser.parse_args()
    print(f"{machine()}; {versions(*PACKAGES)};")
    print(f"{processes.pinning()}; {len(SERIES)} series; each row measured for", end=" ")
    print(f"{arguments.seconds:.0f} s;\n{load()}\n", flush=True)
    try:
        results = [run(load, arguments.seconds) for load in LOADS]
    except BenchmarkError as error:
        print(f"WORTHLESS: {error}", file=sys.stderr)
        return 1
    print(table(HEAD, [result.cells() for result in results]))
    print(f"\nAll {sum(result.sent for result in results):,} measurements sent were shipped.")
    print(*goals(results), load(), sep="\n")
    return 0


def run(load: Load, seconds: float) -> Result:
    """Send one load to a new daemon; raises BenchmarkError if a measurement was lost."""
    with tempfile.TemporaryDirectory(prefix="zibrato-") as path:
        directory = Path(path)
        account = directory / "account.json"
        with probed_daemon(directory, account) as (endpoint, pid):
            producer = ["-m", "benchmarks.producer", endpoint, *map(str, (*load, seconds, pid))]
            sent, window = produce(producer, account)
        check(account, sent)
        seen = probe.read(directory / "probe")
    lateness = [look.late for look in seen if window.start <= look.due <= window.end]
    return Result(load, sent, window, lateness)


@contextmanager
def probed_daemon(directory: Path, account: Path, *extra: str) -> Iterator[tuple[str, int]]:
    """Run a daemon with the probe, which writes the file `probe`; yield endpoint and process id.

    `extra` are further options of the daemon.
    """
    endpoint = f"ipc://{directory}/socket"
    options = ["--socket", endpoint, *processes.daemon_options(account), *extra]
    environment = {"ZIBRATO_OPTIONS": shlex.join(options), "PROBE": f"{directory}/probe"}
    command = [*processes.twistd(directory), "--python", str(HERE / "probed.tac")]
    with processes.running(command, processor=0, environment=environment) as process:
        processes.await_socket(process, endpoint)
        yield endpoint, process.pid
        processes.stop(process)


def produce(arguments: list[str], account: Path) -> tuple[int, Window]:
    """Run a process that sends; return how much it sent, and the window, when all has arrived."""
    with processes.running([sys.executable, *arguments], processor=1) as producer:
        assert producer.stdout is not None
        line = producer.stdout.readline()
        if not line:
            raise BenchmarkError(f"the producer ended with status {producer.wait()}")
        report = json.loads(line)
        processes.await_account(account, "bench.", report["sent"])
        producer.communicate()  # end it by closing its input
    return report["sent"], Window(*report["window"])


def check(account: Path, sent: int) -> None:
    """Raise BenchmarkError unless exactly what was sent was shipped."""
    shipped = processes.shipped(account, "bench.")
    if shipped != sent:
        raise BenchmarkError(f"{sent:,} measurements were sent, {shipped:,} were shipped")


def goals(results: Sequence[Result]) -> Iterator[str]:
    """Yield a line for each goal."""
    held = {True: "held", False: "NOT held"}
    for result in results:
        if goal := GOAL_RATES.get(result.load.size):
            what = f"frames of {result.load}, {goal:,} a second on one core"
            yield f"Goal, {what}: {held[result.rate >= goal]}."
    late = max(result.late for result in results)
    what = "a 10 ms timer late by under 50 ms at the 99th percentile"
    yield f"Goal, {what}: {held[late < GOAL_LATENESS]}."


if __name__ == "__main__":
    sys.exit(main())
