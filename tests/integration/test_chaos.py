"""Everything at once: threads, tasks, forks, random levels, and daemons that come and go."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import pytest

from tests import soak
from tests.integration.librato_server import LibratoServer
from tests.integration.processes import Process, eventually, module
from tests.integration.shipping import hold_for, shipping
from tests.integration.tally import Tally

SECONDS = soak.seconds(60)
BURST = "400" if soak.SHARE >= 1 else "100"
"""Fewer measurements meet as many stops: what is short is only the work."""
UP = 3.0
"""Seconds for which a daemon is left alone."""


def restart_for_a_while(server: LibratoServer, endpoint: str, program: Process) -> int:
    """Have a daemon after another, each stopped by TERM, for a while; return how many."""
    restarts = 0
    end = monotonic() + SECONDS
    while monotonic() < end:
        with shipping(server, endpoint) as process:
            hold_for(UP)()
            # A large batch that is being sent just as a daemon closes its socket may be lost: plain
            # ZeroMQ has no acknowledgements.
            program.send(signal.SIGUSR1)
            eventually(lambda quiet=restarts: program.output.count("quiet") > quiet)  # type: ignore[misc]  # a default has no type
            assert process.stop(signal.SIGTERM) == -signal.SIGTERM
            program.send(signal.SIGUSR1)
            restarts += 1
    return restarts


@pytest.mark.soak
@pytest.mark.fault("plain: the daemon is stopped (TERM); threads, tasks and forks")
def test_totals_at_the_server_are_the_totals_made(
    tmp_path: Path, account_for: Callable[[Tally], None]
) -> None:
    endpoint = f"ipc://{tmp_path}/socket"
    with LibratoServer() as server:
        variables = {"ZIBRATO_SOCKET": endpoint, "BURST": BURST}
        with module("tests.integration.programs.chaos", **variables) as program:
            program.wait_for("started")
            restarts = restart_for_a_while(server, endpoint, program)
            with shipping(server, endpoint) as last:
                program.send(signal.SIGTERM)
                assert program.wait(120) == 0
                last.stop()
        told = json.loads(program.output.splitlines()[-1])
        recorded, dropped = told["recorded"], told["dropped"]
        assert set(dropped) <= {"full"}
        arrived = {name: server.count(name) for name in recorded}
        timers = {name for name in recorded if not name.startswith(("calls", "sum", "child"))}
        counters = {name: count for name, count in recorded.items() if name not in timers}
        assert {name: arrived[name] for name in counters} == counters
        assert server.total("sum") == 3 * recorded["sum"]
        lost = sum(recorded[name] - arrived[name] for name in timers)
        assert lost == sum(dropped.values())
        account_for(Tally(sum(recorded.values()), sum(arrived.values()), restarts, dropped=dropped))
        assert server.rejections == []
