"""Private: how many descriptors the process may have open: each connection and file is one."""

from __future__ import annotations

import resource

__all__ = ["connection_limit", "descriptor_limit", "raise_descriptor_limit"]

ENOUGH = 65_536
"""No more are asked for: some programs that are started look at each that there might be."""
SHARES = 4
"""Of the descriptors: one each for the connections of the page, of --otlp and of --statsd."""


def descriptor_limit() -> int:
    """Return how many descriptors this process may have open, ENOUGH at most."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _up_to_enough(soft)


def connection_limit(most: int) -> int:
    """Return how many connections a server may have open, `most` of them, or one share.

    One share is nobody's: it is for clients on ZeroMQ's sockets, which would end the process where
    it gets no descriptor, and for files. To be asked once the limit has been raised.
    """
    return min(most, descriptor_limit() // SHARES)


def raise_descriptor_limit() -> None:
    """Raise the soft limit to the hard one, which needs no rights; a higher one stays."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _up_to_enough(hard)
    if descriptor_limit() < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _up_to_enough(limit: int) -> int:
    return ENOUGH if limit == resource.RLIM_INFINITY else min(limit, ENOUGH)
