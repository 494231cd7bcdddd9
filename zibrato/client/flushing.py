"""Flush and close connections, each until its own deadline, and all at the same time.

So a connection without a daemon takes no time from the others.
"""

from __future__ import annotations

import time
from contextlib import suppress

from zibrato.client.connection import Connection

SLICE = 0.05
"""Seconds to wait for one connection before the next one has its turn."""
Deadlines = list[tuple[Connection, float]]
"""Connections, and the `time.monotonic` of their deadlines."""


def flush(deadlines: Deadlines) -> bool:
    """Send until nothing is left or the deadlines are over; return whether everything was sent."""
    while remaining := _remaining(deadlines):
        for connection, seconds in remaining:
            connection.wait(int(1000 * min(seconds, SLICE)))
    return not any(connection.pending for connection, _ in deadlines)


def close(deadlines: Deadlines) -> None:
    """Close unused connections, and wait until ZeroMQ has sent what it holds."""
    contexts = []
    for connection, deadline in deadlines:
        with suppress(Exception):  # the others have to be closed as well
            contexts.append(connection.close(deadline - time.monotonic()))
    # Terminating a context blocks for its sockets' linger: by now all of them linger at the same
    # time.
    for context in contexts:
        if context is not None:
            with suppress(Exception):
                context.term()


def _remaining(deadlines: Deadlines) -> Deadlines:
    """Return the connections that can send more in time, and the seconds that each has left."""
    now = time.monotonic()
    return [
        (connection, deadline - now)
        for connection, deadline in deadlines
        if connection.pending and connection.open and deadline > now
    ]
