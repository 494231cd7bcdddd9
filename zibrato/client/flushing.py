"""Sends what connections hold, and closes them, each until a moment of its own and all at once.

So one whose daemon is away takes no time of the others.
"""

from __future__ import annotations

import time
from contextlib import suppress

from zibrato.client.connection import Connection

SLICE = 0.05
"""Seconds to wait for one connection before the next one's turn."""
Deadlines = list[tuple[Connection, float]]
"""Connections, and the `time.monotonic` until which each may take."""


def flush(deadlines: Deadlines) -> bool:
    """Send until everything is, or the deadlines are over; return whether it went."""
    while remaining := _remaining(deadlines):
        for connection, seconds in remaining:
            connection.wait(int(1000 * min(seconds, SLICE)))
    return not any(connection.pending for connection, _ in deadlines)


def close(deadlines: Deadlines) -> None:
    """Close those that nobody uses, and wait until ZeroMQ has sent what it has."""
    contexts = []
    for connection, deadline in deadlines:
        with suppress(Exception):  # the others are to be closed as well
            contexts.append(connection.close(deadline - time.monotonic()))
    # Ending a context blocks for the linger of its sockets: all of them linger by now, at once.
    for context in contexts:
        if context is not None:
            with suppress(Exception):
                context.term()


def _remaining(deadlines: Deadlines) -> Deadlines:
    """Return the connections that could send more in time, and the seconds that each has left."""
    now = time.monotonic()
    return [
        (connection, deadline - now)
        for connection, deadline in deadlines
        if connection.pending and connection.open and deadline > now
    ]
