"""Sends what channels hold, and closes them, each until a moment of its own and all at once.

So one whose daemon is away takes no time of the others.
"""

from __future__ import annotations

import time
from contextlib import suppress

from zibrato.client.connection import Channel

SLICE = 0.05
Ends = list[tuple[Channel, float]]
"""Channels, and the `time.monotonic` until which each may take."""


def flush(ends: Ends) -> bool:
    """Send until everything is, or the ends have come; return whether ZeroMQ has it all."""
    while waiting := _waiting(ends):
        for channel, left in waiting:
            channel.wait(int(1000 * min(left, SLICE)))
    return not any(channel.pending for channel, _ in ends)


def close(ends: Ends) -> None:
    """Close those that nobody uses, and wait until ZeroMQ has sent what it has."""
    contexts = []
    for channel, end in ends:
        with suppress(Exception):  # the others are to be closed as well
            contexts.append(channel.close(end - time.monotonic()))
    for context in contexts:
        if context is not None:
            with suppress(Exception):
                context.term()


def _waiting(ends: Ends) -> Ends:
    """Return the channels that could send more before their end, and the seconds until then."""
    now = time.monotonic()
    return [(each, end - now) for each, end in ends if each.pending and each.open and end > now]
