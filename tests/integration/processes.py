"""Real processes for the tests: started, watched by what they print, and ended by their own pid."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING

from tests.integration.forked import Forked, can_be_forked

if TYPE_CHECKING:
    from typing_extensions import Self

BIN = Path(sys.executable).parent
ROOT = Path(__file__).resolve().parents[2]
DEADLINE = 60.0
MEASURED = {"twistd", "zibrato"}


class Child:
    """A process that is ended with the `with` block; what it showed is printed where that fails."""

    popen: subprocess.Popen[bytes] | Forked

    def release(self) -> str:
        """Close what is left once it has ended; return what it showed."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.popen.poll() is None:
            self.popen.kill()
        self.popen.wait()
        shown = self.release()
        if error is not None:
            print(f"--- {self.popen.args!r} showed:\n{shown}")


class Process(Child):
    """A process whose output (both streams) is collected.

    With `forked` it needn't be started as people start it, if forking it does as well.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
        *,
        forked: bool = False,
    ) -> None:
        self._changed = threading.Condition()
        self._lines: list[str] = []
        self._ended = False
        output, end = os.pipe()
        self.popen = _start(arguments, environment or {}, directory, end, forked)
        os.close(end)
        self._output = open(output, errors="replace")  # noqa: SIM115 - `release` closes it
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def output(self) -> str:
        """Everything it printed so far."""
        with self._changed:
            return "".join(self._lines)

    def wait_for(self, pattern: str, deadline: float = DEADLINE) -> re.Match[str]:
        """Wait until the output matches; raises AssertionError at the deadline or its end."""
        limit = monotonic() + deadline
        with self._changed:
            while True:
                match = re.search(pattern, "".join(self._lines), re.M)
                if match:
                    return match
                left = limit - monotonic()
                if left <= 0 or self._ended:
                    raise AssertionError(f"{pattern!r} never came in:\n{''.join(self._lines)}")
                self._changed.wait(left)

    def send(self, number: int) -> None:
        """Send it a signal."""
        self.popen.send_signal(number)

    def wait(self, deadline: float = DEADLINE) -> int:
        """Return its exit status (negative: the signal that ended it)."""
        status = self.popen.wait(deadline)
        self._reader.join(deadline)
        return status

    def stop(self, number: int = signal.SIGTERM, deadline: float = DEADLINE) -> int:
        """Send it a signal and return its exit status."""
        if self.popen.poll() is None:
            self.send(number)
        return self.wait(deadline)

    def release(self) -> str:
        """Close the pipe, unless a child of its own still holds it; return all that it printed."""
        self._reader.join(DEADLINE)
        if not self._reader.is_alive():
            self._output.close()
        return self.output

    def _read(self) -> None:
        for line in self._output:
            with self._changed:
                self._lines.append(line)
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()


def _start(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    directory: Path | None,
    output: int,
    forked: bool,
) -> subprocess.Popen[bytes] | Forked:
    whole = {**_clean_environment(arguments[0]), **environment}
    if forked and can_be_forked(arguments[0], environment):
        return Forked(arguments, whole, directory, output, output)
    return subprocess.Popen(
        arguments,
        env=whole,
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
    )


def daemon(*options: str, environment: Mapping[str, str] | None = None) -> Process:
    """Return a `twistd -n zibrato` with these options, once it listens."""
    arguments = [str(BIN / "twistd"), "--nodaemon", "--pidfile=", "zibrato", *options]
    process = Process(arguments, environment, forked=True)
    try:
        process.wait_for("(listening on|receiving from) ")
    except AssertionError:
        process.__exit__(None, None, None)
        raise
    return process


def python(program: str, *arguments: str, environment: Mapping[str, str] | None = None) -> Process:
    """Return a process of this interpreter that runs the source `program`."""
    return Process([sys.executable, "-c", program, *arguments], environment)


def module(name: str, **environment: str) -> Process:
    """Return a process that runs a module of this checkout as its program."""
    return Process([sys.executable, "-m", name], environment, ROOT)


def eventually(condition: Callable[[], object], deadline: float = DEADLINE) -> None:
    """Wait until `condition()` is true; raises AssertionError at the deadline."""
    limit = monotonic() + deadline
    pause, seconds = threading.Event(), 0.01
    while not condition():
        if monotonic() > limit:
            raise AssertionError(f"{condition} did not become true within {deadline} s")
        # Who asks a daemon ever so often takes the time that it needs.
        pause.wait(seconds)
        seconds = min(2 * seconds, 0.1)


def _clean_environment(program: str) -> dict[str, str]:
    """Return the environment without what Zibrato reads; coverage is measured in daemons alone.

    In a child forked from a busy thread coverage waits for ever for a lock of its own.
    """
    foreign = "ZIBRATO_" if Path(program).name in MEASURED else ("ZIBRATO_", "COVERAGE_")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
