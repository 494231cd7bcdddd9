"""What one measurement costs the program that makes it, with this client and with others.

    python benchmarks/clients.py [--quick] [--rounds N] [--rows zibrato,statsd] [--check]

Everything is measured in one run and one process. Every row has its turn in every round, in random
order. A figure is the median of the processor time that the calling thread used. Zibrato's client
has a real daemon, and its sender thread drains what the rows record. Clients that send UDP send it
to a real socket, which a process reads. The daemon and that process run on another processor. To
install the other clients:

    pip install -r benchmarks/requirements.txt
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks import peers, processes
from benchmarks.goals import OURS, Figures, names, ratio, verdicts
from benchmarks.measure import THREADS, Row, Snippet, measure
from benchmarks.peers import COUNT, DECORATORS, ENDS, GAUGE, NAMED, TAGGED, WITH, Client, Decorator
from benchmarks.processes import BenchmarkError
from benchmarks.report import machine, table, versions
from zibrato import Zibrato

ROUNDS = 41
QUICK_ROUNDS = 9
ONE = (*DECORATORS, WITH, GAUGE, COUNT)
BY_NAME = (*NAMED.values(), TAGGED)
FORMS = ("3 arguments, a result", "async def", f"{THREADS} threads")
VARIANTS = tuple(f"{decorator}, {form}" for form in FORMS for decorator in DECORATORS)
PACKAGES = (
    *("zibrato", "statsd", "datadog", "prometheus_client", "opentelemetry-sdk", "markus"),
    *("pyformance", "librato-metrics"),
)
MAX_PENDING = 100_000_000
LINGER = 60.0


def nothing() -> None:
    """Do nothing."""


def first_of_three(first: int, _second: int, _third: int) -> int:
    """Return an argument, so that merely looking at the result shows that it is finished."""
    return first


async def nothing_async() -> None:
    """Do nothing."""


def main() -> int:
    """Measure everything in one run and print it; return the exit status."""
    arguments = parse()
    warnings.simplefilter("ignore")  # pyformance uses pkg_resources, which warns
    processes.pin(0)
    with tempfile.TemporaryDirectory(prefix="zibrato-") as path, drain() as port:
        try:
            figures = run(Path(path), port, arguments.rows, arguments.rounds)
        except BenchmarkError as error:
            print(f"WORTHLESS: {error}", file=sys.stderr)
            return 1
    show(figures, arguments.rounds)
    results = list(verdicts(figures))
    print(
        table(("goal", "wanted", "measured", "verdict"), [verdict.cells() for verdict in results])
    )
    return int(arguments.check and not all(verdict.held for verdict in results))


def parse() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds: a first impression")
    parser.add_argument("--rounds", type=int, help=f"how many turns each row has ({ROUNDS})")
    parser.add_argument("--rows", default="", help="only clients whose names hold one of these")
    parser.add_argument("--check", action="store_true", help="status 1 where a goal is missed")
    arguments = parser.parse_args()
    arguments.rounds = arguments.rounds or (QUICK_ROUNDS if arguments.quick else ROUNDS)
    arguments.rows = [row.strip().lower() for row in arguments.rows.split(",")]
    return arguments


def run(directory: Path, port: int, wanted: Sequence[str], rounds: int) -> Figures:
    """Measure; raises BenchmarkError unless everything that Zibrato recorded was shipped."""
    endpoint = f"ipc://{directory}/socket"
    figures: dict[tuple[str, str], Row] = {}
    with processes.daemon(directory, endpoint) as account:
        z = Zibrato(endpoint, linger=LINGER, max_pending=MAX_PENDING)
        for client in clients(z, port, wanted):
            for operation, snippet in snippets(client):
                figures[operation, client.name] = Row(snippet)
        gc.freeze()
        measure(list(figures.values()), rounds)
        z.close()
    made = sum(
        row.calls * row.snippet.measurements for (_, name), row in figures.items() if name == OURS
    )
    shipped = processes.shipped(account, "bench.")
    if made != shipped:
        raise BenchmarkError(f"{made:,} measurements were made, {shipped:,} were shipped")
    print(f"All {made:,} measurements that Zibrato's rows made were shipped by the daemon.\n")
    return figures


def clients(z: Zibrato, port: int, wanted: Sequence[str]) -> Iterator[Client]:
    """Yield the clients that are wanted and installed, and always the references."""
    yield peers.bare()
    yield peers.plain()
    made = [lambda: peers.zibrato(z), *peers.others(port)]
    for make in made:
        try:
            client = make()
        except ImportError as error:
            print(f"left out: {error}; pip install -r benchmarks/requirements.txt")
            continue
        if any(part in client.name.lower() for part in wanted):
            yield client


def snippets(client: Client) -> Iterator[tuple[str, Snippet]]:
    """Yield each operation of a client with its snippet."""
    for operation, kind, decorate in zip(
        DECORATORS, ("count", "time"), (client.count, client.time), strict=True
    ):
        if decorate is not None:
            yield from decorated(operation, decorate, client, kind in client.by_hand)
    yield from client.statements.items()


def decorated(
    operation: str, decorate: Decorator, client: Client, by_hand: bool
) -> Iterator[tuple[str, Snippet]]:
    """Yield the calls of decorated functions; for decorators written by hand, only the simplest."""
    call = Snippet("function()", {"function": decorate(nothing)}, by_hand)
    yield operation, call
    if by_hand:
        return
    three = {"function": decorate(first_of_three)}
    yield f"{operation}, {FORMS[0]}", Snippet("function(1, 2, 3)", three)
    if client.coroutines:
        awaited = {"function": decorate(nothing_async)}
        yield f"{operation}, {FORMS[1]}", Snippet("await function()", awaited)
    yield f"{operation}, {FORMS[2]}", replace(call, threads=THREADS)


@contextlib.contextmanager
def drain() -> Iterator[int]:
    """Run a process that reads a UDP socket and discards the data; yield its port."""
    command = [sys.executable, "-m", "benchmarks.drain"]
    with processes.running(command, processor=1) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())


def show(figures: Figures, rounds: int) -> None:
    """Print the figures."""
    print(f"{machine()};")
    print(f"{versions(*PACKAGES)};")
    print(f"{processes.pinning()}; garbage collector on; median of {rounds} interleaved rounds.")
    print("Nanoseconds a call, and in brackets how many times a plain wrapper's. An asterisk: the")
    print("library has no such instrument, so it was written by hand with it.\n")
    for operations in (ONE, ENDS, BY_NAME, *(VARIANTS[at : at + 2] for at in range(0, 6, 2))):
        rows = [
            [name, *(cell(figures, operation, name) for operation in operations)]
            for name in names(figures, operations)
        ]
        print(table(("client", *operations), rows) + "\n")


def cell(figures: Figures, operation: str, name: str) -> str:
    """Return the text for one figure."""
    row = figures.get((operation, name))
    if row is None:
        return "n/a"
    mark = "*" if row.snippet.by_hand else " "
    return f"{row.median:,.0f} ({ratio(figures, operation, name):.2f}){mark}"


if __name__ == "__main__":
    sys.exit(main())
