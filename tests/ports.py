"""Ports for servers that a test has to name before they listen."""

from __future__ import annotations

import random
import socket
from contextlib import suppress
from itertools import count

FIRST, LAST = 10_000, 32_000
"""Below those that Linux gives to whoever asks for any: no client takes it meanwhile."""
_random = random.SystemRandom()


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """Return a port on which nobody listens, on any address."""
    for _ in count():
        port = _random.randrange(FIRST, LAST)
        with suppress(OSError), socket.socket(type=kind) as trial:
            trial.bind(("", port))
            return port
    raise AssertionError("unreachable")
