"""Processes of a benchmark: each is pinned to its own processor, and ended by its process id."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

ROOT = Path(__file__).resolve().parents[1]
DEADLINE = 30.0
PROCESSORS = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
"""The processors that this process may use at its start; empty if processes can't be pinned."""
_TICKS = os.sysconf("SC_CLK_TCK")
_STATE = tempfile.TemporaryDirectory(prefix="zibrato-", ignore_cleanup_errors=True)


class BenchmarkError(Exception):
    """The figures would be worthless, for a reason given as one line for people."""


def pin(index: int) -> None:
    """Pin this thread, and what it starts, to the `index`th processor, if there are enough."""
    if index < len(PROCESSORS):
        os.sched_setaffinity(0, {PROCESSORS[index]})


def pinning() -> str:
    """Return one line on what `pin` does on this machine."""
    if len(PROCESSORS) > 1:
        return "pinned: the measured process has a processor of its own"
    return "NOT pinned: all processes share the processors, take the figures with care"


@contextmanager
def pinned(index: int) -> Iterator[None]:
    """Pin what is started in this block."""
    before = os.sched_getaffinity(0) if PROCESSORS else set()
    pin(index)
    try:
        yield
    finally:
        if before:
            os.sched_setaffinity(0, before)


@contextmanager
def running(
    arguments: Sequence[str],
    *,
    processor: int,
    environment: Mapping[str, str] | None = None,
    quiet: bool = False,
) -> Iterator[subprocess.Popen[str]]:
    """Run a process, pinned from its start, with pipes for input and output; kill it in the end.

    The output of a `quiet` process is discarded.
    """
    output = subprocess.DEVNULL if quiet else subprocess.PIPE
    with pinned(processor):
        process = subprocess.Popen(
            arguments,
            env={**_clean_environment(), "PYTHONPATH": str(ROOT), **(environment or {})},
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.DEVNULL if quiet else None,
            text=True,
        )
    with process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def daemon(directory: Path, endpoint: str, *, processor: int = 1) -> Iterator[Path]:
    """Run `twistd -n zibrato` on `endpoint`; its account is complete after the block.

    The account is the file of JSON lines that the log backend writes in `directory`.
    """
    account = directory / "account.json"
    options = ["--socket", endpoint, *daemon_options(account)]
    with running([*twistd(directory), "zibrato", *options], processor=processor) as process:
        await_socket(process, endpoint)
        yield account
        stop(process)


def daemon_options(account: Path) -> list[str]:
    """Return the options of a daemon that ships to the file `account` every second."""
    return [
        *("--flush-interval", "1"),
        *("--percentiles", "50,95,99"),
        *("--backend", f"log:path={account}"),
    ]


def twistd(directory: Path) -> list[str]:
    """Return the beginning of a command that runs twistd in the foreground and logs to a file."""
    options = ["--nodaemon", "--pidfile=", f"--logfile={directory / 'twistd.log'}"]
    return [str(Path(sys.executable).with_name("twistd")), *options]


def await_socket(process: subprocess.Popen[str], endpoint: str) -> None:
    """Wait until the ipc `endpoint` of a daemon exists; raises BenchmarkError."""
    path = Path(endpoint.removeprefix("ipc://"))
    _await(lambda: path.exists() or process.poll() is not None, f"{endpoint} never came up")
    if process.poll() is not None:
        raise BenchmarkError(f"the daemon ended with status {process.returncode}")


class Running(Protocol):
    """The part of a process that shows whether it has ended."""

    @property
    def returncode(self) -> int | None:
        """Its exit status when it was last polled."""

    def poll(self) -> int | None:
        """Return its exit status, or None while it runs."""


def await_port(process: Running, port: int) -> None:
    """Wait until a process listens at a UDP port; raises BenchmarkError."""
    address = f":{port:04X} "
    table = Path("/proc/net/udp")
    _await(
        lambda: address in table.read_text() or process.poll() is not None,
        f"nothing came up at port {port}",
    )
    if process.poll() is not None:
        raise BenchmarkError(f"it ended with status {process.returncode}")


def await_account(account: Path, names: str, expected: int) -> None:
    """Wait until the daemon has shipped `expected` measurements; raises BenchmarkError."""
    _await(
        lambda: shipped(account, names) >= expected,
        f"of {expected:,} measurements sent fewer arrived",
    )


def shipped(account: Path, names: str) -> int:
    """Return how many measurements of series that start with `names` an account holds."""
    return sum(count for name, count in shipped_by_name(account).items() if name.startswith(names))


def shipped_by_name(account: Path) -> Counter[str]:
    """Return how many measurements of each name an account holds."""
    counts: Counter[str] = Counter()
    if account.exists():
        for text in account.read_text().splitlines(keepends=True):
            if text.endswith("\n"):  # otherwise it is being written
                line = json.loads(text)
                counts[line["name"]] += line["count"]
    return counts


def stop(process: subprocess.Popen[str]) -> None:
    """Stop a daemon, which ships everything first; raises BenchmarkError if that fails."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(DEADLINE)
    except subprocess.TimeoutExpired:
        raise BenchmarkError(f"the daemon did not stop within {DEADLINE} s") from None


def cpu_seconds(pid: int | str = "self") -> float:
    """Return the processor time of all threads of a process, user and system, to 0.01 s."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / _TICKS


def _await(condition: Callable[[], object], complaint: str) -> None:
    limit = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > limit:
            raise BenchmarkError(f"{complaint} within {DEADLINE:.0f} s")
        time.sleep(0.02)


def _clean_environment() -> dict[str, str]:
    """Return the environment without settings; outboxes stay out of the user's directory."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("ZIBRATO_")}
    return {**own, "XDG_STATE_HOME": _STATE.name}
