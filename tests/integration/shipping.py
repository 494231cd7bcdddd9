"""A daemon that ships to a Librato server every second, and programs that count."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from time import monotonic

from tests.integration.librato_server import LibratoServer
from tests.integration.processes import Process, daemon, eventually, module

COUNTING = "tests.integration.programs.counting"


def account(server: LibratoServer) -> tuple[str, ...]:
    """Return the options of a daemon that ships to `server`."""
    return ("--username", server.username, "--apikey", server.apikey, "--hostname", server.url)


def shipping(
    server: LibratoServer,
    endpoint: str,
    *options: str,
    environment: Mapping[str, str] | None = None,
) -> Process:
    """Return a daemon that ships to `server` every second."""
    timing = ("--flush-interval", "1", "--stop-timeout", "20")
    return daemon(
        "--socket", endpoint, *timing, *account(server), *options, environment=environment
    )


@contextmanager
def counting(number: int, socket: str, acknowledged: str) -> Iterator[Sequence[Process]]:
    """Have so many programs count."""
    with ExitStack() as stack:
        programs = [
            stack.enter_context(
                module(COUNTING, ZIBRATO_SOCKET=socket, ZIBRATO_ACKNOWLEDGED=acknowledged)
            )
            for _ in range(number)
        ]
        for program in programs:
            program.wait_for("started")
        yield programs


def made_by(programs: Sequence[Process]) -> int:
    """End the programs, which must have had everything taken; return what they made."""
    made = 0
    for program in programs:
        program.send(signal.SIGTERM)
    for program in programs:
        told = program.wait_for(r"made (\d+) (\w+)", deadline=120)
        assert told[2] == "True"
        made += int(told[1])
        assert program.wait() == 0
        assert "dropped {}" in program.output
    return made


def hold_for(seconds: float) -> Callable[[], None]:
    """Return what waits for so long."""

    def hold() -> None:
        end = monotonic() + seconds
        eventually(lambda: monotonic() >= end, seconds + 30)

    return hold
