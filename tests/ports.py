"""Find ports for servers that a test has to name before they listen."""

from __future__ import annotations

import random
import socket
from contextlib import suppress
from itertools import count

FIRST, LAST = 10_000, 32_000
"""Below Linux's range of ephemeral ports, so that no client gets such a port meanwhile."""
_random = random.SystemRandom()


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """Return a port at which nobody listens, on any address."""
    for _ in count():
        port = _random.randrange(FIRST, LAST)
        with suppress(OSError), socket.socket(type=kind) as trial:
            trial.bind(("", port))
            return port
    raise AssertionError("unreachable")
