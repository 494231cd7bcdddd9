"""Programs with a client in them, each run in a real process."""

from __future__ import annotations

import sys

from tests.integration.processes import Process
from tests.integration.sink import Sink

LONG = 120.0


def run(program: str, sink: Sink, *options: str, **environment: str) -> str:
    """Run a program to its end, which must be a good one, and return what it printed."""
    arguments = [sys.executable, *options, "-c", program]
    with Process(arguments, {"ZIBRATO_SOCKET": sink.endpoint, **environment}) as process:
        assert process.wait(LONG) == 0, process.output
    return process.output
