"""Forking servers and pools, each as a real program: nothing is lost, nothing is doubled."""

from __future__ import annotations

import http.client
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests import soak
from tests.integration.processes import BIN, ROOT, Process, eventually
from tests.integration.sink import Sink

LONG = 120.0


def program(name: str, *arguments: str, sink: Sink, **environment: str) -> Process:
    """Return a program of tests/integration/programs that sends to `sink`."""
    return started(
        [sys.executable, "-m", f"tests.integration.programs.{name}", *arguments],
        sink,
        **environment,
    )


def started(arguments: list[str], sink: Sink, **environment: str) -> Process:
    """Return a process that sends to `sink`."""
    return Process(
        arguments, {"ZIBRATO_SOCKET": sink.endpoint, "PYTHONPATH": str(ROOT), **environment}, ROOT
    )


def check(sink: Sink, expected: dict[str, int]) -> None:
    """Wait until just these counts have come, and nothing but gauges and series beside them."""
    for name, count in expected.items():
        sink.wait_for(name, count)
    sink.take(50)
    assert {name: sink.counts[name] for name in expected} == expected
    assert not sink.reasons


# gunicorn: 2 workers, a few requests at a time.

REQUESTS = 130


def ask(port: int, number: int) -> None:
    """Make a request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LONG)
    try:
        connection.request("GET", f"/{number}", headers={"Connection": "close"})
        assert connection.getresponse().status == 200
    finally:
        connection.close()


def workers(log: str) -> tuple[int, int, int]:
    """Return how many workers booted and exited, and how often the application was imported."""
    booted, exited = log.count("Booting worker"), log.count("Worker exiting")
    return booted, exited, log.count("application imported")


def is_settled(log: str, preload: bool) -> bool:
    """Return whether there are two workers that stay, and they have imported what they serve."""
    booted, exited, imported = workers(log)
    leaving = log.count("Autorestarting worker")  # which is said before the last answer
    return leaving == exited == booted - 2 and imported == (1 if preload else booted)


@pytest.mark.soak
@pytest.mark.parametrize(
    ("preload", "recycle", "threads", "stop"),
    soak.combinations(
        ([], ["--preload"]),
        (["--max-requests=30"], []),
        ([], ["--threads=3"]),
        (signal.SIGTERM, signal.SIGINT),
    ),
)
def test_gunicorn(
    sink: Sink, preload: list[str], recycle: list[str], threads: list[str], stop: signal.Signals
) -> None:
    """A worker that is told to stop, or has had its share of requests, sends what it has."""
    server = [str(BIN / "gunicorn"), "--workers=2", "--bind=127.0.0.1:0", "--no-control-socket"]
    options = [*threads, *preload, *recycle, "tests.integration.programs.web:application"]
    with started([*server, *options], sink) as process:
        port = int(process.wait_for(r"Listening at: http://127.0.0.1:(\d+)", LONG)[1])
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(ask, [port] * REQUESTS, range(REQUESTS)))
        eventually(lambda: is_settled(process.output, bool(preload)), LONG)
        booted, _, imported = workers(process.output)
        assert process.stop(stop, LONG) == 0
    assert booted > 3 if recycle else booted == 2
    check(sink, {**dict.fromkeys(("requests", "handled", "asked"), REQUESTS), "imported": imported})
    assert sink.sums["asked"] == sum(range(REQUESTS))


# Celery: a filesystem broker, which needs no server.

TASKS = 30


SHARE = 7
SHARES = 7, None


def is_done(log: str, share: int | None) -> bool:
    """Return whether all tasks were done, and whoever had done its share of them is replaced.

    Celery never tells a worker to stop that it adds while its pool is being closed, and then waits
    for it for ever.
    """
    done = Counter(re.findall(r"/(\S+)\] .* succeeded in", log))
    replaced = sum(number == share for number in done.values())
    return done.total() == TASKS and log.count("worker ready") == 2 + replaced


@pytest.mark.soak
@pytest.mark.parametrize("share", SHARES if soak.SHARE >= 1 else SHARES[:1])
def test_celery_prefork(sink: Sink, tmp_path: Path, share: int | None) -> None:
    """Workers leave by os._exit: they send what they have on `worker_process_shutdown`.

    Those that are recycled leave in both ways, the last two as the others do when all is stopped.
    """
    queue = tmp_path / "queue"
    queue.mkdir()
    program("tasks", str(TASKS), sink=sink, QUEUE=str(queue)).wait(LONG)
    sink.wait_for("imported", 1)
    worker = [str(BIN / "celery"), "--app", "tests.integration.programs.tasks", "worker"]
    options = ["--pool", "prefork", "--concurrency", "2", "--loglevel", "info"]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    recycle = [] if share is None else [f"--max-tasks-per-child={share}"]
    environment = {"QUEUE": str(queue)}
    with started([*worker, *options, *quiet, *recycle], sink, **environment) as process:
        eventually(lambda: is_done(process.output, share), LONG)
        assert process.stop(signal.SIGTERM, LONG) == 0
        assert "Traceback" not in process.output
    check(sink, {"tasks": TASKS, "worked": TASKS, "asked": TASKS, "imported": 2})
    assert sink.sums["asked"] == sum(range(TASKS))


# multiprocessing and concurrent.futures.


KINDS = ["processes", "own_clients", "grandchildren", "pool", "executor"]
PAIRS = soak.combinations(KINDS, ["forkserver", "spawn"])
"""Each process of these imports everything anew: a short run has each kind with one of them."""


@pytest.mark.soak
@pytest.mark.parametrize(("kind", "method"), [*((kind, "fork") for kind in KINDS), *PAIRS])
def test_multiprocessing(sink: Sink, kind: str, method: str) -> None:
    """Processes that come to their end send what they have."""
    with program("pools", method, kind, sink=sink) as process:
        assert process.wait(LONG) == 0
    assert process.output == ""
    check(sink, {"parent": 40, "work": 40, "worked": 40, "asked": 40})
    assert sink.sums["asked"] == sum(range(40))


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_pool_that_is_terminated_loses_what_is_younger_than_a_send(
    sink: Sink, method: str
) -> None:
    """`Pool.terminate`, which leaving its `with` block means, kills by SIGTERM.

    That runs no code of the process, so what it recorded since the last send (a second ago at
    most) is lost, and nothing else: here all had been sent.
    """
    with program("pools", method, "terminated", sink=sink) as process:
        process.wait_for("worked", LONG)
        sink.wait_for("work", 40)
        sink.wait_for("worked", 40)
        process.send(signal.SIGUSR1)
        assert process.wait(LONG) == 0
    check(sink, {"parent": 40, "work": 40, "worked": 40, "asked": 40})


# os.fork itself.


@pytest.fixture
def forks(sink: Sink) -> Iterator[Sink]:
    """A sink, which must have had no complaints in the end."""
    yield sink
    assert not sink.reasons


def fork(sink: Sink, kind: str, number: int) -> str:
    """Run a kind of forks.py to its end; return what it printed."""
    with program("forks", kind, str(number), sink=sink) as process:
        assert process.wait(LONG) == 0
    return process.output


FORKS = soak.rounds(100 // 4) * 4
"""Four at a time, each of which counts to 50."""


@pytest.mark.soak
def test_forks_under_four_busy_threads(forks: Sink) -> None:
    recorded = int(fork(forks, "busy", FORKS))
    check(forks, {"busy": recorded, "child": 50 * FORKS, "child.timed": 50 * FORKS})
    assert sum(forks.counts[f"busy.{name}"] for name in "abcd") == recorded
    assert sum(forks.counts[f"gauge.{number}"] for number in range(50)) == recorded


@pytest.mark.soak
def test_forks_of_a_thread_while_another_makes_clients(forks: Sink) -> None:
    recorded = int(fork(forks, "of_thread", FORKS))
    check(forks, {"hammered": recorded, "child": 50 * FORKS, "child.timed": 50 * FORKS})
    assert sum(forks.counts[f"series.{number}"] for number in range(500)) == recorded


def test_forks_of_a_thread_that_ends_unnoticed(forks: Sink) -> None:
    assert fork(forks, "of_foreign_thread", 3) == ""
    check(forks, {"child": 150, "child.timed": 150})


def test_children_of_children(forks: Sink) -> None:
    assert fork(forks, "generations", 5) == ""
    check(forks, {"generation": 120, "generation.timed": 120})


def test_a_fork_amid_a_timed_block_or_call_is_timed_by_both_that_end_it(forks: Sink) -> None:
    """What is counted as a call begins is counted once: it was recorded before there were two."""
    assert fork(forks, "amid", 5) == ""
    check(forks, {"block": 10, "call": 10, "calls": 5, "generator": 10})


def test_a_lock_that_a_gauge_takes_is_never_held_in_a_child(forks: Sink) -> None:
    """Its callable runs in a thread that the child doesn't have, to release the lock."""
    assert fork(forks, "amid_a_reading", 1) == ""
    check(forks, {"child": 10, "child.timed": 10})


def test_exit_without_cleanup_loses_what_is_younger_than_a_send(forks: Sink) -> None:
    with program("forks", "abrupt", "4", sink=forks) as process:
        process.wait_for("forked", LONG)
        forks.wait_for("before", 400)
        forks.wait_for("before.timed", 400)
        process.send(signal.SIGUSR1)
        assert process.wait(LONG) == 0
    check(forks, {"before": 400, "before.timed": 400})
    assert forks.counts["after"] <= 400


def test_a_function_before_exec_costs_the_parent_nothing(forks: Sink) -> None:
    """The child itself has no time to send: what replaces a process takes it as it is."""
    assert fork(forks, "before_exec", 20) == ""
    check(forks, {"parent": 200, "parent.timed": 200})
    assert forks.counts["in_child"] <= 20


def test_children_that_can_start_no_thread_try_again(forks: Sink) -> None:
    assert fork(forks, "without_threads", 3) == ""
    forks.wait_for("child", 30)
    forks.wait_for("child.timed", 30)
    forks.wait_for_reasons({("errors", "thread"): 3})
    forks.reasons.clear()


def test_the_programs_are_all_run() -> None:
    """A kind that is added to a program and forgotten here would never fail."""
    programs = Path(__file__).parent / "programs"
    tests = Path(__file__).read_text()
    for name in ("forks", "pools"):
        kinds = re.search(r"KINDS = \[(.*?)\]", (programs / f"{name}.py").read_text(), re.S)
        assert kinds is not None
        for kind in re.findall(r"\w+", kinds[1]):
            assert f'"{kind}"' in tests
    assert os.path.exists(programs / "web.py")
